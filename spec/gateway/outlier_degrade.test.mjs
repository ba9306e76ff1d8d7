/** Outlier detection that takes weight from servers with anomalous error rates or latencies, or only reports them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const INTERVAL = 300;
/** Longer than many intervals: a test that shows that nothing happens waits for this time. */
const WHILE = 2500;
/** Milliseconds, for a machine that is busy. */
const patience = 60_000;
const quick = {
  interval: `${INTERVAL}ms`,
  anomaly_request_volume: 20,
  min_weight_percent: 5,
};

/**
 * @param {import("node:test").TestContext} context
 * @param {number} count of servers
 * @param {object} outlier_detection
 * @param {object} [settings] of the upstream
 */
async function prepare(context, count, outlier_detection, settings = {}) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const app = { servers, outlier_detection: { ...quick, ...outlier_detection }, ...settings };
  return { backends, options: { upstreams: { app }, listen: "reuseport" } };
}

/** @type {typeof prepare} */
async function start(context, ...rest) {
  const { backends, options } = await prepare(context, ...rest);
  return { backends, gateway: await startGateway(context, options) };
}

/** Lets a server fail 30 % of its requests at once. @param {import("./support/backend.mjs").Backend} backend */
function failSometimes(backend) {
  let turn = 0;
  const fail = () => {
    turn += 1;
    backend.behaviour = turn % 10 < 3 ? { status: 500 } : {};
  };
  backend.server.prependListener("request", fail);
  return () => {
    backend.server.off("request", fail);
    backend.behaviour = {};
  };
}

/** @param {import("node:test").TestContext} context @param {{ port: number }} gateway */
const sendTo = (context, { port }) => startLoad(context, { port, connections: 24, pause: 3 });

/** Returns the parts of their weights that outlier detection leaves to the servers. */
async function partsOf({ api }) {
  const { servers } = await api.expect(200, "GET", `${sluice()}/explain`);
  return servers.map(({ weight }) => weight.outlier);
}

/** Returns the part of the next requests that a server gets. */
async function shareOf(backends, bad) {
  const count = () => backends.reduce((sum, { requests }) => sum + requests.length, 0);
  const [all, its] = [count(), bad.requests.length];
  await waitFor("many requests", () => count() - all >= 1500, patience);
  return (bad.requests.length - its) / (count() - all);
}

/** Returns the distinct parts of the first server, in order, until `isOver` accepts one. */
async function followPart(gateway, isOver) {
  const seen = [];
  await waitFor(
    "the weight has changed",
    async () => {
      const [part] = await partsOf(gateway);
      if (seen.at(-1) !== part) seen.push(part);
      return isOver(part);
    },
    patience,
  );
  return seen;
}

async function problemsOf({ api }) {
  const events = await api.expect(200, "GET", "/api/sluice/1/events");
  return events.filter(({ problem }) => problem !== undefined);
}

/** @param {number[]} parts */
const sorted = (parts) => parts.toSorted((a, b) => a - b);

const kinds = [
  {
    anomaly: "errors",
    reason:
      /^\d+\.\d % of its requests failed, and 0\.0 % of those to the other servers: it loses weight step by step$/,
  },
  {
    anomaly: "latency",
    reason:
      /^it answers after \d+ ms on average, and the other servers after \d+ ms: it loses weight step by step$/,
  },
];
for (const { anomaly, reason } of kinds) {
  test(`a server with anomalous ${anomaly} loses weight step by step on all workers, and regains it`, async (context) => {
    const { gateway, backends } = await start(context, 5, { mode: "degrade", step_up_percent: 30 });
    const [bad, ...others] = backends;
    gateway.log.allow(/loses weight step by step/);
    for (const { behaviour } of others) Object.assign(behaviour, { delay: anomaly === "latency" ? 10 : 0 });
    /** @type {() => void} */
    let mend = () => Object.assign(bad.behaviour, { delay: 10 });
    if (anomaly === "errors") mend = failSometimes(bad);
    else bad.behaviour = { delay: 100 };
    const load = sendTo(context, gateway);

    const down = await followPart(gateway, (part) => part === 0.05);
    assert.ok(down.length >= 4, `seen: ${down}`);
    assert.deepEqual(down, sorted(down).reverse(), "the weight falls step by step");
    for (const part of down) assert.ok([1, 0.8, 0.6, 0.4, 0.2, 0.05].includes(part), `${part} is a step`);
    // Workers follow a change within a quarter of a second.
    await sleep(500);
    const share = await shareOf(backends, bad);
    assert.ok(share > 0 && share < 0.03, `its share is ${share}; by weight it is 0.05 ÷ 4.05`);
    const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
    assert.equal(servers[0].outlier.anomaly, anomaly);
    assert.ok(Date.parse(servers[0].outlier.since) <= Date.now());
    assert.match(
      servers[0].reason,
      /^outlier detection has taken weight from it, because its (error rate|latency) /,
    );
    assert.equal(servers[0].state, "up");
    assert.deepEqual(
      servers.slice(1).map(({ outlier, weight }) => [outlier, weight.outlier]),
      Array(4).fill([undefined, 1]),
    );

    mend();
    const up = await followPart(gateway, (part) => part === 1);
    assert.ok(up.length >= 3, `seen: ${up}`);
    assert.deepEqual(up, sorted(up), "the weight rises step by step");
    await sleep(500);
    const regained = await shareOf(backends, bad);
    assert.ok(regained > 0.16 && regained < 0.24, `its share is ${regained}`);
    await load.stop();
    const problems = await problemsOf(gateway);
    assert.deepEqual(
      problems.map(({ problem, server }) => [problem, server]),
      [
        ["outlier_detected", bad.address],
        ["outlier_ended", bad.address],
      ],
    );
    assert.match(problems[0].reason, reason);
    assert.deepEqual([...load.errors.keys()], anomaly === "errors" ? ["status 500"] : []);
  });
}

