/**
 * A kept connection that breaks when nginx reuses it: the request is repeated, and the try does not count.
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

/** Requests that a server has got. @param {import("./support/backend.mjs").Backend} backend */
const countOf = ({ requests }) => requests.length;

test("every client is answered although the only server closes each reused connection", async (context) => {
  const [backend] = await startBackends(context, 1);
  backend.behaviour = { reset_reused: 1 };
  const gateway = await startGateway(context, { workers: 1, upstreams: upstreamOf([backend]) });
  gateway.log.allow(wasReset);
  await assertAnswered(gateway.port, 10);
  assert.equal(countOf(backend), 19, "all but the first came over a kept connection first");
});

test("with one try, a request whose kept connection broke goes to the other server", async (context) => {
  const [breaking, good] = await startBackends(context, 2);
  breaking.behaviour = { reset_reused: 1 };
  const upstreams = upstreamOf([breaking, good], { retries: { tries: 1 } });
  const gateway = await startGateway(context, { workers: 1, upstreams });
  gateway.log.allow(wasReset);
  await assertAnswered(gateway.port, 20);
  assert.ok(countOf(breaking) > 5, "it was used again");
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
 * An nginx that gives no free try, as OpenResty from 1.29.2.4 on. Sluice is told that it runs there, and the
 * block keeps no connections: nginx gives none for a connection that was not kept. A connection to a unix
 * socket is there at once, as a kept one is.
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
 * Has a server break the connection of every other request.
 * @param {import("./support/backend.mjs").Backend} backend
 */
function breakEveryOther(backend) {
  backend.server.prependListener("request", () => {
    backend.behaviour = backend.requests.length % 2 === 1 ? { reset: 1 } : {};
  });
}

test("where nginx's free try is taken back, the only server still answers every client", async (context) => {
  const backend = await startAtSocket(context, "only");
  breakEveryOther(backend);
  const gateway = await startTakingBack(context, [backend]);
  await assertAnswered(gateway.port, 10, "/unkept/");
  assert.equal(countOf(backend), 19);
  await assertAnswered(gateway.port, 10, "/captured");
  assert.equal(countOf(backend), 39);
});

test("where nginx's free try is taken back, one try is enough for two servers", async (context) => {
  const [breaking, good] = [await startAtSocket(context, "breaking"), await startAtSocket(context, "good")];
  breakEveryOther(breaking);
  const gateway = await startTakingBack(context, [breaking, good], { settings: { retries: { tries: 1 } } });
  await assertAnswered(gateway.port, 20, "/unkept/");
  assert.ok(countOf(breaking) > 5);
});

test("where nginx's free try is taken back, tries that count are those of fresh connections", async (context) => {
  const backends = [];
  for (const name of ["one", "two", "three", "four"]) backends.push(await startAtSocket(context, name));
  const settings = { retries: { tries: 2 } };
  const gateway = await startTakingBack(context, backends, { settings });
  await assertAnswered(gateway.port, 4, "/unkept/");
  for (const backend of backends) backend.behaviour = { reset: 1 };
  const before = backends.map(countOf);
  gateway.log.allow(noneIsLeft);
  // As far as the worker knows, each has a kept connection: nginx, too, would try each of them.
  assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  assert.deepEqual(
    backends.map(countOf),
    before.map((count) => count + 1),
  );
  // Now it knows of none.
  assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  const later = backends.map(countOf).reduce((sum, count) => sum + count);
  assert.equal(later, before.reduce((sum, count) => sum + count) + 4 + 2);
});

test("where nginx's free try is taken back, a server that refuses connections gets no attempt more", async (context) => {
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

test("where nginx's free try is taken back, a server that always hangs up gets one attempt more at most", async (context) => {
  const backend = await startAtSocket(context, "hangs-up");
  const gateway = await startTakingBack(context, [backend]);
  await assertAnswered(gateway.port, 3, "/unkept/");
  backend.behaviour = { reset: 1 };
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(gateway.port, "/unkept/")).status, 502);
  assert.equal(countOf(backend), 3 + 5 + 1);
});

test("where nginx's free try is taken back, a POST is not repeated", async (context) => {
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
  test(`where nginx's free try is taken back, clients get the last server's own ${failing}, though it counts as a failure`, async (context) => {
    const backend = await startAtSocket(context, `answers-${failing}`);
    const http = "proxy_next_upstream error timeout http_502 http_503;";
    const gateway = await startTakingBack(context, [backend], { http });
    gateway.log.allow(noneIsLeft);
    await assertAnswered(gateway.port, 2, "/unkept/");
    backend.behaviour = { status: failing };
    // nginx discards the first such answer because of the extra try. From then on there is no extra try.
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
