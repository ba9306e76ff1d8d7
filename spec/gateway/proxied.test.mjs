/**
 * Without tokens, a client of the traffic port never has access to the API, whatever the addresses of
 * servers.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { freePort } from "./support/ports.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const evil = sluice("evil");
const body = '{"servers":[{"server":"192.0.2.1:80"}]}';
const node = '{"server":"192.0.2.1:80","ttl":"10s"}';
const local = { Host: "localhost" };
/** The traffic port passes any Host of a client on. */
const http = "proxy_set_header Host $http_host;";
const location = 'location /api { content_by_lua_block { require("resty.sluice").api() } }';

/** Requests of a client of the traffic port. @type {[method: string, path: string, body?: string][]} */
const attacks = [
  ["PUT", evil, body],
  ["POST", serversOf(), '{"server":"192.0.2.1:80"}'],
  ["PUT", `${sluice()}/nodes/evil`, node],
  ["DELETE", sluice()],
  ["GET", "/api/sluice/1/upstreams"],
];

/**
 * Asserts that no request of a client of the traffic port to the API is accepted.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {{ port?: number, path?: string, victim?: import("./support/gateway.mjs").Gateway }} [options]
 *   `path`: the prefix of the location before the API's path; `victim`: the gateway with the API, if it is
 *   another gateway
 */
async function assertNoAdministrator(gateway, { port = gateway.port, path = "", victim = gateway } = {}) {
  const before = await victim.api.configuration();
  // Several rounds also use kept connections.
  for (let round = 0; round < 3; round += 1) {
    for (const [method, below, sent] of attacks) {
      const { status, text } = await ask(port, path + below, { method, headers: local, body: sent });
      const { code, text: reason } = JSON.parse(text).error;
      assert.deepEqual([status, code], [403, "Forbidden"], `${method} ${below}: ${reason}`);
    }
  }
  assert.equal(await victim.api.configuration(), before);
}

/** @param {import("./support/gateway.mjs").Gateway} gateway @param {string} server */
const addServer = (gateway, server) => gateway.api.expect(201, "POST", serversOf(), { server });

test("a server with the API's own address does not expose the API", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, http });
  await addServer(gateway, `127.0.0.1:${gateway.apiPort}`);
  await assertNoAdministrator(gateway);
});

test("a registry that lists the API's own address does not expose the API", async (context) => {
  const gateway = await makeGateway(context, { http });
  const path = join(gateway.folder, "servers.json");
  writeFileSync(path, JSON.stringify({ servers: [`127.0.0.1:${gateway.apiPort}`] }));
  gateway.configure({ upstreams: { app: { discovery: { file: { path } } } } });
  await gateway.start();
  await waitFor("the server is found", async () => (await peersOf(gateway.api)).size === 1);
  await assertNoAdministrator(gateway);
});

test("no headers that a location sets or removes make a proxied request local", async (context) => {
  const variants = {
    old: "proxy_http_version 1.0;",
    closed: "proxy_set_header Host $host; proxy_set_header Connection close;",
    localhost: "proxy_set_header Host localhost;",
    removed:
      'proxy_set_header Host $host; proxy_set_header X-Forwarded-For ""; proxy_set_header Via ""; proxy_set_header Forwarded "";',
    forwarded:
      "proxy_set_header Host $host; proxy_set_header X-Forwarded-For 127.0.0.1; proxy_set_header X-Real-IP 127.0.0.1;",
    none: "proxy_pass_request_headers off; proxy_set_header Host $host; proxy_set_header Content-Length $content_length;",
    bound: "proxy_bind 127.0.0.9;",
    unbuffered: "proxy_request_buffering off; proxy_buffering off;",
  };
  const locations = Object.entries(variants).map(
    ([name, lines]) => `location /${name}/ { ${lines} proxy_pass http://app/; }`,
  );
  const gateway = await startGateway(context, {
    upstreams: { app: {} },
    traffic: locations.join("\n"),
    http,
  });
  await addServer(gateway, `127.0.0.1:${gateway.apiPort}`);
  for (const name of Object.keys(variants)) await assertNoAdministrator(gateway, { path: `/${name}` });
});

test("a location that proxies to the API without an upstream of Sluice does not expose it", async (context) => {
  const gateway = await makeGateway(context, { upstreams: { app: {} }, http });
  gateway.configure({ traffic: `location /static/ { proxy_pass http://127.0.0.1:${gateway.apiPort}/; }` });
  await gateway.start();
  await assertNoAdministrator(gateway, { path: "/static" });
});

test("an API on the traffic port, on IPv6 or on a unix socket cannot be reached through the gateway", async (context) => {
  const [ipv6, both] = [await freePort(), await freePort()];
  const listen = `listen [::1]:${ipv6}; listen [::]:${both} ipv6only=off;`;
  const gateway = await startGateway(context, {
    upstreams: { app: {} },
    apiUnix: true,
    http: `${http} server { ${listen} ${location} }`,
  });
  const servers = [
    `[::1]:${ipv6}`,
    `[::1]:${both}`,
    `127.0.0.1:${both}`,
    `127.0.0.2:${both}`,
    `unix:${gateway.folder}/api.sock`,
  ];
  for (const server of servers) {
    await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server }] });
    await assertNoAdministrator(gateway);
  }
  // The traffic port has the API itself, and /through/ proxies to it.
  await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server: `127.0.0.1:${gateway.port}` }] });
  gateway.configure({ traffic: `${location} location /through/ { proxy_pass http://app/; }` });
  await gateway.reload();
  await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
  await assertNoAdministrator(gateway, { path: "/through" });
});

