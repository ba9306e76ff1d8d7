/** The data of the gateways wins over an etcd with older data or without data. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const servers = [{ server: someAddress(1) }];

test("a restore of etcd from a backup undoes no acknowledged change", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2);
  const [one, two] = gateways;
  for (const name of ["app", "old"]) await one.api.expect(201, "PUT", sluice(name), { servers });
  await waitForEqual(gateways);
  const [member] = etcd.members;
  await etcd.stop();
  cpSync(member.data, `${member.data}.copy`, { recursive: true });
  await etcd.start();
  for (const gateway of gateways) await waitForState(gateway, "ok");
  await waitFor("a change is accepted", async () => {
    return (await two.api.patch(sluice(), { method: "random" })).status === 200;
  });
  await two.api.expect(204, "DELETE", sluice("old"));
  await two.api.expect(201, "PUT", sluice("new"), { servers });
  await waitForEqual(gateways);

  await etcd.stop("SIGKILL");
  member.wipe();
  cpSync(`${member.data}.copy`, member.data, { recursive: true });
  await etcd.start();
  // Changes may be refused until the gateways have read the restored etcd.
  await waitFor("a change is accepted", async () => {
    return (await one.api.put(sluice("last"), { servers: [] })).status === 201;
  });
  for (const gateway of gateways) await waitForState(gateway, "ok");
  const all = await waitForEqual(gateways);
  assert.deepEqual(Object.keys(all), ["app", "last", "new"]);
  assert.equal(all.app.method, "random");
});

test("a seed of the first gateway after a loss of data replaces no shared version", async (context) => {
  const etcd = await startEtcd(context);
  const [one] = await startCluster(context, etcd, 1);
  await one.api.expect(201, "PUT", sluice(), { method: "random", servers });
  await one.stop();
  await etcd.stop("SIGKILL");
  etcd.members[0].wipe();
  await etcd.start();
  const seed = { app: { method: "round_robin", servers: [{ server: someAddress(2) }] } };
  const [seeded] = await startCluster(context, etcd, 1, { upstreams: seed });
  await waitFor("the seed is there", async () => (await seeded.api.configuration()).includes(someAddress(2)));
  await one.start();
  await waitForState(one, "ok");
  const { app } = await waitForEqual([one, seeded]);
  assert.deepEqual([app.method, app.servers[0].server], ["random", someAddress(1)]);
});

test("etcd counts as complete only after a gateway has written all its upstreams", async (context) => {
  const etcd = await startEtcd(context);
  const names = ["a", "b", "c"];
  const upstreams = Object.fromEntries(names.map((name) => [name, { servers }]));
  await startCluster(context, etcd, 1, { upstreams });
  const base64 = (text) => Buffer.from(text).toString("base64");
  const { kvs } = await etcd.call("/v3/kv/range", { key: base64("/sluice/"), range_end: base64("/sluice0") });
  const revisions = new Map(
    kvs.map(({ key, mod_revision }) => [Buffer.from(key, "base64").toString(), Number(mod_revision)]),
  );
  const complete = revisions.get("/sluice/state/complete");
  assert.ok(complete > revisions.get("/sluice/state/history"));
  for (const name of names) assert.ok(complete > revisions.get(`/sluice/${name}`), name);
});

test("a seed that the cluster has deleted does not come back with a new gateway", async (context) => {
  const etcd = await startEtcd(context);
  const [one] = await startCluster(context, etcd, 1);
  for (const name of ["app", "other"]) await one.api.expect(201, "PUT", sluice(name), { servers });
  await one.api.expect(204, "DELETE", sluice());
  const [seeded] = await startCluster(context, etcd, 1, { upstreams: { app: { servers } } });
  const all = await waitForEqual([one, seeded]);
  assert.deepEqual(Object.keys(all), ["other"]);
});
