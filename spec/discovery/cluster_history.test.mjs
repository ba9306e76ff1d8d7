/**
 * An etcd that lost its data begins a new history, and revisions of different histories are never compared.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSetup, startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { startEtcdProxy } from "../gateway/support/etcd_proxy.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** Returns an upstream's ETag and the revision in it. */
async function tagOf({ api }) {
  const etag = String((await api.get(sluice())).headers.etag);
  return { etag, revision: Number(/(\d+)"$/.exec(etag)?.[1]) };
}

/** Makes etcd lose all its data. */
async function lose(etcd) {
  await etcd.stop("SIGKILL");
  for (const member of etcd.members) member.wipe();
  await etcd.start();
}

/**
 * Waits until changes are accepted again after etcd has lost its data. Until then each change must be refused
 * with 503.
 */
function waitForWrites({ api }) {
  return waitFor("changes are accepted", async () => {
    const answer = await api.put(sluice("other"), { servers: [] });
    if (answer.status === 503) assert.equal(answer.body.error.code, "ClusterUnavailable");
    return answer.status === 201;
  });
}

/** Starts gateways that reach etcd through separate proxies. */
async function startApart(context, etcd, count) {
  const all = [];
  for (let number = 0; number < count; number += 1) {
    const proxy = await startEtcdProxy(context, etcd);
    const [gateway] = await startCluster(context, etcd, 1, { setup: clusterSetup([proxy.url]) });
    all.push({ gateway, proxy });
  }
  return all;
}

test("the same revision of another history is not treated as equal", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  for (let weight = 2; weight < 8; weight += 1)
    await one.api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
  await waitForEqual([one, two]);
  const before = await tagOf(two);
  await two.stop();
  await lose(etcd);
  await waitForWrites(one);
  await one.api.expect(201, "POST", serversOf(), { server: someAddress(2) });
  for (let weight = 20; (await tagOf(one)).revision < before.revision; weight += 1)
    await one.api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
  const after = await tagOf(one);
  assert.equal(after.revision, before.revision);
  assert.notEqual(after.etag, before.etag);
  await two.start();
  const { app } = await waitForEqual([one, two]);
  assert.equal(app.servers.length, 2);
  assert.equal((await tagOf(two)).etag, after.etag);
  const answer = await two.api.patch(sluice(), { method: "random" }, { "If-Match": before.etag });
  assert.equal(answer.status, 412, answer.text);
  await waitFor("the same change with the current tag is made", async () => {
    return (await two.api.patch(sluice(), { method: "random" }, { "If-Match": after.etag })).status === 200;
  });
});

test("after a loss of data the newest version of each upstream wins, whichever gateway returns first", async (context) => {
  const etcd = await startEtcd(context);
  const all = await startApart(context, etcd, 3);
  const gateways = all.map(({ gateway }) => gateway);
  const [one, two] = gateways;
  for (const name of ["app", "old"])
    await one.api.expect(201, "PUT", sluice(name), { servers: [{ server: someAddress(1) }] });
  await waitForEqual(gateways);
  all[0].proxy.refuse();
  await waitForState(one, "failing");
  await two.api.expect(201, "PUT", sluice("new"), { servers: [{ server: someAddress(2) }] });
  await two.api.expect(200, "PATCH", sluice(), { method: "random" });
  await two.api.expect(204, "DELETE", sluice("old"));
  await waitForEqual(gateways.slice(1));
  for (const { proxy } of all.slice(1)) proxy.refuse();
  await lose(etcd);
  all[0].proxy.accept();
  await waitForState(one, "ok");
  for (const { proxy } of all.slice(1)) proxy.accept();
  const isRight = async ({ api }) => {
    const known = JSON.parse(await api.configuration());
    return Object.keys(known).join() === "app,new" && known.app.method === "random";
  };
  for (const gateway of gateways)
    await waitFor("the acknowledged changes are applied", () => isRight(gateway));
  for (const gateway of gateways) await waitForState(gateway, "ok");
  await waitForEqual(gateways);
  await waitForWrites(one);
  await waitForEqual(gateways);
});

test("an upstream that was deleted after a loss of data does not come back with a gateway that was stopped", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  for (const name of ["app", "old"])
    await one.api.expect(201, "PUT", sluice(name), { servers: [{ server: someAddress(1) }] });
  await waitForEqual([one, two]);
  await two.stop();
  await lose(etcd);
  await waitForWrites(one);
  await one.api.expect(204, "DELETE", sluice("old"));
  await two.start();
  await waitForState(two, "ok");
  assert.deepEqual(Object.keys(await waitForEqual([one, two])), ["app", "other"]);
});

test("a record of an earlier deletion that is put back first does not replace the record of a later deletion", async (context) => {
  const etcd = await startEtcd(context);
  const all = await startApart(context, etcd, 2);
  const [one, two] = all.map(({ gateway }) => gateway);
  const old = { servers: [{ server: someAddress(1) }] };
  await one.api.expect(201, "PUT", sluice("old"), old);
  await one.api.expect(204, "DELETE", sluice("old"));
  await one.api.expect(201, "PUT", sluice("old"), old);
  await waitForEqual([one, two]);
  all[0].proxy.refuse();
  await waitForState(one, "failing");
  await two.api.expect(204, "DELETE", sluice("old"));
  all[1].proxy.refuse();
  await lose(etcd);
  all[0].proxy.accept();
  await waitForState(one, "ok");
  all[1].proxy.accept();
  for (const { api } of [one, two])
    await waitFor("the upstream is deleted", async () => (await api.get(sluice("old"))).status === 404);
});

test("data of an earlier version is taken over and marked with a history", async (context) => {
  const etcd = await startEtcd(context);
  const shared = { method: "round_robin", next_id: 1, servers: [{ id: 0, server: someAddress(1) }] };
  await etcd.put("/sluice/state/complete", "yes");
  await etcd.put("/sluice/app", `${JSON.stringify(shared)}\n123 1 1000000001.123 0.123456789`);
  const gateways = await startCluster(context, etcd, 2);
  const { app } = await waitForEqual(gateways);
  assert.equal(app.servers[0].server, someAddress(1));
  assert.match((await tagOf(gateways[0])).etag, /^"c[0-9a-f]{16}-\d+"$/);
  await gateways[1].api.expect(201, "POST", serversOf(), { server: someAddress(2) });
  await waitForEqual(gateways);
});