test("another gateway on the same machine does not expose the API", async (context) => {
  const victim = await startGateway(context, { upstreams: { app: {} }, apiUnix: true });
  const gateway = await startGateway(context, { upstreams: { app: {} }, http });
  for (const server of [`127.0.0.1:${victim.apiPort}`, `unix:${victim.folder}/api.sock`]) {
    await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server }] });
    await assertNoAdministrator(gateway, { victim });
  }
});

test("a proxied client that does not wait for its answer changes nothing either", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, http });
  await addServer(gateway, `127.0.0.1:${gateway.apiPort}`);
  const head = `PUT ${evil} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (let round = 0; round < 100; round += 1) {
    await new Promise((resolve) => {
      const socket = connect(gateway.port, "127.0.0.1", () =>
        socket.write(head + body, () => socket.destroy()),
      );
      socket.on("close", resolve).on("error", () => {});
    });
  }
  const requests = async () => [...(await peersOf(gateway.api)).values()][0];
  await waitFor("all requests have ended", async () => (await requests()).active === 0);
  assertErrorBody(await gateway.api.get(evil), 404, "UpstreamNotFound");
});

test("health checks and agents do not count as local clients", async (context) => {
  const gateway = await startGateway(context, {});
  const send = `PUT ${evil} HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const agent = { port: gateway.apiPort, send };
  const health_check = { uri: "/api/sluice/1/upstreams", interval: "100ms", agent };
  const servers = [{ server: `127.0.0.1:${gateway.apiPort}` }];
  await gateway.api.expect(201, "PUT", sluice(), { health_check, servers });
  await waitFor("checks are refused", async () => {
    const [{ health_checks }] = [...(await peersOf(gateway.api)).values()];
    return health_checks.fails >= 5;
  });
  assertErrorBody(await gateway.api.get(evil), 404, "UpstreamNotFound");
});

test("headers that a proxy adds show that a request is not local", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, apiUnix: true });
  const socketPath = join(gateway.folder, "api.sock");
  const overUnix = new Api({ socketPath, headers: { Host: "localhost" } });
  for (const api of [gateway.api, overUnix]) {
    for (const headers of [
      { "X-Forwarded-For": "127.0.0.1" },
      { "X-Forwarded-For": "" },
      { "X-Forwarded-Host": "localhost" },
      { "X-Forwarded-Proto": "http" },
      { Forwarded: "for=127.0.0.1" },
      { Via: "1.1 proxy" },
      { "X-Real-IP": "192.0.2.7" },
    ]) {
      assertErrorBody(await api.get(serversOf(), headers), 403, "Forbidden");
      assertErrorBody(await api.put(evil, { servers: [] }, headers), 403, "Forbidden");
    }
    await api.expect(200, "GET", serversOf(), undefined, { "X-Real-IP": "127.0.0.1" });
  }
});

test("programs of this machine need no token, whatever their user", async (context) => {
  const [ipv6, both] = [await freePort(), await freePort()];
  const gateway = await startGateway(context, {
    upstreams: { app: {} },
    apiUnix: true,
    http: `server { listen [::1]:${ipv6}; listen [::]:${both} ipv6only=off; ${location} }`,
  });
  const workerUser = Number(
    spawnSync("stat", ["-c", "%u", `/proc/${gateway.workers()[0]}`], { encoding: "utf8" }).stdout,
  );
  const users = process.getuid?.() === 0 ? [0, workerUser, 12345] : [process.getuid?.()];
  const targets = [
    [`http://127.0.0.1:${gateway.apiPort}`],
    [`http://localhost:${gateway.apiPort}`],
    [`http://[::1]:${ipv6}`],
    [`http://[::1]:${both}`],
    ["--unix-socket", `${gateway.folder}/api.sock`, "http://localhost"],
  ];
  for (const uid of users) {
    for (const target of targets) {
      const url = `${target.pop()}${serversOf()}`;
      for (const more of [[], ["-d", "{}"]]) {
        const args = ["-s", "-o", "/dev/null", "-w", "%{http_code}", ...target, ...more, url];
        const { stdout, error } = spawnSync("curl", args, { uid, encoding: "utf8" });
        assert.equal(error, undefined);
        assert.equal(stdout, more.length === 0 ? "200" : "400", `user ${uid}: curl ${args.join(" ")}`);
      }
      target.push(url.slice(0, -serversOf().length));
    }
  }
});

test("a program with an IPv4 connection of an IPv6 socket needs no token", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const options = { host: "::ffff:127.0.0.1", port: gateway.apiPort, path: serversOf(), headers: local };
  const status = await new Promise((resolve, reject) => {
    get({ ...options, agent: false }, (response) => resolve(response.resume().statusCode)).on(
      "error",
      reject,
    );
  });
  assert.equal(status, 200);
});

test("a proxied request with a token is accepted", async (context) => {
  const setup = { api: { write_tokens: ["secret"] } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup, http });
  const authorized = { Authorization: "Bearer secret" };
  const server = `127.0.0.1:${gateway.apiPort}`;
  await gateway.api.expect(201, "POST", serversOf(), { server }, authorized);
  const headers = { ...local, ...authorized };
  const { status } = await ask(gateway.port, evil, { method: "PUT", headers, body });
  assert.equal(status, 201);
});
