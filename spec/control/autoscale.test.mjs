/**
 * `autoscale`: standby servers are activated when the other servers are overloaded, and drained when all are
 * idle.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { historyOf } from "../gateway/support/changes.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { assertShare } from "../gateway/support/shares.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import {
  decisionsOf,
  explain,
  pauses,
  report,
  startScaled,
  statesOf,
  told,
  waitForDecisions,
} from "./support/scaled.mjs";

/** Timers of nginx may fire a millisecond early. */
const EARLY = 5;

test("above the high-water mark a standby server is activated, with slow_start", async (context) => {
  const lasts = 4000;
  const { gateway, api, backends } = await startScaled(context, { standby: { slow_start: `${lasts}ms` } });
  const [, fresh] = backends;
  const load = startLoad(context, { port: gateway.port, connections: 4 });
  await load.round();
  assert.deepEqual(await statesOf(api), ["up", "down"]);
  assert.equal(fresh.requests.length, 0, "a standby server receives no request");
  await report(api, [0.9]);
  const [decision] = await waitForDecisions(api, 1);
  await load.stop();
  const { server, reason, inputs, dry_run } = decision;
  assert.deepEqual([told([decision]), server, dry_run], [["scale_out 1"], fresh.address, undefined]);
  assert.equal(reason, "the mean utilization is 90 %, above 80 % for 0 s");
  const { high, low, min, max } = { high: 0.8, low: 0.3, min: 1, max: 9 };
  assert.deepEqual(inputs, { in_service: 1, well: 1, known: 1, utilization: 0.9, high, low, min, max });
  const risen = [];
  const watching = waitFor("the server has its full weight", async () => {
    const { weight, state } = (await explain(api)).servers[1];
    assert.equal(state, "up");
    risen.push(weight.slow_start);
    assert.equal(weight.effective, weight.slow_start);
    return weight.slow_start === 1;
  });
  await assertShare(context, gateway, fresh, { from: Date.parse(decision.time), lasts }, [1600, 2600]);
  await watching;
  assert.deepEqual(risen, risen.toSorted());
  assert.ok(new Set(risen).size > 5 && risen[0] < 0.5, `it rises in many steps: ${risen}`);
  assert.deepEqual([...load.errors], []);
  const [{ author, upstreams }] = (await historyOf(api, "?limit=1")).changes;
  assert.deepEqual([author, upstreams.app.servers.changed[0].server], ["autoscale", fresh.address]);
});

test("below the low-water mark the standby server is drained, and no request fails", async (context) => {
  const { gateway, api, backends } = await startScaled(context);
  for (const backend of backends) backend.behaviour = { delay: 80 };
  await report(api, [0.9]);
  await waitForDecisions(api, 1);
  const load = startLoad(context, { port: gateway.port, connections: 16 });
  const long = startLoad(context, { port: gateway.port, connections: 4, total: 4, path: "/?delay=1500" });
  await waitFor("both servers have requests", () => backends.every(({ active }) => active > 3));
  assert.deepEqual(await statesOf(api), ["up", "up"]);
  await report(api, [0.1, 0.1]);
  const states = new Set(["up"]);
  await waitFor("the server is out of service", async () => {
    const [, state] = await statesOf(api);
    states.add(state);
    return state === "down";
  });
  assert.deepEqual([...states], ["up", "draining", "down"]);
  assert.equal(backends[1].active, 0);
  const had = backends[1].requests.length;
  await load.round();
  await load.round();
  await load.stop();
  await long.finished;
  assert.equal(backends[1].requests.length, had, "the drained server receives no further request");
  assert.deepEqual([[...load.errors], [...long.errors], long.answers], [[], [], 4]);
  const [, decision] = await decisionsOf(api);
  assert.deepEqual(told([decision]), ["scale_in 1"]);
  assert.equal(decision.reason, "the mean utilization is 10 %, below 30 % for 0 s");
  assert.equal(decision.inputs.in_service, 2);
});

test('servers are activated one at a time up to "max", and drained one at a time down to "min"', async (context) => {
  const { api } = await startScaled(context, { waiting: 4, autoscale: { min: 2, max: 4 } });
  // The number must be at least `min` even without a report.
  assert.deepEqual(told(await waitForDecisions(api, 1)), ["scale_out 1"]);
  assert.match((await decisionsOf(api))[0].reason, /1 servers are in service, fewer than the "min" of 2/);
  await report(api, [0.9, 0.9, 0.9, 0.9]);
  await waitForDecisions(api, 3);
  assert.deepEqual(await statesOf(api), ["up", "up", "up", "up", "down"]);
  await sleep(1500);
  assert.deepEqual(told(await decisionsOf(api)).slice(3), [], "the maximum number of servers is in service");
  await report(api, [0.1, 0.1, 0.1, 0.1]);
  await waitForDecisions(api, 5);
  await sleep(1500);
  const decisions = await decisionsOf(api);
  const wanted = ["scale_out 1", "scale_out 2", "scale_out 3", "scale_in 3", "scale_in 2"];
  assert.deepEqual(told(decisions), wanted);
  assert.deepEqual(await statesOf(api), ["up", "up", "down", "down", "down"]);
  for (const pause of pauses(decisions)) assert.ok(pause >= 1000 - EARLY, `${pause} ms of cooldown`);
});

