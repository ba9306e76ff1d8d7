/**
 * One of four servers fails: clients are not affected, it is unavailable after max_fails, and it returns when
 * it recovers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { answeringRaw, faults, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { hasPassed } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { peersOf, settledPeersOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const MAX_FAILS = 3;
const FAIL_TIMEOUT = 300;
/** Time-outs that are longer than the answer of a good server on a busy machine. */
const TIMEOUTS = "proxy_connect_timeout 1s; proxy_read_timeout 1s;";
const CONNECTIONS = 16;
const REQUESTS = 800;
const fairShare = 1 / 4;

/**
 * @param {import("node:test").TestContext} context
 * @param {import("./support/faults.mjs").Faulty} faulty
 * @param {string} traffic the directives for retries
 * @param {object} [settings] of the upstream
 */
async function startBeside(context, faulty, traffic, settings = {}) {
  const backends = await startBackends(context, 3);
  const limits = { max_fails: MAX_FAILS, fail_timeout: `${FAIL_TIMEOUT}ms` };
  const servers = [faulty, ...backends].map(({ address }) => ({ server: address, ...limits }));
  const upstreams = { app: { servers, ...settings } };
  return startGateway(context, { upstreams, listen: "reuseport", http: traffic });
}

/**
 * Sends requests, and returns the clients' results and the requests that the server received.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 * @param {number} total
 */
async function loadAndCount(context, { api, port }, address, total) {
  const before = (await settledPeersOf(api)).get(address);
  const started = performance.now();
  const load = startLoad(context, { port, connections: CONNECTIONS, total });
  await load.finished;
  const milliseconds = performance.now() - started;
  const peer = (await settledPeersOf(api)).get(address);
  const requests = peer.requests - before.requests;
  return { load, errors: Object.fromEntries(load.errors), requests, milliseconds, peer };
}

/**
 * Sends requests until a recovered server is tried, and asserts that the server has its share again.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 */
async function assertBack(context, gateway, address) {
  await waitFor("the server is up again", async () => {
    await ask(gateway.port);
    return (await peersOf(gateway.api)).get(address).state === "up";
  });
  const { errors, requests } = await loadAndCount(context, gateway, address, 200);
  assert.deepEqual(errors, {});
  // Each worker has its own rotation and may be at any position in it, so the share is exact except for one
  // or two requests per worker.
  assert.ok(Math.abs(requests - 200 * fairShare) <= 8, `the server has ${requests} of 200 requests`);
}

for (const [name, { start, logged, next_upstream = "" }] of Object.entries(faults)) {
  test(`clients are served while one of four servers is ${name}`, async (context) => {
    const faulty = await start(context);
    const traffic = `${TIMEOUTS} proxy_next_upstream error timeout ${next_upstream};`;
    const gateway = await startBeside(context, faulty, traffic);
    gateway.log.allow(...logged);
    const well = await loadAndCount(context, gateway, faulty.address, 50);
    assert.deepEqual(well.errors, {});

    await faulty.fail();
    const { load, errors, requests, milliseconds, peer } = await loadAndCount(
      context,
      gateway,
      faulty.address,
      REQUESTS,
    );
    assert.deepEqual(errors, {});
    assert.equal(load.answers, REQUESTS);
    // Requests in flight when the server becomes unavailable fail, too: at most one per connection. Then
    // there is one trial per fail_timeout, or two if workers notice its end at the same instant.
    const trials = Math.ceil(milliseconds / FAIL_TIMEOUT);
    const most = MAX_FAILS + CONNECTIONS + 2 * trials;
    assert.ok(requests >= MAX_FAILS, `the server had ${requests} requests`);
    assert.ok(
      requests <= most,
      `the server had ${requests} requests in ${milliseconds} ms, more than ${most}`,
    );
    assert.deepEqual([peer.state, peer.unavail], ["unavail", 1]);

    await faulty.recover();
    await assertBack(context, gateway, faulty.address);
  });
}

test("a reset in the middle of an answer affects only its client and does not count as a failure, as in nginx", async (context) => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
  const faulty = await answeringRaw(answer, true)(context);
  const gateway = await startBeside(context, faulty, TIMEOUTS);
  gateway.log.allow(wasReset);
  await faulty.fail();
  const { load, errors, requests, peer } = await loadAndCount(context, gateway, faulty.address, REQUESTS);
  assert.deepEqual(Object.keys(errors), ["answer cut off: ECONNRESET"]);
  assert.equal(errors["answer cut off: ECONNRESET"], requests);
  assert.equal(load.answers, REQUESTS - requests);
  assert.ok(Math.abs(requests - REQUESTS * fairShare) <= 8, `the server had ${requests} requests`);
  assert.deepEqual([peer.state, peer.fails], ["up", 0]);
});

test("a server that does not speak HTTP, which nginx treats as HTTP/0.9, is unhealthy after its first check", async (context) => {
  const faulty = await answeringRaw("SSH-2.0-x\r\n")(context);
  const health_check = { interval: "200ms", timeout: "5s", keepalive_time: "0s" };
  const gateway = await startBeside(context, faulty, TIMEOUTS, { health_check });
  gateway.log.allow(/upstream sent no valid HTTP\/1\.0 header/);
  const state = async () => (await peersOf(gateway.api)).get(faulty.address).state;
  await hasPassed(gateway.api);
  await faulty.fail();
  await waitFor("the server is unhealthy", async () => (await state()) === "unhealthy");
  const { errors, requests } = await loadAndCount(context, gateway, faulty.address, REQUESTS);
  assert.deepEqual([errors, requests], [{}, 0]);
  await faulty.recover();
  await waitFor("the server is up", async () => (await state()) === "up");
  await assertBack(context, gateway, faulty.address);
});
