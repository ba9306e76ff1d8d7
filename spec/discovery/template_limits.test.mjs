/** What bounds the state of a registry and its upstreams: the length of texts, and the shared dict. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import {
  namesOf,
  startTemplate,
  templateFor,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";

/** More than fit into the dict, and the number that a transaction of etcd may put. */
const UPSTREAMS = 1200;
const AT_ONCE = 100;

test("long keys are cut in the state of the registry", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.put(`/upstreams/${"long".repeat(2000)}/10.0.0.1:80`, "");
  await etcd.put("/upstreams/app/10.0.0.1:80", "");
  const gateway = await startTemplate(context, templateFor(etcd));
  const { skipped } = await waitForTemplate(gateway, "one is skipped", (state) => state.skipped_count === 1);
  assert.equal(skipped[0].entry.length, 203);
});

test("a full shared dict shows in the state of the registry, and no upstream that exists is lost", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.put("/upstreams/app/10.0.0.1:80", "");
  const gateway = await startTemplate(context, templateFor(etcd), { dict: "256k" });
  await waitForNames(gateway, ["app"]);
  gateway.log.allow(/./);
  for (let first = 0; first < UPSTREAMS; first += AT_ONCE) {
    const names = Array.from({ length: AT_ONCE }, (_, number) => `u${first + number}`);
    await etcd.putAll(names.map((name) => [`/upstreams/${name}/10.0.0.1:80`, ""]));
  }
  const { error, upstreams } = await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
  assert.match(error, /lua_shared_dict|shared dict|full|no room|memory/);
  assert.ok(upstreams > 10 && upstreams < UPSTREAMS, `${upstreams} upstreams`);
  const names = await namesOf(gateway);
  assert.ok(names.includes("app") && names.length > 10, `${names.length} upstreams exist`);
});
