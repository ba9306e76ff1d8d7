/**
 * A real Prometheus scrapes real gateways, and each query of the example's dashboard and each alert returns
 * what was really sent.
 */
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { scrape } from "../gateway/support/metrics.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { serversOf, settledPeersOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { readAlerts, readPanels, withVariables } from "./support/dashboard.mjs";
import { expectedPanels } from "./support/expected.mjs";
import { scraped, startPrometheus } from "./support/prometheus.mjs";
import { sendTraffic, startWatched } from "./support/watched.mjs";

/** @typedef {import("../gateway/support/gateway.mjs").Gateway} Gateway */
/** @typedef {import("./support/prometheus.mjs").Series} Series */

/** The window of the dashboard's rates. It contains the whole test. */
const WINDOW = { text: "10m", seconds: 600 };
/** The window of the alerts' rates. */
const ALERT_SECONDS = 300;
const SLOW_MILLISECONDS = 1300;
const LEAST_SCRAPES = 15;

/**
 * Asserts that a result has the expected values.
 * @param {string} what
 * @param {Series[]} result
 * @param {import("./support/expected.mjs").Expected} expected
 * @param {boolean} grows the values may have grown since
 */
function assertResult(what, result, { by, values, tolerance, largest }, grows) {
  const found = new Map(
    result.map(({ metric, value }) => [by.map((label) => metric[label]).join(" "), value]),
  );
  assert.deepEqual([...found.keys()].sort(), [...values.keys()].sort(), what);
  for (const [key, wanted] of values) {
    const value = Number(found.get(key));
    const most = largest?.get(key) ?? wanted;
    const isClose = value >= wanted * (1 - tolerance) && value <= most * (1 + tolerance);
    const isSame = Number.isNaN(wanted) ? Number.isNaN(value) : isClose || (grows && value > wanted);
    assert.ok(isSame, `${what} ${key}: ${value}, expected ${wanted} to ${most}`);
  }
}

/** @param {Map<string, Gateway>} gateways @returns {Promise<Map<string, any>>} */
async function scrapeAll(gateways) {
  const found = new Map();
  for (const [instance, gateway] of gateways) found.set(instance, await scrape(gateway));
  return found;
}

