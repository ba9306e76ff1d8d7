/** Servers that register themselves at any of several gateways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { Nodes, nodeOf } from "../gateway/support/nodes.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** The ttl of registrations, in seconds. etcd is down for longer than that. */
const TTL = 5;

/** Returns an API that sends each request to another available gateway. */
function anyOf(gateways) {
  let turn = 0;
  return {
    put: (...args) => {
      turn += 1;
      const serving = gateways.filter(({ isAway }) => isAway !== true);
      return serving[turn % serving.length].api.put(...args);
    },
  };
}

/** @param {import("node:test").TestContext} context */
function startNodes(context, api, count, first) {
  const nodes = new Nodes(api, count, { first, ttl: `${TTL}s` });
  atEnd(context, () => nodes.stop());
  return nodes;
}

test("nodes can register at any gateway, are known to all, and are removed when they stop", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2);
  const [one, two] = gateways;
  await one.api.expect(201, "PUT", sluice(), { servers: [] });
  await waitForEqual(gateways);
  const many = startNodes(context, anyOf(gateways), 40, 0);
  const some = startNodes(context, anyOf(gateways), 20, 100);
  const only = startNodes(context, one.api, 10, 200);
  const countAt = async ({ api }) => (await api.expect(200, "GET", serversOf())).length;
  for (const gateway of gateways)
    await waitFor("all nodes are registered", async () => (await countAt(gateway)) === 70);
  await sleep((TTL + 1) * 1000);
  // One gateway after the other, and then etcd, is down for a while.
  two.isAway = true;
  await two.stop();
  await sleep(2000);
  await two.start();
  two.isAway = false;
  await etcd.stop("SIGKILL");
  await sleep((TTL + 2) * 1000);
  await etcd.start();
  for (const gateway of gateways) await waitForState(gateway, "ok");
  await sleep((TTL + 1) * 1000);
  for (const gateway of gateways) assert.equal(await countAt(gateway), 70);
  assert.equal(
    many.created + some.created + only.created,
    70,
    "no registration has expired and been created again",
  );
  // While etcd is down, and until a gateway has read it again, a renewal cannot reach the other gateways.
  const isUntold = (/** @type {string} */ failure) => /^503 .*ClusterUnavailable/.test(failure);
  const failures = [...many.failures, ...some.failures, ...only.failures];
  assert.deepEqual(
    failures.filter((failure) => !isUntold(failure)),
    [],
  );
  await some.stop();
  for (const gateway of gateways)
    await waitFor("the stopped nodes are removed", async () => (await countAt(gateway)) === 50);
  await two.api.expect(204, "DELETE", nodeOf("n200"));
  await waitFor("the node has left at both gateways", async () => (await countAt(one)) <= 50);
});
