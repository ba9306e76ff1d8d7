/** One etcd feeds many upstreams, which appear and disappear with their keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import {
  namesOf,
  STATE,
  startTemplate,
  stateOf,
  upstreamOf,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const serversAt = (/** @type {string[]} */ ...addresses) => addresses.map((server) => ({ server }));

/** Returns the option `discovery` for an etcd. @param {import("../gateway/support/registries/etcd.mjs").Etcd} etcd */
const templateFor = (etcd, more = {}) => ({
  etcd: { endpoints: etcd.members.map(({ url }) => url), prefix: "/upstreams/{name}/" },
  ...more,
});

test("upstreams appear with their keys, change with them, and disappear with them", async (context) => {
  const [one, two, three] = await startBackends(context, 3);
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(one.address), "app");
  const upstream = { method: "least_conn", health_check: { interval: "1s" }, owner: "etcd" };
  const gateway = await startTemplate(context, templateFor(etcd, { upstream }));
  await waitForNames(gateway, ["app"]);
  await waitForServers(gateway, [one.address]);
  const { discovery, ...settings } = await upstreamOf(gateway, "app");
  assert.equal(settings.method, "least_conn");
  assert.equal(settings.health_check.interval, "1s");
  assert.equal(settings.owner, "etcd");
  assert.deepEqual(discovery, {
    template: { source: "etcd" },
    max_removal_percent: 50,
    removal_confirmations: 3,
  });
  assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/to/app`)).headers.get("x-backend"), one.id);

  await etcd.set([{ server: two.address, weight: 5 }, { server: three.address }], "cart");
  await waitForNames(gateway, ["app", "cart"]);
  await waitForServers(gateway, [two.address, three.address], undefined, "cart");
  const { servers } = await upstreamOf(gateway, "cart");
  assert.equal(servers.find(({ server }) => server === two.address).weight, 5);
  assert.ok(servers.every(({ source }) => source === "discovery"));
  assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/to/cart`)).status, 200);

  await etcd.set(serversAt(two.address), "cart");
  await waitForServers(gateway, [two.address], undefined, "cart");
  await etcd.set([], "cart");
  await waitForNames(gateway, ["app"]);
  const state = await waitForTemplate(gateway, "nothing waits", ({ pending }) => pending === undefined);
  assert.equal(state.state, "ok");
  assert.equal(state.source, "etcd");
  assert.equal(state.upstreams, 1);
  assert.equal(state.skipped_count, 0);
  assert.match(state.revision, /^\d+$/);
});
