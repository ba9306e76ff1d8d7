/** `max_fails` and `fail_timeout` follow nginx's rules, and failures are counted over all workers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "./support/backend.mjs";
import { noneIsLeft, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { eventsOf } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { peersOf, serversOf, settledPeersOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/**
 * Starts a gateway whose first server resets every connection.
 * @param {import("node:test").TestContext} context
 * @param {number} count of servers
 * @param {object} limits of each server
 * @param {number} [workers]
 */
async function startWithBad(context, count, limits, workers) {
  const backends = await startBackends(context, count);
  backends[0].behaviour = { reset: 1 };
  const servers = backends.map(({ address }) => ({ server: address, ...limits }));
  const gateway = await startGateway(context, {
    upstreams: { app: { servers } },
    listen: "reuseport",
    workers,
  });
  gateway.log.allow(wasReset);
  return { gateway, bad: backends[0], good: backends[1] };
}

/**
 * Records the times of requests to a server, in milliseconds.
 * @param {import("./support/backend.mjs").Backend} backend
 */
function watchArrivals({ server }) {
  /** @type {number[]} */
  const arrivals = [];
  server.on("request", () => arrivals.push(performance.now()));
  return arrivals;
}

test("max_fails counts failures over all workers", async (context) => {
  const { gateway, bad } = await startWithBad(context, 4, { max_fails: 8, fail_timeout: "1h" });
  const workers = new Set();
  // Requests are sequential, so none is in flight when the server becomes unavailable. With separate counts
  // of the workers, the server would receive a quarter of about 60 requests per worker, which is more than 8.
  for (let number = 0; number < 240; number += 1) {
    const { status, headers } = await ask(gateway.port);
    assert.equal(status, 200);
    workers.add(headers["x-worker"]);
  }
  assert.equal(workers.size, 4, "every worker served requests");
  assert.equal(bad.requests.length, 8);
  const peer = (await peersOf(gateway.api)).get(bad.address);
  assert.deepEqual([peer.state, peer.fails, peer.unavail], ["unavail", 8, 1]);
});

test("changed limits take effect at once and with one event, for running and for new workers", async (context) => {
  const { gateway, bad } = await startWithBad(context, 2, { max_fails: 1, fail_timeout: "1h" });
  const { api } = gateway;
  const events = async () =>
    (await eventsOf(api, bad.address)).map(({ new_state, reason }) => [new_state, reason]);
  const state = async () => (await peersOf(api)).get(bad.address).state;
  const askAllWorkers = async () => {
    const workers = new Set();
    const texts = new Set();
    await waitFor("every worker answers", async () => {
      const { status, headers, text } = await ask(gateway.port);
      assert.equal(status, 200);
      texts.add(text);
      return workers.add(headers["x-worker"]).size === gateway.workerCount;
    });
    return texts;
  };
  await waitFor("the server is unavailable", async () => {
    await ask(gateway.port);
    return (await state()) === "unavail";
  });
  await askAllWorkers();
  bad.behaviour = {};
  const expected = [["unavail", "a request failed with 502"]];
  const limits = "its limits have changed";

  await api.expect(200, "PATCH", `${serversOf()}/0`, { max_fails: 3 });
  expected.push(["up", limits]);
  assert.deepEqual(await events(), expected, "the event precedes all requests");
  assert.equal(await state(), "up");
  await waitFor("the server has requests", async () => (await askAllWorkers()).has(bad.id));
  // A success does not reset the failures: no request was a trial.
  assert.deepEqual(await events(), expected);

  await api.expect(200, "PATCH", `${serversOf()}/0`, { max_fails: 1 });
  expected.push(["unavail", limits]);
  assert.deepEqual(await events(), expected, "the event precedes all requests");
  for (const pid of gateway.workers()) await gateway.killWorker(pid);
  assert.ok(!(await askAllWorkers()).has(bad.id));
  assert.deepEqual(await events(), expected);
});

