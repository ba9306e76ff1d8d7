/** The prefix of keys in etcd ends at a separator, so keys below /pp-x are not below /pp. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSetup, startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { startDiscovery, waitForServers } from "../gateway/support/discovery.mjs";
import { startConsulKv } from "../gateway/support/registries/consul.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { sluice, someAddress } from "../gateway/support/upstreams.mjs";

test("clusters with the prefixes /pp and /pp-x do not share upstreams", async (context) => {
  const etcd = await startEtcd(context);
  const start = async (prefix) => {
    const setup = clusterSetup([etcd.members[0].url], { prefix });
    return startCluster(context, etcd, 2, { setup });
  };
  const short = await start("/pp");
  const long = await start("/pp-x");
  await long[0].api.expect(201, "PUT", sluice("long"), { servers: [{ server: someAddress(1) }] });
  await short[0].api.expect(201, "PUT", sluice("short"), { servers: [{ server: someAddress(2) }] });
  assert.deepEqual(Object.keys(await waitForEqual(long)), ["long"]);
  assert.deepEqual(Object.keys(await waitForEqual(short)), ["short"]);
});

test("an upstream that follows /upstreams/app in etcd receives no servers of /upstreams/app-2", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.put(`/upstreams/app-2/${someAddress(2)}`, "{}");
  await etcd.put(`/upstreams/app/${someAddress(1)}`, "{}");
  const place = etcd.discovery().etcd;
  const discovery = () => ({ etcd: { ...place, prefix: "/upstreams/app" } });
  const { gateway } = await startDiscovery(context, { discovery }, { traffic: false });
  await waitForServers(gateway, [someAddress(1)]);
  await etcd.put(`/upstreams/app-2/${someAddress(3)}`, "{}");
  await etcd.put(`/upstreams/app/${someAddress(4)}`, "{}");
  await waitForServers(gateway, [someAddress(1), someAddress(4)]);
});

test("an upstream that follows upstreams/app in Consul receives no servers of upstreams/app-2", async (context) => {
  const consul = await startConsulKv(context);
  await consul.setKeys({
    [`upstreams/app/${someAddress(1)}`]: "{}",
    [`upstreams/app-2/${someAddress(2)}`]: "{}",
  });
  const discovery = () => consul.discovery({ prefix: "upstreams/app" });
  const { gateway } = await startDiscovery(context, { discovery }, { traffic: false });
  await waitForServers(gateway, [someAddress(1)]);
});
