/** A watch that ends without events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSetup, startCluster, waitForState } from "../gateway/support/cluster.mjs";
import { startEtcdProxy } from "../gateway/support/etcd_proxy.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

test("a gateway whose watch ends immediately lists again after increasing pauses", async (context) => {
  const etcd = await startEtcd(context);
  const proxy = await startEtcdProxy(context, etcd);
  const [gateway] = await startCluster(context, etcd, 1, { setup: clusterSetup([proxy.url]) });
  proxy.endWatches();
  const before = proxy.watches;
  const started = performance.now();
  await waitFor("the gateway has tried several times", () => proxy.watches >= before + 8);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds > 2, `8 attempts in ${seconds} s`);
  proxy.letWatchesLast();
  await waitForState(gateway, "ok");
});