test('load that changes faster than "for" activates and drains no server', async (context) => {
  const { api } = await startScaled(context, { autoscale: { for: "1500ms" }, waiting: 2 });
  const seen = new Set();
  let last = performance.now();
  let longest = 0;
  for (let turn = 0; turn < 12; turn += 1) {
    await report(api, [turn % 2 === 0 ? 0.95 : 0.05]);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    await sleep(300);
    const { high_since, low_since } = (await explain(api)).autoscale;
    if (high_since !== undefined) seen.add("high");
    if (low_since !== undefined) seen.add("low");
  }
  assert.ok(longest < 1400, `this test itself was held up for ${longest} ms`);
  assert.deepEqual([...seen], ["high", "low"], "the gateway has seen both loads");
  assert.deepEqual(told(await decisionsOf(api)), []);
  const from = Date.now();
  await report(api, [0.95]);
  const [{ time }] = await waitForDecisions(api, 1);
  const milliseconds = Date.parse(time) - from;
  assert.ok(milliseconds >= 1500 - EARLY, `it was decided after ${milliseconds} ms`);
});

test("a server without reports counts neither as idle nor as overloaded", async (context) => {
  const { api } = await startScaled(context, { serving: 3, load: { expiry: "1s" } });
  /** Makes servers report repeatedly. @param {number[]} utilizations @param {number} milliseconds */
  const reporting = async (utilizations, milliseconds) => {
    const until = performance.now() + milliseconds;
    while (performance.now() < until) {
      await report(api, utilizations);
      await sleep(100);
    }
  };
  await reporting([0.95], 700);
  assert.deepEqual(told(await decisionsOf(api)), [], "one of three reports is a minority");
  let over = false;
  const two = waitForDecisions(api, 1).finally(() => (over = true));
  while (!over) await reporting([0.95, 0.95], 100);
  const [{ inputs, decision }] = await two;
  assert.equal(decision, "scale_out");
  const { in_service, well, known, utilization } = inputs;
  assert.deepEqual([in_service, well, known, utilization], [3, 3, 2, 0.95]);
  // The activated server and the third server do not report. Their loads do not count as 0.
  await reporting([0.05, 0.05], 2500);
  assert.deepEqual(told(await decisionsOf(api)), ["scale_out 3"]);
  over = false;
  const all = waitForDecisions(api, 2).finally(() => (over = true));
  while (!over) await reporting([0.05, 0.05, 0.05, 0.05], 100);
  const [, { inputs: last, decision: back }] = await all;
  assert.deepEqual([back, last.well, last.known], ["scale_in", 4, 4]);
});

test("dry_run reports its decisions and changes nothing", async (context) => {
  const { gateway, api, backends } = await startScaled(context, { autoscale: { dry_run: true } });
  const before = await api.get(sluice());
  await report(api, [0.9]);
  // The decision is reported again after each cooldown.
  const decisions = await waitForDecisions(api, 2);
  for (const { decision, id, dry_run, reason, inputs } of decisions) {
    assert.deepEqual([decision, id, dry_run, inputs.utilization], ["scale_out", 1, true, 0.9]);
    assert.match(reason, /above 80 %/);
  }
  assert.ok(pauses(decisions)[0] >= 1000 - EARLY, "the cooldown also applies with dry_run");
  const after = await api.get(sluice());
  assert.equal(after.headers.etag, before.headers.etag, "nothing was written");
  await startLoad(context, { port: gateway.port, connections: 2, total: 20 }).finished;
  assert.deepEqual([backends[1].requests.length, await statesOf(api)], [0, ["up", "down"]]);
  assert.match(
    gateway.log.entries("notice").join("\n"),
    /scale_out of server \S+ \(dry run: nothing is done\)/,
  );
});

test("a standby server that is unhealthy or has down is skipped", async (context) => {
  const { gateway, api, backends } = await startScaled(context, { waiting: 3, load: null });
  gateway.log.allow(/connect\(\) failed/);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });
  backends[2].close();
  await api.expect(200, "PATCH", sluice(), { health_check: { interval: "100ms" } });
  await waitFor(
    "it is seen to be sick",
    async () => (await api.get(`/api/9/http/upstreams/app`)).body.peers[2].health_checks.unhealthy > 0,
  );
  await report(api, [0.9]);
  assert.deepEqual(told(await waitForDecisions(api, 1)), ["scale_out 3"]);
  await report(api, [0.9, 0.9, 0.9, 0.9]);
  // There is no other server. The gateway reports that, and changes nothing.
  const [, second] = await waitForDecisions(api, 2);
  assert.equal(second.id, undefined);
  assert.match(second.reason, /; nothing is done: no standby server is healthy$/);
});
