/** A form on a page of another site cannot change anything, whatever headers a browser omits. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { RawConnection } from "./support/raw_connection.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

const form = "application/x-www-form-urlencoded";

test("a write must have a JSON content type or none", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const types = [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
    "application/json ; charset=utf-8",
    "application/merge-patch+json",
    "application/vnd.example+json; v=1",
    "",
  ];
  for (const [index, type] of types.entries()) {
    const server = someAddress(index);
    await gateway.api.expect(201, "POST", serversOf(), { server }, { "Content-Type": type });
  }
  await gateway.api.expect(201, "POST", serversOf(), { server: someAddress(types.length) });
});

test("content types that a form of another site can send are refused", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  const before = await api.configuration();
  const refusedTypes = [
    "text/plain",
    "TEXT/PLAIN",
    "text/plain;charset=UTF-8",
    "text/plain; application/json",
    "text/plain;application/json",
    "text/plain application/json",
    "text/plain,application/json",
    "application/json, text/plain",
    "application/json text/plain",
    "multipart/form-data; boundary=application/json",
    "multipart/form-data",
    "application/jsonx",
    "application/xml",
    "text/json",
    "nonsense",
    "*/*",
    "application/a,b+json",
    `${form}, application/json`,
  ];
  /** @type {[method: string, path: string, body: object | undefined][]} */
  const writes = [
    ["POST", serversOf(), { server: "127.0.0.2:9" }],
    ["PATCH", `${serversOf()}/0`, { weight: 2 }],
    ["DELETE", `${serversOf()}/0`, undefined],
    ["PUT", sluice("new"), { servers: [] }],
    ["DELETE", sluice(), undefined],
    ["PUT", `${sluice()}/nodes/one`, { server: "127.0.0.2:9", ttl: "10s" }],
    ["POST", `${sluice()}/servers/0/drain`, undefined],
    ["POST", "/api/nothing", {}],
  ];
  for (const [method, path, body] of writes) {
    for (const type of refusedTypes) {
      const answer = await api.send(method, path, body, { "Content-Type": type });
      assertErrorBody(answer, 415, "UnsupportedMediaType");
    }
    for (const header of ["Origin", "Referer", "Cookie", "Sec-Fetch-Site"]) {
      const own = `http://127.0.0.1:${gateway.apiPort}`;
      const value = { Origin: own, Referer: `${own}/`, Cookie: "a=b", "Sec-Fetch-Site": "none" }[header];
      const answer = await api.send(method, path, body, { "Content-Type": form, [header]: value });
      assertErrorBody(answer, 415, "UnsupportedMediaType");
    }
  }
  assert.equal(await api.configuration(), before);
  // A read changes nothing, whatever its type.
  await api.expect(200, "GET", serversOf(), undefined, { "Content-Type": "text/plain" });
});

test("a request with two content types is refused", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const before = await gateway.api.configuration();
  const body = '{"server":"127.0.0.2:9"}';
  for (const types of [
    ["application/json", "text/plain"],
    ["text/plain", "application/json"],
    [form, form],
  ]) {
    const connection = new RawConnection(context, gateway.apiPort);
    const rest = `${types.map((type) => `Content-Type: ${type}\r\n`).join("")}\r\n${body}`;
    connection.socket.write(
      `POST ${serversOf()} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n${rest}`,
    );
    const { status } = await connection.read();
    // nginx itself refuses this since version 1.23.
    assert.ok([400, 415].includes(status), `${types}: ${status}`);
  }
  assert.equal(await gateway.api.configuration(), before);
});

test("the dashboard of NGINX Plus, a page of the API's own origin, sends JSON as text", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const origin = { Origin: `http://127.0.0.1:${gateway.apiPort}` };
  const type = { "Content-Type": "text/plain;charset=UTF-8", Cookie: "a=b" };
  for (const [index, own] of [origin, { "Sec-Fetch-Site": "same-origin" }].entries()) {
    const server = someAddress(index);
    await gateway.api.expect(201, "POST", serversOf(), { server }, { ...type, ...own });
  }
});

test("curl -d works as the README says", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const url = `http://127.0.0.1:${gateway.apiPort}`;
  const curl = (...args) => {
    const { stdout, error } = spawnSync("curl", ["-s", "-w", " %{http_code}", ...args], { encoding: "utf8" });
    assert.equal(error, undefined);
    return stdout.split(" ").at(-1);
  };
  assert.equal(curl("-d", '{"server":"127.0.0.1:9"}', `${url}${serversOf()}`), "201");
  assert.equal(curl("-X", "PATCH", "-d", '{"weight":2}', `${url}${serversOf()}/0`), "200");
  assert.equal(curl("-X", "PUT", "-d", '{"servers":[]}', `${url}${sluice("new")}`), "201");
  assert.equal(curl("-X", "DELETE", `${url}${serversOf()}/0`), "200");
  assert.equal(curl("-X", "DELETE", `${url}${sluice("new")}`), "204");
});