test('the mode "detect" reports anomalies and ejections, and changes no share', async (context) => {
  const { gateway, backends } = await start(context, 5, {
    mode: "detect",
    consecutive_5xx: 3,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
  });
  const [bad] = backends;
  gateway.log.allow(/its weight stays|would be ejected/);
  const mend = failSometimes(bad);
  const load = sendTo(context, gateway);
  const problems = await waitFor(
    "both are reported",
    async () => {
      const all = await problemsOf(gateway);
      return all.length >= 2 && all;
    },
    patience,
  );
  assert.deepEqual(problems.map(({ problem }) => problem).toSorted(), [
    "ejection_reported",
    "outlier_detected",
  ]);
  for (const { problem, server, reason } of problems) {
    assert.equal(server, bad.address);
    if (problem === "outlier_detected")
      assert.match(reason, / of those to the other servers: its weight stays$/);
    else assert.equal(reason, "3 responses of 5xx in a row: it would be ejected for 3600 s");
  }
  const share = await shareOf(backends, bad);
  assert.ok(share > 0.18 && share < 0.22, `its share is ${share}`);
  const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
  assert.deepEqual(
    [servers[0].state, servers[0].weight.effective, servers[0].weight.outlier],
    ["up", 1, undefined],
  );
  assert.equal(servers[0].outlier.anomaly, "errors");
  const { text } = await gateway.api.get("/api/metrics");
  const sample = (name) =>
    text.split("\n").find((line) => line.startsWith(name) && line.includes(`"${bad.address}"`));
  assert.match(sample("sluice_upstream_server_outlier{"), / 1$/);
  assert.match(sample("sluice_upstream_server_outliers_total{"), / 2$/);
  mend();
  await waitFor(
    "the anomaly is over",
    async () => {
      const all = await problemsOf(gateway);
      return all.at(-1).problem === "outlier_ended" && all.at(-1).reason === "it is no longer an outlier";
    },
    patience,
  );
  await load.stop();
  assert.equal((await problemsOf(gateway)).length, 3, "each is reported once");
});

for (const [what, count, failing] of [
  ["of two servers, none", 2, 1],
  ["if most servers fail, none", 5, 3],
  ["if all servers fail, none", 4, 4],
]) {
  test(`${what} loses weight`, async (context) => {
    const { gateway, backends } = await start(context, count, { mode: "degrade" });
    for (const backend of backends.slice(0, failing)) failSometimes(backend);
    const load = sendTo(context, gateway);
    await sleep(WHILE);
    await load.stop();
    assert.ok(load.answers > 20 * count * 3, `${load.answers} answers are enough for several comparisons`);
    assert.deepEqual(await partsOf(gateway), Array(count).fill(1));
    assert.deepEqual(await problemsOf(gateway), []);
  });
}

test("a lost weight outlives a restart, and another mode gives it back at once", async (context) => {
  const { backends, options } = await prepare(context, 4, { mode: "degrade" });
  const gateway = await makeGateway(context, options);
  gateway.log.allow(/loses weight step by step/);
  await gateway.start();
  const [bad] = backends;
  failSometimes(bad);
  const load = sendTo(context, gateway);
  await followPart(gateway, (part) => part === 0.05);
  await load.stop();
  await gateway.stop();
  await gateway.start();
  assert.equal((await partsOf(gateway))[0], 0.05);
  const again = sendTo(context, gateway);
  // Workers follow a change within a quarter of a second.
  await sleep(500);
  assert.ok((await shareOf(backends, bad)) < 0.05);
  const outlier_detection = { mode: "eject", consecutive_5xx: 0 };
  await gateway.api.expect(200, "PATCH", sluice(), { outlier_detection });
  const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
  assert.deepEqual([servers[0].weight.effective, servers[0].outlier], [1, undefined]);
  const share = await shareOf(backends, bad);
  assert.ok(share > 0.2 && share < 0.3, `its share is ${share}`);
  await again.stop();
});