test("a success after a trial resets the count of failures", async (context) => {
  const { gateway, bad } = await startWithBad(context, 2, { max_fails: 2, fail_timeout: "200ms" });
  const failures = [];
  for (let turn = 0; turn < 3; turn += 1) {
    bad.behaviour = { reset: 1 };
    const before = bad.requests.length;
    await waitFor("a request fails", async () => {
      await ask(gateway.port);
      return bad.requests.length > before;
    });
    failures.push((await peersOf(gateway.api)).get(bad.address).fails);
    bad.behaviour = {};
    await sleep(300);
    await waitFor("a request succeeds", async () => (await ask(gateway.port)).text === bad.id);
    await settledPeersOf(gateway.api);
  }
  assert.deepEqual(failures, [1, 2, 3]);
  assert.equal((await peersOf(gateway.api)).get(bad.address).unavail, 0);
});

test("an unavailable server receives one trial per fail_timeout, whatever the number of requests", async (context) => {
  const timeout = 250;
  const { gateway, bad } = await startWithBad(context, 2, { max_fails: 1, fail_timeout: `${timeout}ms` });
  const arrivals = watchArrivals(bad);
  const load = startLoad(context, { port: gateway.port, connections: 16, pause: 20 });
  await waitFor(
    "the server is unavailable",
    async () => (await peersOf(gateway.api)).get(bad.address).state === "unavail",
  );
  // Requests that were sent before the server became unavailable are not trials.
  await load.round();
  const first = arrivals.length;
  await waitFor("there are 12 trials", () => arrivals.length >= first + 12);
  await load.stop();
  assert.deepEqual([...load.errors], []);
  const trials = arrivals.slice(first, first + 12);
  const gaps = trials.slice(1).map((at, index) => Math.round(at - trials[index]));
  // A trial may arrive late, and two workers may begin one at the same instant. If each worker had its own
  // trials, 12 trials would take three times the fail_timeout.
  assert.ok(trials[11] - trials[0] >= 9 * timeout, `trials came after ${gaps} ms`);
});

test("a single server is never skipped", async (context) => {
  const { gateway, bad } = await startWithBad(context, 1, { max_fails: 1, fail_timeout: "1h" });
  for (let turn = 1; turn <= 20; turn += 1) {
    assert.equal((await ask(gateway.port)).status, 502);
    assert.equal(bad.requests.length, turn);
  }
  assert.equal((await peersOf(gateway.api)).get(bad.address).state, "up");
  bad.behaviour = {};
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
});

test("a server that becomes the only one is not skipped, and is skipped again when another one is added", async (context) => {
  const { gateway, bad } = await startWithBad(context, 2, { max_fails: 1, fail_timeout: "1h" });
  await waitFor("the server is unavailable", async () => {
    await ask(gateway.port);
    return (await peersOf(gateway.api)).get(bad.address).state === "unavail";
  });
  bad.behaviour = {};
  await gateway.api.expect(200, "DELETE", `${serversOf()}/1`);
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
  const company = await startBackend(context);
  await gateway.api.expect(201, "POST", serversOf(), { server: company.address });
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(gateway.port)).text, company.id);
});

test("with max_fails 0 a server never becomes unavailable", async (context) => {
  const { gateway, bad } = await startWithBad(context, 2, { max_fails: 0, fail_timeout: "1h" });
  for (let turn = 0; turn < 80; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.ok(bad.requests.length >= 30, `the server had ${bad.requests.length} of 80 requests`);
  assert.equal((await peersOf(gateway.api)).get(bad.address).state, "up");
});

test("when all servers are unavailable clients get 502 at once, and no server receives a request", async (context) => {
  const { gateway, bad, good } = await startWithBad(context, 2, { max_fails: 1, fail_timeout: "1h" });
  gateway.log.allow(noneIsLeft);
  good.behaviour = { reset: 1 };
  await waitFor("both servers are unavailable", async () => {
    await ask(gateway.port);
    return [...(await peersOf(gateway.api)).values()].every(({ state }) => state === "unavail");
  });
  const requests = bad.requests.length + good.requests.length;
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(gateway.port)).status, 502);
  assert.equal(bad.requests.length + good.requests.length, requests);
});
