/** Invalid data below the prefix of a cluster is reported and never applied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf, startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** @type {Record<string, string>} */
const junk = {
  "no JSON": "junk",
  "a negative next_id": '{"method":"round_robin","next_id":-5,"servers":[]}',
  "a huge next_id": '{"method":"round_robin","next_id":1e308,"servers":[]}',
  "servers that are an object": '{"method":"round_robin","next_id":1,"servers":{"a":1}}',
  "a server that is none": '{"method":"round_robin","next_id":1,"servers":[{"id":0,"server":"here"}]}',
  "an unknown setting": '{"method":"round_robin","colour":"red","next_id":0,"servers":[]}',
};

test("a value that is not an upstream is reported and not applied, and the next change replaces it", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2);
  const [one, two] = gateways;
  await one.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  await waitForEqual(gateways);
  for (const [number, [what, value]] of Object.entries(junk).entries()) {
    const before = await one.api.configuration();
    await etcd.put("/sluice/app", value);
    for (const gateway of gateways) {
      await waitForState(gateway, "degraded");
      const { problems, problem_count } = await clusterOf(gateway);
      assert.deepEqual([problems[0].upstream, problem_count], ["app", 1], what);
      assert.match(problems[0].error, /no upstream/);
      assert.equal(await gateway.api.configuration(), before, what);
    }
    await two.api.expect(201, "POST", serversOf(), { server: someAddress(10 + number) });
    for (const gateway of gateways) await waitForState(gateway, "ok");
    const { app } = await waitForEqual(gateways);
    assert.equal(app.servers.length, 2 + number, what);
  }
  await etcd.put("/sluice/app", "junk");
  await waitForState(one, "degraded");
  await one.stop();
  await one.start();
  await waitForState(one, "degraded");
  const { app } = await waitForEqual(gateways);
  await one.api.expect(200, "PUT", sluice(), app);
  for (const gateway of gateways) await waitForState(gateway, "ok");
});

test("an invalid value under the key of an unknown upstream creates no upstream, and can be replaced or deleted", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.put("/sluice/new", "junk");
  await etcd.put("/sluice/gone", "junk");
  const gateways = await startCluster(context, etcd, 2, {}, "degraded");
  for (const { api } of gateways) await api.expect(404, "GET", sluice("new"));
  await gateways[0].api.expect(201, "PUT", sluice("new"), { servers: [{ server: someAddress(1) }] });
  assert.deepEqual(Object.keys(await waitForEqual(gateways)), ["new"]);
  await etcd.remove("/sluice/gone");
  for (const gateway of gateways) await waitForState(gateway, "ok");
});

test("a renewal in etcd beyond the time that the registration allows extends nothing", async (context) => {
  const etcd = await startEtcd(context);
  const [{ api }, other] = await startCluster(context, etcd, 2);
  await api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  const { expires } = await api.expect(201, "PUT", nodeOf("n"), { server: someAddress(2), ttl: "60s" });
  for (const left of ["1e308", "-1", '"3"', "61"])
    await etcd.put("/sluice/renewals/other", `{"app":{"n":${left}},"none":1}`);
  await other.api.expect(201, "PUT", sluice("later"), { servers: [] });
  await waitFor("the earlier data is applied", async () => (await api.get(sluice("later"))).status === 200);
  assert.equal((await api.expect(200, "GET", nodeOf("n"))).expires, expires);
});
