/** The options of load in a cluster: each gateway has them as they were written to another one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { postChanges, revisionOf, ROLLBACK } from "../gateway/support/changes.mjs";
import { startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { LOAD_OPTIONS, partsOf } from "../gateway/support/load_options.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** @param {Record<string, any>} upstreams as a gateway shows them */
const assertAll = (upstreams) => assert.deepEqual(partsOf(upstreams, LOAD_OPTIONS), LOAD_OPTIONS);

test("each option reaches the other gateway, comes back after a change there, and outlives a restart of all", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2, { upstreams: {} });
  const [one, two] = gateways;
  for (const [name, upstream] of Object.entries(LOAD_OPTIONS))
    await one.api.expect(201, "PUT", sluice(name), upstream);
  assertAll(await waitForEqual(gateways));

  await two.api.expect(200, "PATCH", sluice("limits"), { adaptive_limit: { max: 5 } });
  await two.api.expect(200, "PATCH", `${serversOf("limits")}/0`, { max_conns: 3 });
  const { limits } = await waitForEqual(gateways);
  assert.deepEqual(limits.adaptive_limit, { min: 1, max: 5, tolerance: 1.5 });
  assert.equal(limits.servers[0].max_conns, 3);
  await postChanges(two.api, { upstreams: LOAD_OPTIONS });
  assertAll(await waitForEqual(gateways));

  for (const gateway of gateways) await gateway.killAll();
  for (const gateway of gateways) await gateway.start();
  for (const gateway of gateways) await waitForState(gateway, "ok");
  assertAll(await waitForEqual(gateways));
});

test("a rollback on one gateway brings each option back on both", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2, { upstreams: {} });
  const [one, two] = gateways;
  await postChanges(one.api, { upstreams: LOAD_OPTIONS });
  assertAll(await waitForEqual(gateways));
  const to = await revisionOf(one.api);
  const bare = Object.fromEntries(Object.keys(LOAD_OPTIONS).map((name) => [name, { servers: [] }]));
  await postChanges(one.api, { upstreams: bare });
  const { limits } = await waitForEqual(gateways);
  assert.equal(limits.adaptive_limit, undefined);
  await one.api.expect(200, "POST", ROLLBACK, { to });
  assertAll(await waitForEqual(gateways));
  await waitFor("the other gateway limits by the options again", async () => {
    const { servers } = await two.api.expect(200, "GET", `${sluice("limits")}/status`);
    return servers[0].limit?.max_conns === 20;
  });
});
