/**
 * When a kept connection breaks while nginx reuses it, the request is repeated, and the try does not count.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { noneIsLeft, wasRefused, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { settledPeersOf } from "./support/upstreams.mjs";

/** @param {{ address: string }[]} backends @param {object} [settings] of the upstream */
const upstreamOf = (backends, settings) => ({
  app: { servers: backends.map(({ address }) => ({ server: address, max_fails: 0 })), ...settings },
});

/**
 * Asserts that each of some requests is answered with 200.
 * @param {number} port
 * @param {number} count
 * @param {string} [path]
 */
async function assertAnswered(port, count, path) {
  const statuses = [];
  for (let turn = 0; turn < count; turn += 1) statuses.push((await ask(port, path)).status);
  assert.deepEqual(statuses, Array(count).fill(200));
}

/**
 * Returns the number of requests that a server has received.
 * @param {import("./support/backend.mjs").Backend} backend
 */
const countOf = ({ requests }) => requests.length;

test("every client is answered although the only server closes each reused connection", async (context) => {
  const [backend] = await startBackends(context, 1);
  backend.behaviour = { reset_reused: 1 };
  const gateway = await startGateway(context, { workers: 1, upstreams: upstreamOf([backend]) });
  gateway.log.allow(wasReset);
  await assertAnswered(gateway.port, 10);
  assert.equal(countOf(backend), 19, "each request except the first used a kept connection first");
});

test("with one try, a request whose kept connection broke goes to the other server", async (context) => {
  const [breaking, good] = await startBackends(context, 2);
  breaking.behaviour = { reset_reused: 1 };
  const upstreams = upstreamOf([breaking, good], { retries: { tries: 1 } });
  const gateway = await startGateway(context, { workers: 1, upstreams });
  gateway.log.allow(wasReset);
  await assertAnswered(gateway.port, 20);
  assert.ok(countOf(breaking) > 5, "the connection was reused");
});

test("a POST is not repeated when its kept connection breaks, as in nginx", async (context) => {
  const [backend] = await startBackends(context, 1);
  backend.behaviour = { reset_reused: 1 };
  const gateway = await startGateway(context, { workers: 1, upstreams: upstreamOf([backend]) });
  gateway.log.allow(wasReset);
  const statuses = [];
  for (let turn = 0; turn < 6; turn += 1) {
    statuses.push((await ask(gateway.port, "/", { method: "POST", body: "x" })).status);
  }
  assert.deepEqual(statuses, [200, 502, 200, 502, 200, 502]);
  assert.equal(countOf(backend), 6);
});

/**
 * Starts a gateway without nginx's free try, as in OpenResty since 1.29.2.4. Sluice is told that it runs in
 * such a version. The block keeps no connections, because nginx allows no free try for a new connection. A
 * connection to a unix socket is established immediately, like a kept connection.
 *
 * @param {import("node:test").TestContext} context
 * @param {import("./support/backend.mjs").Backend[]} backends
 * @param {{ settings?: object, http?: string }} [options]
 */
async function startTakingBack(context, backends, { settings, http = "" } = {}) {
  const upstreams = upstreamOf(/** @type {any} */ (backends), settings);
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams,
    beforeSetup: 'ngx.config.ngx_lua_version = 10031; package.loaded["ngx.pipe"] = {};',
    http: `${http}
      upstream unkept {
        server 0.0.0.1;
        balancer_by_lua_block { require("resty.sluice").balance("app") }
      }`,
    traffic: `
      location /unkept/ { proxy_pass http://unkept/; }
      location = /captured {
        content_by_lua_block { ngx.exit(ngx.location.capture("/unkept/").status) }
      }`,
  });
  gateway.log.allow(wasReset);
  return gateway;
}

/** @param {import("node:test").TestContext} context @param {string} name of the socket */
const startAtSocket = (context, name) =>
  startBackend(context, { path: `/tmp/sluice-kept-${process.pid}-${name}.sock` });

/**
 * Makes a server break the connection of every other request.
 * @param {import("./support/backend.mjs").Backend} backend
 */
function breakEveryOther(backend) {
  backend.server.prependListener("request", () => {
    backend.behaviour = backend.requests.length % 2 === 1 ? { reset: 1 } : {};
  });
}

