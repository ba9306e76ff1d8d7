/** How long the texts of a registry are that its state shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { startTemplate, templateFor, waitForTemplate } from "../gateway/support/templates.mjs";

test("long keys are cut in the state of the registry", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.put(`/upstreams/${"long".repeat(2000)}/10.0.0.1:80`, "");
  await etcd.put("/upstreams/app/10.0.0.1:80", "");
  const gateway = await startTemplate(context, templateFor(etcd));
  const { skipped } = await waitForTemplate(gateway, "one is skipped", (state) => state.skipped_count === 1);
  assert.equal(skipped[0].entry.length, 203);
});
