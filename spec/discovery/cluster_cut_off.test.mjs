/** A gateway that is cut off from etcd accepts no renewal, because no other gateway would learn of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSetup, startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { startEtcdProxy } from "../gateway/support/etcd_proxy.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

test("a renewal at a gateway that is cut off from etcd is answered 503, and the server stays", async (context) => {
  const etcd = await startEtcd(context);
  const proxy = await startEtcdProxy(context, etcd);
  const [one] = await startCluster(context, etcd, 1, { setup: clusterSetup([proxy.url]) });
  const [two] = await startCluster(context, etcd, 1);
  await one.api.expect(201, "PUT", sluice(), { servers: [] });
  await waitForEqual([one, two]);
  const body = { server: someAddress(1), ttl: "60s" };
  await one.api.expect(201, "PUT", nodeOf("n"), body);
  await waitForEqual([one, two]);
  await one.api.expect(200, "PUT", nodeOf("n"), body);
  proxy.refuse();
  const refused = await waitFor("a renewal is refused", async () => {
    const answer = await one.api.put(nodeOf("n"), body);
    return answer.status !== 200 && answer;
  });
  assert.deepEqual([refused.status, refused.body.error.code], [503, "ClusterUnavailable"]);
  assert.match(refused.body.error.text, /another gateway/);
  assert.equal((await one.api.expect(200, "GET", serversOf())).length, 1, "the server stays");
  await two.api.expect(200, "PUT", nodeOf("n"), body);
  proxy.accept();
  await waitFor("renewals are accepted again", async () => {
    return (await one.api.put(nodeOf("n"), body)).status === 200;
  });
  await waitForEqual([one, two]);
});
