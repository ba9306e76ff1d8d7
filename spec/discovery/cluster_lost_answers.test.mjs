/** Changes with a lost answer, and changes that conflict with changes of other gateways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSetup, startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { startEtcdProxy } from "../gateway/support/etcd_proxy.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";

const TXN = "/v3/kv/txn";

/** Starts two gateways, the first of which reaches etcd through a proxy. */
async function startBoth(context) {
  const etcd = await startEtcd(context);
  const proxy = await startEtcdProxy(context, etcd);
  const [one] = await startCluster(context, etcd, 1, { setup: clusterSetup([proxy.url]) });
  const [two] = await startCluster(context, etcd, 1);
  await one.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  await waitForEqual([one, two]);
  return { etcd, proxy, one, two };
}

/**
 * Makes the second gateway change the upstream after the next change of the first gateway, whose answer is
 * lost. The first gateway must know the newest state: otherwise its first transaction fails, and the proxy
 * loses the answer to that one.
 */
async function changeAfter({ proxy, one, two }, number) {
  await waitForEqual([one, two]);
  proxy.loseAnswer(TXN, async () => {
    await two.api.expect(201, "POST", serversOf(), { server: someAddress(number) });
  });
}

test("a change that was made succeeds although its answer was lost and another change followed", async (context) => {
  const all = await startBoth(context);
  const { proxy, one, two } = all;
  await changeAfter(all, 101);
  const { etag } = (await one.api.get(sluice())).headers;
  await one.api.expect(200, "PATCH", sluice(), { method: "random" }, { "If-Match": String(etag) });
  await changeAfter(all, 102);
  await one.api.expect(201, "POST", serversOf(), { server: someAddress(2) });
  await changeAfter(all, 103);
  await one.api.expect(200, "DELETE", `${serversOf()}/0`);
  const { app } = await waitForEqual([one, two]);
  assert.deepEqual(
    app.servers.map(({ server }) => server),
    [101, 2, 102, 103].map((number) => someAddress(number)),
  );
  assert.equal(app.method, "random");
  proxy.loseAnswer(TXN, async () => {
    await two.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(7) }] });
  });
  await one.api.expect(204, "DELETE", sluice());
  const again = await waitForEqual([one, two]);
  assert.equal(again.app.servers[0].server, someAddress(7), "an upstream that was created later stays");
});

test("a change with an unknown outcome is reported as such and not as refused", async (context) => {
  const { etcd, proxy, one, two } = await startBoth(context);
  const { etag } = (await one.api.get(sluice())).headers;
  proxy.loseAnswer(TXN, async () => {
    await two.api.expect(201, "POST", serversOf(), { server: someAddress(2) });
    await two.api.expect(201, "POST", serversOf(), { server: someAddress(3) });
    await etcd.compact();
  });
  const answer = await one.api.patch(sluice(), { method: "random" }, { "If-Match": String(etag) });
  assert.deepEqual([answer.status, answer.body.error.code], [503, "ClusterUnavailable"]);
  assert.match(answer.body.error.text, /outcome unknown/);
  const { app } = await waitForEqual([one, two]);
  assert.equal(app.method, "random");
});

test("a write without a condition succeeds although the watch is late", async (context) => {
  const { proxy, one, two } = await startBoth(context);
  const { etag } = (await one.api.get(sluice())).headers;
  proxy.holdWatches();
  for (const number of [2, 4, 6]) {
    await two.api.expect(201, "POST", serversOf(), { server: someAddress(number) });
    await one.api.expect(201, "POST", serversOf(), { server: someAddress(number + 1) });
  }
  const answer = await one.api.patch(sluice(), { method: "random" }, { "If-Match": String(etag) });
  assert.equal(answer.status, 412, "a write with an outdated condition is refused");
  proxy.letWatchesGo();
  const { app } = await waitForEqual([one, two]);
  assert.deepEqual(
    app.servers.map(({ server }) => server),
    [1, 2, 3, 4, 5, 6, 7].map((number) => someAddress(number)),
  );
});

test("a write is answered 503 until the gateway has learned that the upstream was deleted", async (context) => {
  const { proxy, one, two } = await startBoth(context);
  proxy.holdWatches();
  await two.api.expect(204, "DELETE", sluice());
  const answer = await one.api.post(serversOf(), { server: someAddress(2) });
  assert.deepEqual([answer.status, answer.body.error.code], [503, "ClusterUnavailable"]);
  proxy.letWatchesGo();
  await waitForState(one, "ok");
  assert.deepEqual(await waitForEqual([one, two]), {});
});
