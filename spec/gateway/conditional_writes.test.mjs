/**
 * Conditional changes: If-Match and If-None-Match (RFC 9110, section 13), without the conditions that nginx
 * would add.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { RawConnection } from "./support/raw_connection.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

useWorkers(4);

const body = { servers: [{ server: someAddress(1) }] };
const node = { server: someAddress(2), ttl: "1m" };
const createOnly = { "If-None-Match": "*" };
const past = "Mon, 01 Jan 2001 00:00:00 GMT";

/**
 * Asserts that a change is refused with 412 in JSON and changes nothing.
 * @param {import("./support/api.mjs").Api} api
 * @param {[method: string, path: string, body?: unknown, headers?: Record<string, string>]} request
 */
async function assertRefused(api, request) {
  const before = await api.configuration();
  assertErrorBody(await api.send(...request), 412, "PreconditionFailed");
  assert.equal(await api.configuration(), before, `${request[0]} ${request[1]}`);
}

test("PUT with If-None-Match: * creates an upstream and never replaces one", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  assert.equal((await api.put(sluice("new"), body, createOnly)).status, 201);
  await assertRefused(api, ["PUT", sluice("new"), { servers: [] }, createOnly]);
  await assertRefused(api, ["PUT", sluice("new"), body, createOnly]);
  await api.expect(204, "DELETE", sluice("new"));
  assert.equal((await api.put(sluice("new"), body, createOnly)).status, 201);
});

test("PUT of a node with If-None-Match: * registers it once and never renews it", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  assert.equal((await api.put(nodeOf("one"), node, createOnly)).status, 201);
  assert.equal((await api.put(nodeOf("two"), { ...node, server: someAddress(3) }, createOnly)).status, 201);
  const { expires } = await api.expect(200, "GET", nodeOf("one"));
  await assertRefused(api, ["PUT", nodeOf("one"), node, createOnly]);
  await assertRefused(api, ["PUT", nodeOf("one"), { ...node, weight: 2 }, createOnly]);
  assert.equal((await api.expect(200, "GET", nodeOf("one"))).expires, expires);
  await api.expect(204, "DELETE", nodeOf("one"));
  assert.equal((await api.put(nodeOf("one"), node, createOnly)).status, 201);
});

test("a change is refused when its If-None-Match names the current version", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { etag = "" } = (await api.get(sluice())).headers;
  for (const tags of ["*", etag, `W/${etag}`, `"none", ${etag}`]) {
    const headers = { "If-None-Match": tags };
    await assertRefused(api, ["PUT", sluice(), body, headers]);
    await assertRefused(api, ["PATCH", sluice(), { panic_threshold: 3 }, headers]);
    await assertRefused(api, ["DELETE", sluice(), undefined, headers]);
    await assertRefused(api, ["POST", serversOf(), { server: someAddress(4) }, headers]);
    await assertRefused(api, ["PATCH", `${serversOf()}/0`, { weight: 5 }, headers]);
    await assertRefused(api, ["DELETE", `${serversOf()}/0`, undefined, headers]);
  }
  const other = { "If-None-Match": '"none"' };
  assert.equal((await api.patch(sluice(), { panic_threshold: 3 }, other)).status, 200);
});

test("conditions on modification times are ignored", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  for (const headers of [{ "If-Unmodified-Since": past }, { "If-Modified-Since": past }]) {
    assert.equal((await api.get(sluice(), headers)).status, 200);
    assert.equal((await api.get("/api/9/http/upstreams", headers)).status, 200);
    assert.equal((await api.patch(sluice(), { panic_threshold: 1 }, headers)).status, 200);
    assert.equal((await api.patch(`${serversOf()}/0`, { weight: 2 }, headers)).status, 200);
    assert.equal((await api.put(nodeOf("one"), node, headers)).status, 201);
    assert.equal((await api.put(nodeOf("one"), node, headers)).status, 200);
    assert.equal((await api.delete(nodeOf("one"), headers)).status, 204);
  }
});

test("requests that do not change the upstream ignore conditions", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const headers = { "If-Match": '"0"' };
  assert.equal((await api.post(`${sluice()}/servers/0/report`, { rps: 1 }, headers)).status, 204);
  assert.equal((await api.delete("/api/9/http/upstreams/app", headers)).status, 204);
});

test("an ETag that compression has made weak still matches", async (context) => {
  const gateway = await startGateway(context, {
    servers: ["127.0.0.1:9"],
    api: "gzip on; gzip_types application/json; gzip_min_length 1;",
  });
  const { api } = gateway;
  const connection = new RawConnection(context, gateway.apiPort);
  connection.sendHead("GET", sluice(), { "Accept-Encoding": "gzip" });
  const weak = (await connection.read()).headers.etag;
  assert.match(weak, /^W\/"\d+"$/);
  const change = await api.patch(sluice(), { panic_threshold: 7 }, { "If-Match": weak });
  assert.equal(change.status, 200, change.text);
  await assertRefused(api, ["PATCH", sluice(), { panic_threshold: 8 }, { "If-Match": weak }]);
  const several = { "If-Match": `"0", W/${change.headers.etag}` };
  assert.equal((await api.patch(sluice(), { panic_threshold: 9 }, several)).status, 200);
});
