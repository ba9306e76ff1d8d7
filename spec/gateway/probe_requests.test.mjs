/** Active health checks: the chosen host, headers, method and body, and answers that do not end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { resultsOf, startProbed, startProber, WELL } from "./support/probes.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const quick = { interval: "200ms", timeout: "5s" };

/**
 * Probes one server until it has been probed some times, and returns the results.
 * @param {import("node:test").TestContext} context
 * @param {object} check
 * @param {string} address
 */
async function probeOften(context, check, address, times = 4) {
  const gateway = await startProber(context, { ...quick, ...check }, [address], { workers: 1 });
  await waitFor(`${address} is probed`, () => resultsOf(gateway, address).length >= times);
  return resultsOf(gateway, address);
}

test("a check sends the given host and headers", async (context) => {
  const server = await startProbed(context);
  const headers = { "X-Probe": "yes", Authorization: "Bearer a.b", "User-Agent": "probe/1" };
  const [result] = await probeOften(context, { host: "shop.example:8080", headers }, server.address, 1);
  assert.deepEqual(result, { passed: true, reason: "/ returned 200" });
  assert.equal(
    server.request,
    "GET / HTTP/1.1\r\nHost: shop.example:8080\r\nAccept: */*\r\nConnection: keep-alive\r\n" +
      "Authorization: Bearer a.b\r\nUser-Agent: probe/1\r\nX-Probe: yes\r\n\r\n",
  );
});

/** @type {[check: object, start: RegExp, end: RegExp][]} */
const methods = [
  [
    { method: "OPTIONS", uri: "/health" },
    /^OPTIONS \/health HTTP\/1\.1\r\nHost: app\r\n/,
    /keep-alive\r\n\r\n$/,
  ],
  [{ method: "POST" }, /^POST \/ HTTP\/1\.1\r\n/, /\r\nContent-Length: 0\r\n\r\n$/],
  [
    { method: "POST", body: '{"method":"ping"}', headers: { "Content-Type": "application/json" } },
    /^POST \/ HTTP\/1\.1\r\n/,
    /\r\nContent-Type: application\/json\r\nContent-Length: 17\r\n\r\n\{"method":"ping"\}$/,
  ],
];
for (const [check, start, end] of methods) {
  test(`a check sends ${JSON.stringify(check)} and keeps its connection`, async (context) => {
    const server = await startProbed(context);
    const results = await probeOften(context, check, server.address);
    assert.ok(results.every(({ passed }) => passed));
    assert.match(server.request, start);
    assert.match(server.request, end);
    assert.equal(server.connections, 1);
  });
}

test("a check with HEAD awaits no body, whatever length the header announces", async (context) => {
  const server = await startProbed(context, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  const results = await probeOften(context, { method: "HEAD" }, server.address);
  assert.ok(results.every(({ passed }) => passed));
  assert.match(server.request, /^HEAD \/ HTTP\/1\.1\r\n/);
  assert.equal(server.connections, 1);
});

/** Beginnings of answers that never end. */
const streams = {
  "server-sent events": "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
  "chunks without an end": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
  "a header only": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  "a very large body": `HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 40}\r\n\r\nx`,
};

test("a check passes at the header of an answer that does not end, and closes the connection", async (context) => {
  const servers = [];
  for (const [name, start] of Object.entries(streams))
    servers.push({ name, server: await startProbed(context, start) });
  const addresses = servers.map(({ server }) => server.address);
  const check = { ...quick, timeout: "1h", match: { status: "200" } };
  const gateway = await startProber(context, check, addresses, { workers: 1 });
  for (const { name, server } of servers) {
    await waitFor(`${name} is probed`, () => resultsOf(gateway, server.address).length >= 4);
    assert.ok(
      resultsOf(gateway, server.address).every(({ passed }) => passed),
      name,
    );
    assert.ok(server.connections >= 4, `${name}: each check has its own connection`);
    await waitFor("the connections are closed", () => server.open <= 1);
  }
});

test("a condition on the body of an answer that does not end is not met in time", async (context) => {
  const server = await startProbed(context, streams["chunks without an end"]);
  const check = { timeout: "1s", match: { body: "hello" } };
  const [result] = await probeOften(context, check, server.address, 1);
  assert.deepEqual(result, { passed: false, reason: "/ did not answer within 1s" });
});

test("an answer whose chunks have arrived keeps its connection", async (context) => {
  const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  const server = await startProbed(context, chunks);
  await probeOften(context, {}, server.address);
  assert.equal(server.connections, 1);
});

test("headers with credentials are not shown, and sending back the shown check keeps them", async (context) => {
  const server = await startProbed(context, WELL);
  const headers = { Authorization: "Bearer hidden-1", "X-Api-Key": "hidden-2", Accept: "text/plain" };
  const upstream = { servers: [{ server: server.address }], health_check: { ...quick, headers } };
  const gateway = await startGateway(context, { workers: 1 });
  const { api } = gateway;
  await api.expect(201, "PUT", sluice(), upstream);
  const shown = await api.expect(200, "GET", sluice());
  assert.deepEqual(shown.health_check.headers, {
    Accept: "text/plain",
    Authorization: "***",
    "X-Api-Key": "***",
  });
  shown.health_check.uri = "/again";
  await api.expect(200, "PUT", sluice(), shown);
  await waitFor("the check is sent again", () => server.request.startsWith("GET /again "));
  assert.match(server.request, /\r\nAuthorization: Bearer hidden-1\r\nX-Api-Key: hidden-2\r\n/);
  const other = { headers: { "X-Token": "***" } };
  const { body } = await api.expect(400, "PATCH", sluice(), { health_check: other }).then((error) => ({
    body: error,
  }));
  assert.match(body.error.text, /^invalid "health_check\.headers\.X-Token": must be given/);
  for (const path of ["upstreams", "upstreams/app", "upstreams/app/explain", "events", "export"]) {
    const { text } = await api.get(`/api/sluice/1/${path}`);
    assert.equal(text.includes("hidden-"), false, path);
  }
  assert.equal(gateway.log.text().includes("hidden-"), false);
});
