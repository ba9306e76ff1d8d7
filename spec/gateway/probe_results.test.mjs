/** Active health checks: requests, results, and reported reasons. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Api } from "./support/api.mjs";
import { cert, key } from "./support/certificate.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { freePort } from "./support/ports.mjs";
import { resultsOf, startProbed, startProber, WELL } from "./support/probes.mjs";
import { forgetGroup, signal, startGroup } from "./support/processes.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @typedef {import("./support/probes.mjs").Answer} Answer */

/** @param {string} status @param {string} body @param {string} [headers] */
function answer(status, body, headers = "") {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** @type {Answer} */
const reset = (socket) => socket.resetAndDestroy();

/**
 * Answers that fail a check, and the reported reasons.
 * @type {Record<string, { answer: string | Answer, reason: RegExp }>}
 */
const failing = {
  "an error": { answer: answer("503 Service Unavailable", "no"), reason: /^\/ returned 503$/ },
  "a client's error": { answer: answer("404 Not Found", ""), reason: /^\/ returned 404$/ },
  silence: { answer: () => {}, reason: /^\/ did not answer within 3s$/ },
  "half a head": { answer: "HTTP/1.1 200 OK\r\nContent-", reason: /^\/ did not answer within 3s$/ },
  "half a body": {
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    reason: /^\/ did not answer within 3s$/,
  },
  "a reset": { answer: reset, reason: /^\/: could not read the answer: connection reset by peer$/ },
  "an end": { answer: (socket) => socket.end(), reason: /^\/: could not read the answer: closed$/ },
  garbage: { answer: "\0\x01\x02 garbage", reason: /^\/: could not read the answer: it is not HTTP\/1$/ },
  "another protocol": {
    answer: "SSH-2.0-x\r\n",
    reason: /^\/: could not read the answer: it is not HTTP\/1$/,
  },
  "an endless header": {
    answer: `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`,
    reason: /^\/: could not read the answer: its header is larger than 16384 bytes$/,
  },
  "a malformed length": {
    answer: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    reason: /^\/: could not read the answer: its Content-Length is malformed$/,
  },
};

const quick = { interval: "500ms", timeout: "3s" };

/**
 * Returns the first result of a probe.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 */
function firstResult(gateway, address) {
  return waitFor(`${address} is probed`, () => resultsOf(gateway, address)[0]);
}

/**
 * Probes one server, and returns the first result.
 * @param {import("node:test").TestContext} context
 * @param {object} check
 * @param {string} address
 */
async function probeOne(context, check, address) {
  const gateway = await startProber(context, { ...quick, ...check }, [address], { workers: 1 });
  return firstResult(gateway, address);
}

test("a check distinguishes a failing server from a healthy one and reports the reason", async (context) => {
  const servers = [];
  for (const [name, { answer: given, reason }] of Object.entries(failing))
    servers.push({ name, reason, ...(await startProbed(context, given)) });
  const well = await startProbed(context);
  const gateway = await startProber(context, quick, [well.address, ...servers.map(({ address }) => address)]);
  for (const { name, reason, address } of servers) {
    const result = await firstResult(gateway, address);
    assert.equal(result.passed, false, name);
    assert.match(result.reason, reason, name);
  }
  assert.deepEqual(await firstResult(gateway, well.address), { passed: true, reason: "/ returned 200" });
  await sleep(1000);
  assert.ok(resultsOf(gateway, well.address).every(({ passed }) => passed));
});

test("a server that refuses connections fails its check", async (context) => {
  const address = `127.0.0.1:${await freePort()}`;
  const gateway = await startProber(context, quick, [address], { workers: 1 });
  const result = await firstResult(gateway, address);
  assert.deepEqual(result, { passed: false, reason: "could not connect: connection refused" });
});

test("a server whose backlog is full fails its check", async (context) => {
  const port = await freePort();
  const listen = `require("net").createServer().listen({ port: ${port}, host: "127.0.0.1", backlog: 1 })`;
  const child = startGroup(process.execPath, ["-e", listen]);
  const group = Number(child.pid);
  atEnd(context, () => {
    signal(-group, "SIGKILL");
    forgetGroup(group);
  });
  await waitFor("the server listens", async () => {
    const socket = connect(port, "127.0.0.1");
    return once(socket, "connect")
      .then(() => true)
      .catch(() => false)
      .finally(() => socket.destroy());
  });
  signal(group, "SIGSTOP");
  const filling = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  atEnd(context, () => filling.forEach((socket) => socket.destroy()));
  await waitFor("the backlog is full", async () => {
    await sleep(100);
    return filling.filter(({ connecting }) => connecting).length >= 4;
  });
  const result = await probeOne(context, {}, `127.0.0.1:${port}`);
  assert.deepEqual(result, { passed: false, reason: "it accepted no connection within 3s" });
});

test("a probe is a GET with the upstream's name", async (context) => {
  const server = await startProbed(context);
  await probeOne(context, { uri: "/health?deep=1" }, server.address);
  const lines = server.request.split("\r\n");
  assert.deepEqual(lines.slice(0, 2), ["GET /health?deep=1 HTTP/1.1", "Host: app"]);
  assert.match(lines[2], /^User-Agent: sluice\/\d+\.\d+\.\d+ \(health check\)$/);
});

test("a check can use another port", async (context) => {
  const server = await startProbed(context);
  const address = `127.0.0.1:${await freePort()}`;
  const result = await probeOne(context, { port: server.port }, address);
  assert.deepEqual(result, { passed: true, reason: "/ returned 200" });
});

test("a tcp check passes when the connection is established", async (context) => {
  const server = await startProbed(context, () => {});
  const result = await probeOne(context, { type: "tcp" }, server.address);
  assert.deepEqual(result, { passed: true, reason: "it accepts connections" });
  assert.equal(server.arrivals.length, 0);
});

test("an https check sends the upstream's name and does not verify the certificate", async (context) => {
  /** @type {string[]} */
  const names = [];
  const tls = { key, cert, SNICallback: (name, done) => done(null, void names.push(name)) };
  const server = await startProbed(context, WELL, { tls });
  const plain = await startProbed(context);
  const check = { ...quick, type: "https" };
  const gateway = await startProber(context, check, [server.address, plain.address], { workers: 1 });
  assert.deepEqual(await firstResult(gateway, server.address), { passed: true, reason: "/ returned 200" });
  const { passed, reason } = await firstResult(gateway, plain.address);
  assert.equal(passed, false);
  assert.match(reason, /^\/: could not shake hands: /);
  await waitFor("the server is probed again", () => server.arrivals.length > 2);
  assert.equal(server.connections, 1);
  assert.deepEqual(names, ["app"]);
});

test("a check works at a unix socket", async (context) => {
  const server = await startProbed(context, WELL, { path: join(tmpdir(), `probed-${process.pid}.sock`) });
  const result = await probeOne(context, {}, server.address);
  assert.deepEqual(result, { passed: true, reason: "/ returned 200" });
});

/** @type {[name: string, match: object, answer: string, passed: boolean, reason: string][]} */
const matches = [
  ["a status in the list", { status: "200 204-299" }, answer("206 x", ""), true, "/ returned 206"],
  ["a status outside it", { status: "200 204-299" }, answer("203 x", ""), false, "/ returned 203"],
  ["a body", { status: "200", body: "^o.$" }, WELL, true, "/ returned 200"],
  [
    "another body",
    { status: "200", body: "^no" },
    WELL,
    false,
    "/ returned 200, but the body does not match",
  ],
  [
    "a header",
    { status: "200", headers: { a: "^1" } },
    answer("200 x", "", "A: 12\r\n"),
    true,
    "/ returned 200",
  ],
  [
    "no header",
    { status: "200", headers: { a: "" } },
    WELL,
    false,
    '/ returned 200, but the header "a" is missing',
  ],
  [
    "a wrong header",
    { status: "200", headers: { a: "2" } },
    answer("200 x", "", "a: 1\r\n"),
    false,
    '/ returned 200, but the header "a" does not match',
  ],
  [
    "the first 64 KiB",
    { status: "200", body: "needle" },
    answer("200 x", "x".repeat(65_536) + "needle"),
    false,
    "/ returned 200, but the body does not match",
  ],
  [
    "a large body",
    { status: "200", body: "^x" },
    answer("200 x", "x".repeat(200_000)),
    true,
    "/ returned 200",
  ],
];

test("a check compares the answer with its conditions", async (context) => {
  const gateway = await startProber(context, quick, [], { workers: 1 });
  for (const [index, [name, match, given, passed, reason]] of matches.entries()) {
    await context.test(name, async (context) => {
      const { address } = await startProbed(context, given);
      const upstream = { health_check: { ...quick, match }, servers: [{ server: address }] };
      await gateway.api.expect(201, "PUT", sluice(`match${index}`), upstream);
      assert.deepEqual(await firstResult(gateway, address), { passed, reason });
      await gateway.api.expect(204, "DELETE", `${sluice(`match${index}`)}?force=true`);
    });
  }
});

test("a connection is kept between checks for keepalive_time", async (context) => {
  const [kept, brief] = [await startProbed(context), await startProbed(context)];
  const check = { interval: "200ms", keepalive_time: "1s" };
  await startProber(context, check, [kept.address], { workers: 1 });
  await startProber(context, { ...check, keepalive_time: "0s" }, [brief.address], { workers: 1 });
  const started = performance.now();
  await waitFor("the server is probed often", () => kept.arrivals.length >= 12);
  // There is one connection per second, and the first one is opened immediately.
  const most = Math.ceil((performance.now() - started) / 1000) + 2;
  assert.ok(kept.connections >= 2 && kept.connections <= most, `${kept.connections} connections`);
  assert.ok(kept.open <= 1, `${kept.open} connections are open`);
  assert.equal(brief.connections, brief.arrivals.length);
});

test("a kept connection that the server closes or resets is not a failure", async (context) => {
  /** @type {Answer} */
  const once_only = (socket, number) => (number > 1 ? socket.resetAndDestroy() : socket.write(WELL));
  const server = await startProbed(context, once_only);
  const gateway = await startProber(context, { interval: "200ms" }, [server.address], { workers: 1 });
  await waitFor("the server is probed", () => resultsOf(gateway, server.address).length > 4);
  assert.ok(resultsOf(gateway, server.address).every(({ passed }) => passed));
});

/** A location that sets the worker's limit of open files. */
const limitLocation = `location /limit {
  content_by_lua_block {
    local ffi = require("ffi")
    ffi.cdef("int setrlimit(int, const uint64_t *); int getrlimit(int, uint64_t *);")
    local limits = ffi.new("uint64_t[2]")
    ffi.C.getrlimit(7, limits)
    limits[0] = tonumber(ngx.var.arg_files)
    ngx.print(ffi.C.setrlimit(7, limits))
  }
}`;

test("a worker that runs out of file descriptors does not mark servers as unhealthy", async (context) => {
  const server = await startProbed(context);
  const check = { interval: "200ms", keepalive_time: "0s" };
  const options = { workers: 1, api: limitLocation };
  const gateway = await startProber(context, check, [server.address], options);
  gateway.log.allow(/Too many open files/);
  await firstResult(gateway, server.address);
  const api = new Api({ port: gateway.apiPort, keepAlive: true });
  assert.equal((await api.get("/limit?files=8")).text, "0");
  await waitFor("the worker logs a warning", () =>
    /could not probe .* too many open files/.test(gateway.log.text()),
  );
  const probes = server.arrivals.length;
  assert.equal((await api.get("/limit?files=1024")).text, "0");
  api.close();
  await waitFor("the server is probed again", () => server.arrivals.length > probes + 1);
  assert.ok(resultsOf(gateway, server.address).every(({ passed }) => passed));
});
