/** A gateway that returns does not call the webhook for a decision that another gateway has replaced. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { SECRET, startReceiver } from "./support/receiver.mjs";
import { explain, LOOK, report, WATER } from "./support/scaled.mjs";

/** Writes the upstream with another decision to etcd, as another gateway does. */
async function decideElsewhere(etcd) {
  const { kvs } = await etcd.call("/v3/kv/range", { key: Buffer.from("/sluice/app").toString("base64") });
  const [shared, rest] = Buffer.from(kvs[0].value, "base64").toString().split("\n");
  const value = JSON.parse(shared);
  const scaling = { id: "app-of-another", time: Math.floor(Date.now() / 1000) };
  await etcd.put("/sluice/app", `${JSON.stringify({ ...value, scaling })}\n${rest}`);
}

test("a gateway that returns reads etcd before it calls the webhook", async (context) => {
  const receiver = await startReceiver(context);
  receiver.manner = "status 500";
  const backends = await startBackends(context, 2);
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2);
  const [one, two] = gateways;
  await one.api.expect(201, "PUT", sluice(), {
    load: LOOK,
    autoscale: { ...WATER, cooldown: "1h", webhook: { url: receiver.url, secret: SECRET } },
    servers: backends.map(({ address }, index) => ({ server: address, standby: index > 0 })),
  });
  await waitForEqual(gateways);
  await report(one.api, [0.9]);
  await waitFor("the webhook is called", () => receiver.calls.length > 0);
  await one.killAll();
  await decideElsewhere(etcd);
  await waitFor("the other gateway knows", async () => (await two.api.get(sluice())).status === 200);
  receiver.manner = "ok";
  const { length } = receiver.calls;
  await etcd.stop("SIGKILL");
  await one.start();
  await waitForState(one, "failing");
  assert.equal(receiver.calls.length, length, "without etcd there is no call");
  await etcd.start();
  await waitFor(
    "the call is dropped",
    async () => (await explain(one.api)).autoscale.call === undefined,
    40_000,
  );
  assert.equal(receiver.calls.length, length, "there is no call for a decision that was replaced");
  await waitForEqual(gateways);
});