test("without nginx's free try, the only server still answers every client", async (context) => {
  const backend = await startAtSocket(context, "only");
  breakEveryOther(backend);
  const gateway = await startTakingBack(context, [backend]);
  await assertAnswered(gateway.port, 10, "/unkept/");
  assert.equal(countOf(backend), 19);
  await assertAnswered(gateway.port, 10, "/captured");
  assert.equal(countOf(backend), 39);
});

test("without nginx's free try, one try is enough for two servers", async (context) => {
  const [breaking, good] = [await startAtSocket(context, "breaking"), await startAtSocket(context, "good")];
  breakEveryOther(breaking);
  const gateway = await startTakingBack(context, [breaking, good], { settings: { retries: { tries: 1 } } });
  await assertAnswered(gateway.port, 20, "/unkept/");
  assert.ok(countOf(breaking) > 5);
});

test("without nginx's free try, only tries of new connections count", async (context) => {
  const backends = [];
  for (const name of ["one", "two", "three", "four"]) backends.push(await startAtSocket(context, name));
  const settings = { retries: { tries: 2 } };
  const gateway = await startTakingBack(context, backends, { settings });
  await assertAnswered(gateway.port, 4, "/unkept/");
  for (const backend of backends) backend.behaviour = { reset: 1 };
  const before = backends.map(countOf);
  gateway.log.allow(noneIsLeft);
  // The worker assumes a kept connection to each server, and nginx would also try each of them.
  assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  assert.deepEqual(
    backends.map(countOf),
    before.map((count) => count + 1),
  );
  // Now the worker assumes no kept connection.
  assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  const later = backends.map(countOf).reduce((sum, count) => sum + count);
  assert.equal(later, before.reduce((sum, count) => sum + count) + 4 + 2);
});

test("without nginx's free try, a server that refuses connections receives no additional attempt", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startTakingBack(context, [backend]);
  gateway.log.allow(wasRefused, noneIsLeft);
  await assertAnswered(gateway.port, 3);
  backend.close();
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(gateway.port)).status, 502);
  const attempts = gateway.log
    .text()
    .split("\n")
    .filter((line) => wasRefused.test(line));
  assert.equal(attempts.length, 5);
});

test("without nginx's free try, a server that always closes the connection receives at most one additional attempt", async (context) => {
  const backend = await startAtSocket(context, "hangs-up");
  const gateway = await startTakingBack(context, [backend]);
  await assertAnswered(gateway.port, 3, "/unkept/");
  backend.behaviour = { reset: 1 };
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  assert.equal(countOf(backend), 3 + 5 + 1);
});

test("without nginx's free try, a POST is not repeated", async (context) => {
  const backend = await startAtSocket(context, "post");
  breakEveryOther(backend);
  const gateway = await startTakingBack(context, [backend]);
  const statuses = [];
  for (let turn = 0; turn < 6; turn += 1) {
    statuses.push((await ask(gateway.port, "/unkept/", { method: "POST", body: "x" })).status);
  }
  assert.deepEqual(statuses, [200, 502, 200, 502, 200, 502]);
  assert.equal(countOf(backend), 6);
});

for (const failing of [502, 503]) {
  test(`without nginx's free try, clients receive the last server's own ${failing}, although it counts as a failure`, async (context) => {
    const backend = await startAtSocket(context, `answers-${failing}`);
    const http = "proxy_next_upstream error timeout http_502 http_503;";
    const gateway = await startTakingBack(context, [backend], { http });
    gateway.log.allow(noneIsLeft);
    await assertAnswered(gateway.port, 2, "/unkept/");
    backend.behaviour = { status: failing };
    // nginx discards the first such answer because of the extra try. After that there is no extra try.
    await ask(gateway.port, "/unkept/");
    for (let turn = 0; turn < 3; turn += 1) {
      const { status, text } = await ask(gateway.port, "/unkept/");
      assert.deepEqual([status, text], [failing, backend.id]);
    }
    assert.equal(countOf(backend), 2 + 4);
    const [peer] = [...(await settledPeersOf(gateway.api)).values()];
    assert.equal(peer.active, 0);
  });
}
