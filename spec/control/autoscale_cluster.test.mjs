/** Gateways that share their upstreams through etcd all see a high load, and one of them decides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { SECRET, startReceiver } from "./support/receiver.mjs";
import { decisionsOf, explain, LOOK, report, statesOf, told, WATER } from "./support/scaled.mjs";

/** @typedef {import("../gateway/support/gateway.mjs").Gateway} Gateway */

/** In milliseconds. All gateways of the test have the same clock. */
const COOLDOWN = 2000;

/** Returns the decisions of all gateways, the oldest first. @param {Gateway[]} gateways */
async function allDecisions(gateways) {
  const all = await Promise.all(gateways.map(({ api }) => decisionsOf(api)));
  return all.flat().toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

/** @param {Gateway[]} gateways @param {number} count */
function waitForAll(gateways, count) {
  return waitFor(
    `decision ${count}`,
    async () => {
      const decisions = await allDecisions(gateways);
      return decisions.length >= count && decisions;
    },
    20_000,
  );
}

/**
 * Sends reports to every gateway, because gateways do not share reports.
 * @param {Gateway[]} gateways
 * @param {number[]} utilizations
 */
const reportAll = (gateways, utilizations) =>
  Promise.all(gateways.map(({ api }) => report(api, utilizations)));

/**
 * Starts three gateways with one active server and three standby servers.
 * @param {import("node:test").TestContext} context
 * @param {object} [autoscale]
 */
async function startScaledCluster(context, autoscale = {}) {
  const backends = await startBackends(context, 4);
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 3);
  await gateways[0].api.expect(201, "PUT", sluice(), {
    load: LOOK,
    autoscale: { ...WATER, cooldown: `${COOLDOWN}ms`, ...autoscale },
    servers: backends.map(({ address }, index) =>
      index === 0 ? { server: address } : { server: address, standby: true, slow_start: "1h" },
    ),
  });
  await waitForEqual(gateways);
  return { gateways, etcd };
}

test("all gateways together activate one standby server per cooldown, and slow_start applies at each gateway", async (context) => {
  const { gateways } = await startScaledCluster(context, { max: 3 });
  await reportAll(gateways, [0.9, 0.9, 0.9, 0.9]);
  await waitForAll(gateways, 1);
  await waitFor("all gateways know the decision", async () => {
    const states = await Promise.all(gateways.map(({ api }) => statesOf(api)));
    return states.every(([, state]) => state === "up");
  });
  for (const { api } of gateways) {
    const { weight } = (await explain(api)).servers[1];
    assert.ok(weight.slow_start < 0.1, `its weight is ${weight.effective}`);
  }
  await waitForAll(gateways, 2);
  await sleep(COOLDOWN + 500);
  const decisions = await allDecisions(gateways);
  assert.deepEqual(told(decisions), ["scale_out 1", "scale_out 2"]);
  const [first, second] = decisions.map(({ time }) => Date.parse(time));
  // The event of a decision is recorded some time after the decision.
  assert.ok(second - first >= COOLDOWN / 2, `${second - first} ms`);
  const states = await Promise.all(gateways.map(({ api }) => statesOf(api)));
  for (const known of states) assert.deepEqual(known, ["up", "up", "up", "down"]);
  await reportAll(gateways, [0.1, 0.1, 0.1, 0.1]);
  const all = await waitForAll(gateways, 4);
  assert.deepEqual(told(all).slice(2), ["scale_in 2", "scale_in 1"]);
});

test("each decision makes one call of the webhook, and no decision is made while a call is unanswered", async (context) => {
  const receiver = await startReceiver(context);
  receiver.next = ["status 500", "status 500", "status 500"];
  const webhook = { url: receiver.url, secret: SECRET };
  const { gateways } = await startScaledCluster(context, { webhook });
  await reportAll(gateways, [0.9]);
  // The first call takes longer than the cooldown.
  await waitFor("the receiver has accepted the first call", () => receiver.heard().length > 0, 20_000);
  const [first] = receiver.keys();
  assert.deepEqual(receiver.keys(), [first], "no other gateway decides before the first call is accepted");
  await waitFor("the receiver has accepted the second call", () => receiver.heard().length > 1, 20_000);
  const { autoscale } = await gateways[0].api.expect(200, "GET", sluice());
  await gateways[0].api.expect(200, "PATCH", sluice(), { autoscale: { ...autoscale, cooldown: "1h" } });
  await waitForEqual(gateways);
  await waitFor("no call is left", async () => {
    const all = await Promise.all(gateways.map(({ api }) => explain(api)));
    return all.every(({ autoscale: now }) => now.call === undefined);
  });
  const decisions = await allDecisions(gateways);
  assert.deepEqual(receiver.heard(), receiver.keys(), "each decision is accepted once");
  assert.equal(decisions.length, receiver.keys().length);
  assert.equal(new Set(receiver.keys()).size, decisions.length);
  assert.ok(receiver.calls.every(({ isSigned }) => isSigned));
});

test("a gateway that dies after a decision makes the call when it is back, and no other gateway makes it", async (context) => {
  const receiver = await startReceiver(context);
  receiver.manner = "status 500";
  const webhook = { url: receiver.url, secret: SECRET };
  const { gateways } = await startScaledCluster(context, { webhook, cooldown: "1h" });
  await reportAll(gateways, [0.9]);
  await waitFor("the receiver is called", () => receiver.calls.length > 0);
  const decided = await Promise.all(gateways.map(async ({ api }) => (await decisionsOf(api)).length));
  const [decider] = gateways.filter((_, index) => decided[index] === 1);
  const others = gateways.filter((gateway) => gateway !== decider);
  assert.deepEqual(decided.toSorted(), [0, 0, 1]);
  await decider.killAll();
  const { length } = receiver.calls;
  receiver.manner = "ok";
  for (const other of others) await other.reload();
  await sleep(2500);
  assert.equal(receiver.calls.length, length);
  await decider.start();
  await waitFor("the receiver has accepted the call", () => receiver.heard().length > 0);
  assert.deepEqual(receiver.heard(), receiver.keys());
  assert.equal(receiver.keys().length, 1);
});

test("a call that is answered while etcd is unreachable is not repeated", async (context) => {
  const receiver = await startReceiver(context);
  receiver.next = ["status 500", "status 500"];
  const webhook = { url: receiver.url, secret: SECRET };
  const { gateways, etcd } = await startScaledCluster(context, { webhook });
  await reportAll(gateways, [0.9]);
  await waitFor("the receiver is called", () => receiver.calls.length > 0);
  await etcd.stop("SIGKILL");
  await waitFor("the receiver has accepted the call", () => receiver.heard().length > 0, 30_000);
  await sleep(3000);
  assert.equal(receiver.heard().length, 1);
  await reportAll(gateways, [0.5]);
  await etcd.start();
  await waitFor(
    "all are told",
    async () => {
      const all = await Promise.all(gateways.map(({ api }) => explain(api)));
      return all.every(({ autoscale }) => autoscale.call === undefined);
    },
    40_000,
  );
  assert.deepEqual(receiver.heard(), receiver.keys());
  assert.equal(receiver.keys().length, 1);
  await reportAll(gateways, [0.9]);
  await waitFor("the next is heard", () => receiver.heard().length > 1, 30_000);
  assert.equal(receiver.keys().length, 2);
});
