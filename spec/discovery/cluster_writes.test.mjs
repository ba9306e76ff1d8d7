/** Simultaneous writes through several gateways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";

test("500 writes through two gateways while a member of etcd dies: both gateways are equal afterwards and no write is lost", async (context) => {
  const etcd = await startEtcd(context, { members: 3 });
  const gateways = await startCluster(context, etcd, 2);
  await gateways[0].api.expect(201, "PUT", sluice(), { servers: [] });
  await waitForEqual(gateways);
  /** @type {Map<number, number>} */
  const outcomes = new Map();
  const added = [];
  const writer = async ({ api }, first) => {
    for (let number = first; number < first + 250; number += 1) {
      const server = someAddress(number);
      const answer = await api.post(serversOf(), { server });
      outcomes.set(answer.status, (outcomes.get(answer.status) ?? 0) + 1);
      if (answer.status === 201) added.push(server);
      else assert.ok([412, 503].includes(answer.status), answer.text);
    }
  };
  const killer = sleep(700).then(() => etcd.members[0].stop("SIGKILL"));
  await Promise.all([writer(gateways[0], 0), writer(gateways[1], 1000), killer]);
  const { app } = await waitForEqual(gateways);
  const there = new Set(app.servers.map(({ server }) => server));
  assert.deepEqual(
    added.filter((server) => !there.has(server)),
    [],
    "acknowledged and lost",
  );
  const key = Buffer.from("/sluice/app").toString("base64");
  const { kvs } = await etcd.call("/v3/kv/range", { key });
  const stored = JSON.parse(Buffer.from(kvs[0].value, "base64").toString().split("\n")[0]);
  assert.equal(stored.servers.length, app.servers.length);
  context.diagnostic(`outcomes: ${JSON.stringify([...outcomes])}`);
  assert.ok((outcomes.get(201) ?? 0) >= 450, "most writes succeed");
});
