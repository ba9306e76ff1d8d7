/**
 * All protections of an upstream together: adaptive limits, degrading, slow start, zones, and load.
 * Each has specs of its own; these show that none breaks another one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { explainedServers, failSometimes } from "./support/outliers.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { serversOf, settledPeersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const PATIENCE = 60_000;
const LIMIT = 4;
const report = "TEXT cpu_utilization=0.4,application_utilization=0.5,rps_fractional=100,named_metrics.rif=2";
const usual = { delay: 10, load_metrics: report };

/** @type {Record<string, object>} */
const CHOICES = {
  "least_load with reports": {
    method: "least_load",
    least_load: { report: { in_flight: "named_metrics.rif" } },
  },
  "weights by load": {
    method: "least_conn",
    load: { utilization: "application_utilization", update: "500ms", blackout: "1s" },
  },
};

/** @param {import("node:test").TestContext} context @param {object} choice */
async function start(context, choice) {
  const backends = [];
  const servers = [];
  for (let number = 0; number < 6; number += 1) {
    const backend = await startBackend(context);
    backend.behaviour = usual;
    backends.push(backend);
    servers.push({ ...parameters(number), server: backend.address });
  }
  const app = {
    ...choice,
    servers,
    zones: { prefer: true },
    adaptive_limit: { min: 3, max: LIMIT },
    outlier_detection: {
      mode: "degrade",
      interval: "1s",
      // A busy server of this machine must not count as an outlier, and one that fails gets few requests.
      anomaly_latency_percent: 0,
      anomaly_request_volume: 5,
      min_weight_percent: 5,
      step_up_percent: 30,
    },
    retries: { tries: 3 },
  };
  const gateway = await startGateway(context, {
    upstreams: { app },
    setup: { zone: "a" },
    listen: "reuseport",
    http: "proxy_next_upstream error timeout http_503;",
  });
  gateway.log.allow(/loses weight step by step/);
  return { backends, gateway };
}

/**
 * Four servers are in the zone of the gateway, so that there are enough to compare them.
 * @param {number} number
 */
const parameters = (number) => ({
  ...{ max_conns: "adaptive", slow_start: "2s", max_fails: 0 },
  zone: number < 4 ? "a" : "b",
});

/**
 * Returns the highest numbers of requests at a time during some rounds of all connections.
 * @param {import("./support/load.mjs").Load} load
 * @param {import("./support/backend.mjs").Backend[]} backends
 */
async function peaksOf(load, backends) {
  await load.round();
  const peaks = watchPeaks(backends);
  for (let round = 0; round < 5; round += 1) await load.round();
  peaks.stop();
  return peaks.highest();
}

for (const [what, choice] of Object.entries(CHOICES)) {
  test(`an upstream with ${what} and all protections serves without an error, within its limits, and follows changes`, async (context) => {
    const { backends, gateway } = await start(context, choice);
    const { api } = gateway;
    // All servers together take 18 to 24 requests at a time, and 17 in the end.
    const load = startLoad(context, { port: gateway.port, connections: 14, pause: 1 });
    await waitFor("many answers", () => load.answers > 1500, PATIENCE);
    for (const peak of await peaksOf(load, backends)) assert.ok(peak <= LIMIT, `${peak} requests at a time`);
    for (const { requests } of backends.slice(0, 4)) assert.ok(requests.length > 50, "all are used");

    const [first, second] = backends;
    const mend = failSometimes(first, 503);
    await waitFor(
      "the server that fails has lost weight",
      async () => (await explainedServers(gateway))[0].weight.outlier <= 0.6,
      PATIENCE,
    );
    const added = await startBackend(context);
    added.behaviour = usual;
    const all = [...backends, added];
    await api.expect(201, "POST", serversOf(), { ...parameters(0), server: added.address });
    await waitFor("the new server is used", () => added.requests.length > 20, PATIENCE);
    await api.expect(200, "DELETE", `${serversOf()}/1`);
    await load.round();
    const atDeletion = second.requests.length;
    await api.expect(200, "PATCH", sluice(), { adaptive_limit: { min: 3, max: 3 } });
    const lowered = await peaksOf(load, all);
    for (const peak of lowered) assert.ok(peak <= 3, `${lowered} requests at a time`);
    assert.equal(second.requests.length, atDeletion, "a deleted server gets no request");
    await api.expect(200, "PATCH", `${serversOf()}/2`, { max_conns: 2 });
    const { 2: peak, ...others } = await peaksOf(load, all);
    assert.ok(peak <= 2, `${peak} requests at a time`);
    for (const other of Object.values(others)) assert.ok(other <= 3, `${other} requests at a time`);

    mend();
    await waitFor(
      "the first server has its weight again",
      async () => (await explainedServers(gateway))[0].weight.outlier === 1,
      PATIENCE,
    );
    await load.stop();
    assert.deepEqual([...load.errors], []);
    for (const [server, { active }] of await settledPeersOf(api)) assert.equal(active, 0, server);
    await gateway.reload();
    for (let number = 0; number < 20; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  });
}
