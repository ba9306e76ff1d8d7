/** Outlier detection that takes weight from servers with anomalous error rates or latencies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import {
  explainedServers,
  failSometimes,
  followPart,
  LEAST,
  nextShare,
  prepareJudged,
  sendTo,
  waitForProblems,
} from "./support/outliers.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

useWorkers(4);

/** Longer than several intervals: a test that shows that nothing happens waits for this time. */
const WHILE = 2500;
/** Workers follow a changed weight within a quarter of a second. */
const FOLLOWED = 500;
const loses = /loses weight step by step/;

/**
 * @param {import("node:test").TestContext} context
 * @param {number} count
 * @param {object} [outlier_detection]
 */
async function start(context, count, outlier_detection = {}) {
  const { backends, options } = await prepareJudged(context, count, {
    mode: "degrade",
    ...outlier_detection,
  });
  return { backends, gateway: await startGateway(context, options) };
}

/** @param {number[]} parts */
const sorted = (parts) => parts.toSorted((a, b) => a - b);

const reasons = {
  errors:
    /^\d+\.\d % of its requests failed, and 0\.0 % of those to the other servers: it loses weight step by step$/,
  latency:
    /^it answers after \d+ ms on average, and the other servers after \d+ ms: it loses weight step by step$/,
};
for (const [anomaly, reason] of Object.entries(reasons)) {
  test(`a server with anomalous ${anomaly} loses weight step by step on all workers, and regains it`, async (context) => {
    const { gateway, backends } = await start(context, 5, { step_up_percent: 30 });
    const [bad, ...others] = backends;
    gateway.log.allow(loses);
    for (const other of others) other.behaviour = anomaly === "latency" ? { delay: 10 } : {};
    let mend = () => void (bad.behaviour = { delay: 10 });
    if (anomaly === "errors") mend = failSometimes(bad);
    else bad.behaviour = { delay: 200 };
    const load = sendTo(context, gateway);

    const down = await followPart(gateway, LEAST);
    assert.ok(down.length >= 4, `seen: ${down}`);
    assert.deepEqual(down, sorted(down).reverse(), "the weight falls step by step");
    for (const part of down) assert.ok([1, 0.8, 0.6, 0.4, 0.2, LEAST].includes(part), `${part} is a step`);
    await sleep(FOLLOWED);
    const share = await nextShare(backends);
    assert.ok(share > 0 && share < 0.03, `its share is ${share}; by weight it is 0.05 ÷ 4.05`);
    const [first, ...rest] = await explainedServers(gateway);
    assert.deepEqual([first.state, first.outlier.anomaly], ["up", anomaly]);
    assert.ok(Date.parse(first.outlier.since) <= Date.now());
    assert.match(
      first.reason,
      /^outlier detection has taken weight from it, because its (error rate|latency) is above/,
    );
    const unchanged = rest.map(({ outlier, weight }) => [outlier, weight.outlier]);
    assert.deepEqual(unchanged, Array(4).fill([undefined, 1]));

    mend();
    const up = await followPart(gateway, 1);
    assert.ok(up.length >= 3, `seen: ${up}`);
    assert.deepEqual(up, sorted(up), "the weight rises step by step");
    await sleep(FOLLOWED);
    const regained = await nextShare(backends);
    assert.ok(regained > 0.16 && regained < 0.24, `its share is ${regained}`);
    await load.stop();
    const problems = await waitForProblems(gateway, 2);
    assert.deepEqual(
      problems.map(({ problem, server }) => [problem, server]),
      ["outlier_detected", "outlier_ended"].map((problem) => [problem, bad.address]),
    );
    assert.match(problems[0].reason, reason);
    assert.deepEqual([...load.errors.keys()], anomaly === "errors" ? ["status 500"] : []);
  });
}

/** @type {[what: string, count: number, failing: number][]} */
const spared = [
  ["of two servers, none", 2, 1],
  ["if most servers fail, none", 5, 3],
  ["if all servers fail, none", 4, 4],
];
for (const [what, count, failing] of spared) {
  test(`${what} loses weight`, async (context) => {
    const { gateway, backends } = await start(context, count);
    for (const backend of backends.slice(0, failing)) failSometimes(backend);
    const load = sendTo(context, gateway);
    await sleep(WHILE);
    await load.stop();
    assert.ok(load.answers > 20 * count * 3, `${load.answers} answers are enough for several comparisons`);
    const servers = await explainedServers(gateway);
    assert.deepEqual(
      servers.map(({ weight }) => weight.outlier),
      Array(count).fill(1),
    );
    assert.deepEqual(await waitForProblems(gateway, 0), []);
  });
}

test("a server regains its weight when too few others are left to compare it with", async (context) => {
  const { gateway, backends } = await start(context, 3, { step_up_percent: 30 });
  gateway.log.allow(loses);
  failSometimes(backends[0]);
  sendTo(context, gateway);
  await followPart(gateway, LEAST);
  await gateway.api.expect(200, "PATCH", `${serversOf()}/2`, { down: true });
  await followPart(gateway, 1);
});

test("a limit that is given still ejects, and an ejected server is not compared", async (context) => {
  const { gateway, backends } = await start(context, 4, {
    consecutive_5xx: 3,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
  });
  gateway.log.allow(/ejected for 3600 s/);
  backends[0].behaviour = { status: 500 };
  const load = sendTo(context, gateway);
  await sleep(WHILE);
  await load.stop();
  const [first] = await explainedServers(gateway);
  assert.deepEqual([first.state, first.weight.outlier], ["unavail", 1]);
});

test("a lost weight outlives a restart, and another mode gives it back at once", async (context) => {
  const { backends, options } = await prepareJudged(context, 4, { mode: "degrade" });
  const gateway = await makeGateway(context, options);
  gateway.log.allow(loses);
  await gateway.start();
  failSometimes(backends[0]);
  const load = sendTo(context, gateway);
  await followPart(gateway, LEAST);
  await load.stop();
  await gateway.stop();
  await gateway.start();
  const [restarted] = await explainedServers(gateway);
  assert.equal(restarted.weight.outlier, LEAST);
  assert.equal(restarted.outlier.anomaly, "errors");
  const again = sendTo(context, gateway);
  await sleep(FOLLOWED);
  assert.ok((await nextShare(backends)) < 0.05);
  const outlier_detection = { mode: "eject", consecutive_5xx: 0 };
  await gateway.api.expect(200, "PATCH", sluice(), { outlier_detection });
  const [released] = await explainedServers(gateway);
  assert.deepEqual([released.weight.effective, released.outlier], [1, undefined]);
  const share = await nextShare(backends);
  assert.ok(share > 0.2 && share < 0.3, `its share is ${share}`);
  await again.stop();
});
