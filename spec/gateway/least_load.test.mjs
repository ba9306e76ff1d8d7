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
 * Returns the first server's share of 400 requests under load, once its state is known.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function shareOfFirst(context, gateway) {
  const read = async () => {
    const { peers } = await gateway.api.expect(200, "GET", "/api/9/http/upstreams/app");
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
  const share = await shareOfFirst(context, gateway);
  // With equal times it would have a quarter.
  assert.ok(share < 0.1, `its share is ${share}`);
});

test("a server that fails fast does not attract requests", async (context) => {
  const gateway = await start(context, {}, { status: 500, delay: 1 }, { delay: 20 });
  const share = await shareOfFirst(context, gateway);
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
    const share = await shareOfFirst(context, gateway);
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
  await shareOfFirst(context, gateway);
  const { servers } = await gateway.api.expect(200, "GET", sluice());
  const report = `${sluice()}/servers/${servers[0].id}/report`;
  await gateway.api.expect(204, "POST", report, { in_flight: 1000, latency: 900 });
  const share = await shareOfFirst(context, gateway);
  assert.ok(share < 0.05, `its share is ${share}`);
});
