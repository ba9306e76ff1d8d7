/** Retries: their number, time, servers, and simultaneous number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { noneIsLeft, wasRefused, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { sluice } from "./support/upstreams.mjs";

useWorkers(4);

const wasLate =
  /upstream timed out \(110: Connection timed out\) while reading response header from upstream/;

/**
 * Starts a gateway whose servers never become unavailable.
 * @param {import("node:test").TestContext} context
 * @param {number} count
 * @param {import("./support/backend.mjs").Behaviour} behaviour of each server
 * @param {{ retries?: object, method?: string, http?: string }} [options]
 */
async function startFailing(context, count, behaviour, { retries, method, http = "" } = {}) {
  const backends = await startBackends(context, count);
  for (const backend of backends) backend.behaviour = behaviour;
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const upstreams = { app: { servers, method, retries } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport", http });
  const requests = () => backends.map((backend) => backend.requests.length);
  const tries = () => requests().reduce((sum, number) => sum + number, 0);
  return { gateway, backends, requests, tries };
}

/**
 * Makes a retry storm: every server fails, and 100 clients send their next request immediately. Returns the
 * tries per request, without the beginning and the end, when few requests are in flight.
 * @param {import("node:test").TestContext} context
 * @param {number} total
 * @param {object} [retries]
 */
async function storm(context, total, retries) {
  const { gateway, tries } = await startFailing(context, 4, { reset: 1 }, { retries });
  gateway.log.allow(wasReset, noneIsLeft);
  const settled = 500;
  let before = 0;
  let after = 0;
  const path = (/** @type {number} */ number) => {
    if (number === settled) before = tries();
    if (number === total) after = tries();
    // The times differ, because otherwise all requests would fail in waves.
    return `/?delay=${40 + ((number * 7) % 40)}`;
  };
  const load = startLoad(context, { port: gateway.port, connections: 100, total, path });
  await load.finished;
  assert.deepEqual([...load.errors], [["status 502", total]]);
  return { during: (after - before) / (total - settled), inAll: tries() / total };
}

test("retry storm: without a budget every request is tried on every server", async (context) => {
  const { inAll } = await storm(context, 600);
  assert.equal(inAll, 4);
});

test("retry storm: with a budget of 20 % a request has about 1.2 tries on average", async (context) => {
  // At most 16 of 100 requests in flight are retries, because one more would exceed 20 % of the other 83.
  // There are 100 tries for 84 requests, 1.19 per request. The budget's minimum of 3 is below 16 and has no
  // effect.
  const { during } = await storm(context, 4000, { budget: { percent: 20, min_concurrent: 3 } });
  // The budget limits the requests in flight. If first tries take longer than retries, as on a busy machine,
  // the ratio is slightly higher. spec/unit/live/retries.spec.ts tests the exact limit.
  assert.ok(during < 1.25, `${during} tries a request`);
  assert.ok(during > 1.1, `${during} tries a request: the budget is used`);
});

test("retry storm: with a budget of zero there is no retry", async (context) => {
  const { inAll } = await storm(context, 600, { budget: { percent: 0, min_concurrent: 0 } });
  assert.equal(inAll, 1);
});

test("the budget's minimum allows retries even if few requests are in flight", async (context) => {
  const retries = { budget: { percent: 0, min_concurrent: 3 } };
  const { gateway, tries } = await startFailing(context, 4, { reset: 1, delay: 40 }, { retries });
  gateway.log.allow(wasReset, noneIsLeft);
  // There are three clients, so each request may be tried on all four servers.
  await startLoad(context, { port: gateway.port, connections: 3, total: 30 }).finished;
  assert.equal(tries(), 30 * 4);
  // At most 3 of 30 requests in flight are retries. There are 30 tries for 27 requests, 1.11 per request.
  const before = tries();
  await startLoad(context, { port: gateway.port, connections: 30, total: 600 }).finished;
  const each = (tries() - before) / 600;
  assert.ok(each > 1.05 && each < 1.2, `${each} tries a request`);
});

test("an exhausted budget is available again after the storm", async (context) => {
  const retries = { budget: { percent: 20, min_concurrent: 1 } };
  const { gateway, backends } = await startFailing(context, 4, { reset: 1, delay: 10 }, { retries });
  gateway.log.allow(wasReset, noneIsLeft);
  await startLoad(context, { port: gateway.port, connections: 50, total: 400 }).finished;
  for (const backend of backends.slice(1)) backend.behaviour = {};
  // The requests are sequential, and each needs the only allowed retry.
  for (let turn = 0; turn < 40; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
});

test('"tries" limits the number of servers that a request is sent to, with every method', async (context) => {
  const { gateway, requests, tries } = await startFailing(context, 5, { reset: 1 });
  gateway.log.allow(wasReset, noneIsLeft);
  for (const method of ["round_robin", "least_conn", "random", "least_time"]) {
    for (const allowed of [1, 2, 3, 5, 9]) {
      await gateway.api.expect(200, "PATCH", sluice(), { method, retries: { tries: allowed } });
      for (let turn = 0; turn < 3; turn += 1) {
        const before = requests();
        const sum = tries();
        assert.equal((await ask(gateway.port)).status, 502);
        assert.equal(tries() - sum, Math.min(allowed, 5), `${method}, tries ${allowed}`);
        const most = Math.max(...requests().map((number, index) => number - before[index]));
        assert.equal(most, 1, "no server is tried twice");
      }
    }
  }
});

test("by default a request is sent to at most ten servers", async (context) => {
  const { gateway, requests, tries } = await startFailing(context, 12, { reset: 1 });
  gateway.log.allow(wasReset);
  for (const retries of [null, { timeout: "60s" }]) {
    await gateway.api.expect(200, "PATCH", sluice(), { retries });
    const before = tries();
    assert.equal((await ask(gateway.port)).status, 502);
    assert.equal(tries() - before, 10);
  }
  assert.ok(Math.max(...requests()) <= 2, "no server is tried twice");
  await gateway.api.expect(200, "PATCH", sluice(), { retries: { tries: 12 } });
  const before = tries();
  await ask(gateway.port);
  assert.equal(tries() - before, 12);
});

test("a request is sent to ten of 4,000 servers that refuse connections", async (context) => {
  const addresses = Array.from({ length: 4000 }, (_, number) => `127.9.${number >> 8}.${number & 255}:9`);
  const gateway = await startGateway(context, { dict: "32m", servers: addresses });
  gateway.log.allow(wasRefused);
  assert.equal((await ask(gateway.port)).status, 502);
  const attempts = gateway.log
    .text()
    .split("\n")
    .filter((line) => wasRefused.test(line));
  assert.equal(attempts.length, 10);
});

test("a retry never hits the same server while another is available, under load", async (context) => {
  const { gateway, backends, requests } = await startFailing(context, 3, { reset: 1 });
  gateway.log.allow(wasReset);
  backends[2].behaviour = {};
  const total = 450;
  const load = startLoad(context, { port: gateway.port, connections: 32, total });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  // Every request ends at the good server. A third of the requests begins at each server, and failed ones
  // continue in the rotation.
  assert.equal(requests()[2], total);
  assert.ok(Math.max(...requests()) <= total);
});

test('"timeout" covers all tries: none starts after it', async (context) => {
  const retries = { timeout: "350ms" };
  const http = "proxy_read_timeout 200ms;";
  const { gateway, tries } = await startFailing(context, 5, { hang: 1 }, { retries, http });
  gateway.log.allow(wasLate, noneIsLeft);
  const started = performance.now();
  // Tries begin after 0 and 200 ms. A try after 400 ms would be too late.
  const { status } = await ask(gateway.port);
  const milliseconds = performance.now() - started;
  assert.ok(status === 504 || status === 502, `status ${status}`);
  assert.equal(tries(), 2);
  assert.ok(milliseconds > 390 && milliseconds < 5000, `the answer took ${milliseconds} ms`);
});

test("a POST that was sent is tried on one server, as in nginx, and on all of them with non_idempotent", async (context) => {
  const http = "proxy_next_upstream error timeout http_503 non_idempotent;";
  for (const [options, expected] of [
    [{}, 1],
    [{ http }, 4],
  ]) {
    for (const behaviour of [{ reset: 1 }, { status: 503 }]) {
      const { gateway, tries } = await startFailing(context, 4, behaviour, options);
      gateway.log.allow(wasReset);
      const { status } = await ask(gateway.port, "/", { method: "POST", body: "x" });
      assert.equal(status, behaviour.status ?? 502);
      assert.equal(tries(), behaviour.status === undefined || expected > 1 ? expected : 1);
    }
  }
});

test("a POST that could not be sent is tried on the next server", async (context) => {
  const { gateway, backends, tries } = await startFailing(context, 3, {});
  gateway.log.allow(/connect\(\) failed \(111: Connection refused\)/);
  backends[0].close();
  backends[1].close();
  for (let turn = 0; turn < 12; turn += 1) {
    const { status, text } = await ask(gateway.port, "/", { method: "POST", body: "x" });
    assert.deepEqual([status, text], [200, backends[2].id]);
  }
  assert.equal(tries(), 12);
});

test("the client receives the error of the last tried server", async (context) => {
  const http = "proxy_next_upstream error http_500 http_502 http_503 http_504;";
  const { gateway, backends, requests } = await startFailing(context, 4, {}, { http, method: "random" });
  for (const [index, backend] of backends.entries())
    backend.behaviour = { status: [500, 502, 503, 504][index] };
  const order = watchOrder(backends);
  const seen = new Set();
  for (const tries of [4, 2]) {
    await gateway.api.expect(200, "PATCH", sluice(), { retries: { tries } });
    for (let turn = 0; turn < 24; turn += 1) {
      order.length = 0;
      const { status, text } = await ask(gateway.port);
      const last = order[order.length - 1];
      assert.equal(order.length, tries);
      assert.deepEqual([status, text], [last.behaviour.status, last.id]);
      seen.add(status);
    }
  }
  // The probability that one of four servers is never the last in 48 requests is 4 × (3/4)^48, 1 in 250,000.
  assert.equal(seen.size, 4, "each server was the last one at least once");
  assert.ok(requests().every((number) => number > 0));
});

/**
 * Records the servers in the order of their requests from now on.
 * @param {import("./support/backend.mjs").Backend[]} backends
 */
function watchOrder(backends) {
  /** @type {import("./support/backend.mjs").Backend[]} */
  const order = [];
  for (const backend of backends) backend.server.prependListener("request", () => order.push(backend));
  return order;
}