test("each query of the dashboard and each alert returns what was really sent", async (context) => {
  const app = await startBackends(context, 3);
  const [slow, ...queued] = await startBackends(context, 3);
  slow.behaviour = { delay: SLOW_MILLISECONDS };
  const folder = makeFolder(context, "registry");
  const registry = join(folder, "servers.json");
  writeFileSync(registry, JSON.stringify({ servers: [someAddress(9)] }));
  /** @type {Map<string, Gateway>} */
  const gateways = new Map();
  for (const own of queued) {
    const gateway = await startWatched(context, { app, queued: own, slow }, registry);
    gateways.set(`127.0.0.1:${gateway.apiPort}`, gateway);
  }
  const [first, second] = gateways.values();
  const [firstInstance, secondInstance] = gateways.keys();
  // Each server has responded once before the first scrape, so that its series do not begin with a jump.
  for (const gateway of gateways.values()) {
    await startLoad(context, { port: gateway.port, connections: 4, total: 60 }).finished;
    for (const path of ["/to/slow", "/queued"]) await ask(gateway.port, path);
    await gateway.api.expect(404, "DELETE", sluice("nope"));
    for (const name of ["app", "queued", "slow"]) await settledPeersOf(gateway.api, name);
    await waitFor(
      "the registry has answered",
      async () => (await scrape(gateway)).all("sluice_discovery_last_success_timestamp_seconds").length === 1,
    );
  }
  const prometheus = await startPrometheus(context, [...gateways.keys()]);
  await scraped(prometheus);
  const before = await scrapeAll(gateways);

  for (const [index, gateway] of [...gateways.values()].entries())
    await sendTraffic(context, gateway, queued[index]);
  assert.equal((await second.api.get("/fill")).status, 200);
  // Prometheus extrapolates by one interval at most, which is little among so many.
  await waitFor(
    "Prometheus has scraped often",
    async () => {
      const [{ value }] = await prometheus.query("min(count_over_time(up[10m]))");
      return value >= LEAST_SCRAPES;
    },
    120_000,
  );
  await scraped(prometheus);
  const after = await scrapeAll(gateways);
  const requests = (/** @type {string} */ instance) =>
    after.get(instance).value("sluice_upstream_requests_total", { upstream: "app" });
  const sent = app.flatMap(({ requests: all }) => all).filter(({ url }) => url !== "/health").length;
  assert.equal(requests(firstInstance) + requests(secondInstance), sent);

  const scene = {
    seconds: WINDOW.seconds,
    gateways: new Map(
      [...gateways.keys()].map((instance) => [
        instance,
        { before: before.get(instance), after: after.get(instance) },
      ]),
    ),
  };
  // The checks of servers and the downtime of those that are down go on.
  const growing = new Set([
    "Server $server/Failures and checks",
    "Server $server/Part of the time out of service",
  ]);
  const panels = readPanels();
  for (const [upstream, server] of [
    ["app", app[1].address],
    ["queued", ""],
    ["panicking", someAddress(2)],
  ]) {
    const expected = expectedPanels(scene, upstream, server);
    const known = panels.map(({ row, title }) => `${row}/${title}`);
    assert.deepEqual(Object.keys(expected), known, "each panel has an expected result");
    const variables = { instance: ".*", upstream, server, __rate_interval: WINDOW.text };
    for (const { row, title, queries } of panels) {
      const name = `${row}/${title}`;
      const isOfServer = row.startsWith("Server");
      for (const [index, query] of queries.entries()) {
        const wanted = expected[name][index];
        const what = `${upstream} ${name} ${query}`;
        if (wanted !== undefined && !(isOfServer && server === "")) {
          const result = await prometheus.query(withVariables(query, variables));
          assertResult(what, result, wanted, growing.has(name));
        }
      }
    }
  }

  const overview = (/** @type {string} */ title) => {
    const panel = panels.find((one) => one.title === title);
    return prometheus.query(withVariables(panel?.queries[0] ?? "", { instance: ".*" }));
  };
  // "dead", "lost" has no servers, and both servers of "panicking" have failed.
  const [{ value: unavailable }] = await overview("Upstreams without an available server");
  assert.equal(unavailable, 4);
  const ages = await overview("Time since a registry answered");
  assert.deepEqual(new Set(ages.map(({ metric }) => metric.upstream)), new Set(["found"]));
  for (const { value } of ages) assert.ok(value >= 0 && value < 60, `${value} s`);
  const memory = await overview("Lua memory by worker");
  assert.equal(memory.length, first.workerCount + second.workerCount);
  for (const { value } of memory) assert.ok(value > 100_000, `${value} bytes`);

  const alerts = readAlerts();
  const firing = async (/** @type {string} */ name) => {
    const result = await prometheus.query(alerts[name]);
    return result.map(({ metric, value }) => ({
      instance: metric.instance,
      upstream: metric.upstream,
      value,
    }));
  };
  const places = async (/** @type {string} */ name) =>
    (await firing(name)).map(({ instance, upstream }) => [instance, upstream]).sort();
  const both = (/** @type {string[]} */ ...upstreams) =>
    [...gateways.keys()].flatMap((instance) => upstreams.map((upstream) => [instance, upstream])).sort();
  assert.deepEqual(await places("SluiceDown"), []);
  assert.deepEqual(await places("SluiceNoServerAvailable"), both("dead", "panicking"));
  assert.deepEqual(await places("SluicePanic"), both("panicking"));
  assert.deepEqual(await places("SluiceRetryBudgetExhausted"), both("storm"));
  for (const { value } of await firing("SluiceRetryBudgetExhausted"))
    assert.ok(Math.abs(value * ALERT_SECONDS - 6) < 2, `${value * ALERT_SECONDS} of 6 retries`);
  assert.deepEqual(await places("SluiceSlow"), both("slow"));
  for (const { value } of await firing("SluiceSlow")) assert.ok(value > 1 && value < 5, `${value} s`);
  assert.deepEqual(await places("SluiceDiscoveryFailing"), both("lost"));
  assert.deepEqual(await places("SluiceClusterDisconnected"), []);
  assert.deepEqual(await places("SluiceStateNotSaved"), []);
  assert.deepEqual(await places("SluiceDictNearlyFull"), [[secondInstance, undefined]]);
  assert.deepEqual(await places("SluiceWorkersWithoutSlot"), []);

  // A gateway whose state_dir is moved away, and back.
  const state = join(first.folder, "state");
  renameSync(state, `${state}.away`);
  await first.api.expect(500, "PATCH", `${serversOf("dead")}/0`, { weight: 9 });
  const isShown = (/** @type {string} */ name, /** @type {number} */ count) =>
    waitFor(`${name} has ${count} results`, async () => (await firing(name)).length === count);
  // One for the folder, and one for the refused write.
  await isShown("SluiceStateNotSaved", 2);
  renameSync(`${state}.away`, state);
  await isShown("SluiceStateNotSaved", 1);
  await second.stop();
  await isShown("SluiceDown", 1);
  assert.deepEqual(await places("SluiceDown"), [[secondInstance, undefined]]);
});

test("Prometheus negotiates OpenMetrics, and a gateway without its etcd is reported", async (context) => {
  const endpoints = [`http://127.0.0.1:${await freePort()}`];
  const gateway = await startGateway(context, {
    setup: { cluster: { etcd: { endpoints, prefix: "/sluice/" } } },
  });
  gateway.log.allow(/connect\(\) failed/);
  const instance = `127.0.0.1:${gateway.apiPort}`;
  const prometheus = await startPrometheus(context, [instance]);
  await scraped(prometheus, 1);
  const [build] = await prometheus.metadata("sluice_build");
  const [writes] = await prometheus.metadata("sluice_store_write_seconds");
  assert.equal(build.type, "info");
  assert.deepEqual([writes.type, writes.unit], ["histogram", "seconds"]);
  const alert = await prometheus.query(readAlerts().SluiceClusterDisconnected);
  assert.deepEqual(
    alert.map(({ metric }) => metric.instance),
    [instance],
  );
});
