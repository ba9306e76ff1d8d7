/**
 * `least_load` chooses by what the servers are doing now: their requests in flight, the time that they are
 * expected to take, and what they report.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** The number of servers in each test. The first one behaves differently from the others. */
const count = 4;
const connections = 16;

/**
 * @param {import("node:test").TestContext} context
 * @param {object} least_load
 * @param {import("./support/backend.mjs").Behaviour} ofFirst
 * @param {import("./support/backend.mjs").Behaviour} ofOthers
 */
async function start(context, least_load, ofFirst, ofOthers) {
  const backends = await startBackends(context, count);
  for (const backend of backends) backend.behaviour = backend === backends[0] ? ofFirst : ofOthers;
  const servers = backends.map(({ address }) => ({ server: address }));
  const upstreams = { app: { method: "least_load", least_load, servers } };
  return startGateway(context, { upstreams, listen: "reuseport" });
}

/**
 * Returns a server's share of 400 requests under load, once its state is known.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} [address] absent: of the first server
 */
async function shareOf(context, gateway, address) {
  const read = async () => {
    const { peers } = await gateway.api.expect(200, "GET", "/api/9/http/upstreams/app");
    peers.sort((one, other) => Number(other.server === address) - Number(one.server === address));
    return peers.map(({ requests }) => requests);
  };
  const load = startLoad(context, { port: gateway.port, connections });
  await waitFor("the state is known", () => load.answers >= 100);
  const before = await read();
  await waitFor("enough requests are answered", () => load.answers >= 500);
  const after = await read();
  await load.stop();
  const counts = after.map((requests, index) => requests - before[index]);
  return counts[0] / counts.reduce((sum, one) => sum + one);
}

test("a slow server gets only the requests that it can answer as soon as the others", async (context) => {
  const gateway = await start(context, {}, { delay: 200 }, { delay: 20 });
  const share = await shareOf(context, gateway);
  // With equal times it would have a quarter.
  assert.ok(share < 0.1, `its share is ${share}`);
});

test("a server that fails fast does not attract requests", async (context) => {
  const gateway = await start(context, {}, { status: 500, delay: 1 }, { delay: 20 });
  const share = await shareOf(context, gateway);
  assert.ok(share < 0.05, `its share is ${share}`);
});

/**
 * The ways in which a response reports the requests in flight.
 * @type {Record<string, (requests: number) => import("./support/backend.mjs").Behaviour>}
 */
const REPORTS = {
  "named_metrics.rif": (requests) => ({ load_metrics: `TEXT named_metrics.rif=${requests}` }),
  $upstream_http_x_in_flight: (requests) => ({ in_flight: requests }),
};

for (const [in_flight, reports] of Object.entries(REPORTS)) {
  test(`a server that other gateways keep busy gets few requests, by ${in_flight}`, async (context) => {
    const busy = { delay: 20, ...reports(500) };
    const gateway = await start(context, { report: { in_flight } }, busy, { delay: 20, ...reports(0) });
    const share = await shareOf(context, gateway);
    assert.ok(share < 0.05, `its share is ${share}`);
    const { servers, next } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
    assert.ok(servers[0].load.elsewhere > 100, JSON.stringify(servers[0].load));
    assert.ok(servers[1].load.elsewhere < 1, JSON.stringify(servers[1].load));
    assert.ok(servers[1].load.expected_time > 1, JSON.stringify(servers[1].load));
    assert.deepEqual(next, { reason: "the server is chosen at random" });
  });
}

test("a pushed report of requests in flight counts at once", async (context) => {
  const gateway = await start(context, { choices: 32 }, { delay: 20 }, { delay: 20 });
  await shareOf(context, gateway);
  const { servers } = await gateway.api.expect(200, "GET", sluice());
  const report = `${sluice()}/servers/${servers[0].id}/report`;
  await gateway.api.expect(204, "POST", report, { in_flight: 1000, latency: 900 });
  const share = await shareOf(context, gateway);
  assert.ok(share < 0.05, `its share is ${share}`);
});

