/** Splits that gateways of a cluster share, also those that no single gateway would accept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { noneIsLeft } from "../gateway/support/faults.mjs";
import { ask } from "../gateway/support/load.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** @param {Record<string, number>} weights */
const splitOf = (weights) => ({
  split: { members: Object.entries(weights).map(([upstream, weight]) => ({ upstream, weight })) },
});

/** @param {object} settings */
const stored = (settings) => JSON.stringify({ method: "round_robin", ...settings, next_id: 0, servers: [] });

test("a split and its weights reach the other gateway, which protects its members", async (context) => {
  const backends = await startBackends(context, 2);
  const [first, second] = backends;
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  for (const [name, { address }] of [
    ["v1", first],
    ["v2", second],
  ])
    await one.api.expect(201, "PUT", sluice(name), { servers: [{ server: address }] });
  await one.api.expect(201, "PUT", sluice(), splitOf({ v1: 1, v2: 0 }));
  await waitForEqual([one, two]);
  assert.equal((await ask(two.port)).text, first.id);
  assert.equal((await two.api.expect(409, "DELETE", sluice("v2"))).error.code, "UpstreamInSplit");
  await one.api.expect(200, "PATCH", sluice(), splitOf({ v1: 0, v2: 0.5 }));
  await waitForEqual([one, two]);
  assert.equal((await ask(two.port)).text, second.id);
});

test("members that are missing, and a loop, which gateways at odds can make, cost only their share", async (context) => {
  const [backend] = await startBackends(context, 1);
  const etcd = await startEtcd(context);
  const [one] = await startCluster(context, etcd, 1, { workers: 1 });
  one.log.allow(noneIsLeft);
  const { api, port } = one;
  await api.expect(201, "PUT", sluice("v1"), { servers: [{ server: backend.address }] });
  await etcd.put("/sluice/loop", stored(splitOf({ circle: 1 })));
  await etcd.put("/sluice/circle", stored(splitOf({ loop: 1, circle: 2 })));
  await etcd.put("/sluice/app", stored(splitOf({ loop: 5, gone: 5, v1: 1 })));
  await waitFor("the split has arrived", async () => (await api.get(sluice())).status === 200);
  for (let turn = 0; turn < 50; turn += 1) assert.equal((await ask(port)).text, backend.id);
  const began = performance.now();
  assert.equal((await ask(port, "/to/loop")).status, 502);
  assert.ok(performance.now() - began < 1000);
  const warnings = (pattern) => one.log.entries("warn").filter((line) => pattern.test(line)).length;
  assert.equal(warnings(/upstream "app": its member "gone" does not exist/), 1);
  assert.ok(warnings(/its member "(loop|circle)" leads back to it/) >= 1);
  // Other changes of the split are possible, and the missing member may go.
  const { split } = await api.expect(200, "GET", sluice());
  await api.expect(400, "PATCH", sluice(), { split: { members: [...split.members, { upstream: "none" }] } });
  await api.expect(200, "PATCH", sluice(), splitOf({ gone: 5, v1: 2 }));
  await api.expect(200, "PATCH", sluice("circle"), splitOf({ v1: 1 }));
  await api.expect(200, "PATCH", sluice("loop"), splitOf({ circle: 1 }));
  assert.equal((await ask(port, "/to/loop")).text, backend.id);
});