/** The requests of probes at all servers. @param {import("./support/backend.mjs").Backend[]} backends */
function probesAt(backends) {
  return backends.flatMap(({ requests }) => requests).filter(({ url }) => url?.startsWith("/load"));
}

/**
 * Starts a gateway that probes the loads of two servers.
 * @param {import("node:test").TestContext} context
 * @param {string} uri of the probes. Its query makes the answer
 */
async function startProbing(context, uri) {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { delay: 5 };
  const least_load = {
    report: { in_flight: "$upstream_http_x_in_flight" },
    probe: { uri, per_request: 0.5, timeout: "200ms" },
  };
  const servers = backends.map(({ address }) => ({ server: address }));
  const upstreams = { app: { method: "least_load", least_load, servers } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  // A busy machine may need longer for an answer.
  gateway.log.allow(/lua tcp socket read timed out/);
  const load = startLoad(context, { port: gateway.port, connections });
  return { backends, gateway, load };
}

test("probes ask all servers for their load, at most so many for each request", async (context) => {
  const { backends, gateway, load } = await startProbing(context, "/load?in_flight=700");
  await waitFor("both servers were asked", () =>
    backends.every((backend) => probesAt([backend]).length >= 20),
  );
  await waitFor("the reports of both count", async () => {
    const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
    return servers.every((/** @type {any} */ one) => one.load.elsewhere > 300);
  });
  await load.stop();
  const probes = probesAt(backends);
  const others = backends.flatMap(({ requests }) => requests).length - probes.length;
  assert.ok(probes.length <= others / 2 + 2, `${probes.length} probes for ${others} requests`);
  const counts = backends.map((backend) => probesAt([backend]).length);
  // Each server is drawn once before any one is drawn again, in each of up to four workers.
  assert.ok(Math.abs(counts[0] - counts[1]) <= 8, `${counts}`);
  assert.ok(probes.some(({ method }) => method === "GET"));
});

/** What wrong answers to probes are, by the query of the probes. */
const WRONG_ANSWERS = {
  fail: "status=503",
  "are redirected": "status=302",
  "lose their connection": "reset=1",
  "do not answer": "hang=1",
};

for (const [how, query] of Object.entries(WRONG_ANSWERS)) {
  test(`probes that ${how} neither count as a report nor as a failure`, async (context) => {
    const { backends, gateway, load } = await startProbing(context, `/load?in_flight=700&${query}`);
    gateway.log.allow(/reset by peer/);
    await waitFor("both servers were asked", () =>
      backends.every((backend) => probesAt([backend]).length >= 5),
    );
    const answers = load.answers;
    let most = 0;
    await waitFor("requests go on", () => {
      most = Math.max(most, ...backends.map(({ active }) => active));
      return load.answers >= answers + 1000;
    });
    // Each worker awaits one answer of a server. Another one may have just been given up.
    const bound = connections + 2 * gateway.workerCount;
    assert.ok(most <= bound, `a server has ${most} requests and probes`);
    const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
    for (const { load: its, state } of servers) assert.deepEqual([its.elsewhere, state], [0, "up"]);
  });
}

test("probes need to know where the answers have the load", async (context) => {
  const gateway = await startGateway(context, {});
  const servers = [{ server: "127.0.0.1:1" }];
  for (const [least_load, problem] of /** @type {[object, RegExp][]} */ ([
    [{ probe: { uri: "/load" } }, /least_load\.report/],
    [{ report: { latency: "named_metrics.l" }, probe: {} }, /least_load\.probe\.uri/],
    [{ report: { latency: "named_metrics.l" }, probe: { uri: "load" } }, /must begin with/],
    [{ report: { latency: "named_metrics.l" }, probe: { uri: "/", per_request: 4 } }, /per_request/],
    [{ report: { latency: "named_metrics.l" }, probe: { uri: "/", timeout: "2s" } }, /timeout/],
    [{ report: { latency: "named_metrics.l" }, probe: [] }, /probe/],
  ])) {
    const { error } = await gateway.api.expect(400, "PUT", sluice(), {
      method: "least_load",
      least_load,
      servers,
    });
    assert.match(error.text, problem);
  }
});

test("a server that always reports to be fast and idle gets a bounded share", async (context) => {
  const report = { in_flight: "named_metrics.rif", latency: "named_metrics.time" };
  const metrics = (/** @type {number} */ rif, /** @type {number} */ time) => ({
    load_metrics: `TEXT named_metrics.rif=${rif},named_metrics.time=${time}`,
  });
  const liar = { delay: 20, ...metrics(0, 0) };
  const gateway = await start(context, { report }, liar, { delay: 20, ...metrics(4, 20) });
  const share = await shareOf(context, gateway);
  // With its times believed, it has almost all. As one that is four times as fast, it has 4/7.
  assert.ok(share < 0.65, `its share is ${share}`);
});

/**
 * Waits until a server that holds its answers has a request, and others have answered many more. It then has
 * at most one request of each worker, besides trials after failures, and more after its first answer.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/backend.mjs").Backend} backend
 * @param {ReturnType<typeof startLoad>} load
 * @param {number} trials that may begin in a second
 */
async function assertProbation(gateway, backend, load, trials) {
  const began = performance.now();
  await waitFor("the server has a request", () => backend.active > 0);
  const { answers } = load;
  await waitFor("others have answered", () => load.answers >= answers + 300);
  const seconds = Math.ceil((performance.now() - began) / 1000);
  const most = gateway.workerCount + trials * seconds;
  assert.ok(backend.active <= most, `it has ${backend.active} requests after ${seconds} s`);
  const before = backend.requests.length;
  backend.behaviour = { delay: 5 };
  backend.release();
  await waitFor("it gets more requests", () => backend.requests.length >= before + 50);
}

test("a new server and one that has recovered have one request until they answer", async (context) => {
  const backends = await startBackends(context, 3);
  for (const backend of backends) backend.behaviour = { delay: 5 };
  const [added, ...others] = backends;
  const servers = others.map(({ address }) => ({ server: address }));
  const upstreams = { app: { method: "least_load", servers } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  gateway.log.allow(/prematurely closed|reset by peer/);
  const load = startLoad(context, { port: gateway.port, connections });
  await waitFor("the times are known", () => load.answers >= 100);

  added.behaviour = { hold: 1 };
  const server = { server: added.address, max_fails: 1, fail_timeout: "1s" };
  await gateway.api.expect(201, "POST", "/api/9/http/upstreams/app/servers", server);
  await assertProbation(gateway, added, load, 0);

  added.behaviour = { reset: 1 };
  const state = async () => {
    const { peers } = await gateway.api.expect(200, "GET", "/api/9/http/upstreams/app");
    return peers.find((/** @type {any} */ peer) => peer.server === added.address).state;
  };
  await waitFor("it is unavailable", async () => (await state()) === "unavail");
  added.behaviour = { hold: 1 };
  // With failures, it is tried once in each `fail_timeout`.
  await assertProbation(gateway, added, load, 1);
  await waitFor("it is up", async () => (await state()) === "up");
  await load.stop();
});

test("after its first answer a server in slow_start has the share of its weight", async (context) => {
  const backends = await startBackends(context, count);
  for (const backend of backends) backend.behaviour = { delay: 20 };
  const [added, ...others] = backends;
  const servers = others.map(({ address }) => ({ server: address }));
  const upstreams = { app: { method: "least_load", servers } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  const load = startLoad(context, { port: gateway.port, connections });
  await waitFor("the times are known", () => load.answers >= 100);
  added.behaviour = { hold: 1 };
  const path = "/api/9/http/upstreams/app/servers";
  const server = { server: added.address, slow_start: "300s" };
  const { id } = await gateway.api.expect(201, "POST", path, server);
  await assertProbation(gateway, added, load, 0);
  await load.stop();
  added.behaviour = { delay: 20 };
  const first = await shareOf(context, gateway, added.address);
  // Its weight is below 0.1. Some requests find it idle.
  assert.ok(first > 0 && first < 0.15, `its share is ${first} in slow_start`);
  await gateway.api.expect(200, "PATCH", `${path}/${id}`, { slow_start: "0s" });
  const last = await shareOf(context, gateway, added.address);
  assert.ok(last > 0.17, `its share is ${last} after slow_start`);
});
