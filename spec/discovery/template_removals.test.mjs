/** Which upstreams of a registry are deleted, and which are kept whatever the registry answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterSetup } from "../gateway/support/cluster.mjs";
import { containerOf, startDocker } from "../gateway/support/registries/docker.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import {
  namesOf,
  startTemplate,
  stateOf,
  templateFor,
  upstreamOf,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const NAMES = ["a", "b", "c", "d", "e"];

/** Gives each upstream one server in etcd. */
const putAll = (etcd, names = NAMES) =>
  etcd.putAll(names.map((name, number) => [`/upstreams/${name}/${someAddress(number)}`, ""]));

/** Returns a container with one server of an upstream. */
const containerAt = (name, number) =>
  containerOf(
    `c-${name}`,
    { [`sluice.http.upstreams.${name}.port`]: "80" },
    { front: `10.0.0.${number + 1}` },
  );

test("an empty answer deletes nothing, also beside an upstream with a server of others", async (context) => {
  const etcd = await startEtcd(context);
  await putAll(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { removal_confirmations: 1 }));
  await waitForNames(gateway, NAMES);
  await gateway.api.expect(201, "POST", serversOf("a"), { server: "10.0.0.99:80" });
  await etcd.removeBelow("/upstreams/");
  const { pending } = await waitForTemplate(gateway, "4 wait", (state) => state.pending?.count === 4);
  assert.match(pending.reason, /would delete all upstreams, so they are kept/);
  // Several answers follow, each of which could delete something.
  await sleep(3000);
  assert.deepEqual(await namesOf(gateway), NAMES);
});

test("nothing is deleted before the first answer after a reload", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers(NAMES.map(containerAt));
  const config = { docker: { endpoint: docker.endpoint }, max_removal_percent: 100 };
  const gateway = await startTemplate(context, config, { workers: 1 });
  await waitForNames(gateway, NAMES);
  await gateway.api.expect(201, "POST", serversOf("a"), { server: "10.0.0.99:80" });
  await docker.change({ fault: { list: [500, '{"message":"busy"}'] } });
  await gateway.reload();
  await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
  await sleep(1500);
  assert.deepEqual(await namesOf(gateway), NAMES);
  assert.equal((await stateOf(gateway)).pending, undefined);
});

test("a gateway of a cluster does not delete what only another one's registry has", async (context) => {
  const etcd = await startEtcd(context);
  const setup = clusterSetup(etcd.members.map(({ url }) => url));
  const { etcd: place } = templateFor(etcd);
  const at = (prefix) => ({ etcd: { ...place, prefix }, max_removal_percent: 100 });
  await etcd.put(`/one/a/${someAddress(1)}`, "");
  await etcd.put(`/one/b/${someAddress(2)}`, "");
  await etcd.put(`/other/c/${someAddress(3)}`, "");
  const one = await startTemplate(context, at("/one/{name}/"), { setup });
  const other = await startTemplate(context, at("/other/{name}/"), { setup });
  for (const gateway of [one, other]) await waitForNames(gateway, ["a", "b", "c"]);
  const { skipped } = await waitForTemplate(other, "2 are kept", (state) => state.skipped_count === 2);
  assert.match(skipped[0].reason, /another gateway of the cluster/);
  await etcd.removeBelow("/one/b/");
  for (const gateway of [one, other]) await waitForNames(gateway, ["a", "c"]);
  await sleep(2000);
  for (const gateway of [one, other]) assert.deepEqual(await namesOf(gateway), ["a", "c"]);
});

test("an upstream that cannot be deleted does not keep the others", async (context) => {
  const etcd = await startEtcd(context);
  await putAll(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { max_removal_percent: 100 }));
  await waitForNames(gateway, NAMES);
  const split = { members: [{ upstream: "a" }, { upstream: "e" }] };
  await gateway.api.expect(201, "PUT", sluice("whole"), { servers: [], split });
  for (const name of ["a", "b", "c"]) await etcd.removeBelow(`/upstreams/${name}/`);
  await waitForNames(gateway, ["a", "d", "e", "whole"]);
  const state = await waitForTemplate(gateway, "one is skipped", ({ skipped_count }) => skipped_count === 1);
  assert.equal(state.skipped[0].entry, "a");
  assert.match(state.skipped[0].reason, /whole/);
  assert.equal(state.state, "ok");
  assert.equal(state.pending, undefined);
  await gateway.api.expect(204, "DELETE", sluice("whole"));
  await waitForNames(gateway, ["d", "e"]);
});

test("another registry in setup takes over what it has, and deletes nothing of the earlier one", async (context) => {
  const etcd = await startEtcd(context);
  const docker = await startDocker(context);
  await putAll(etcd);
  await docker.setContainers([containerAt("a", 0), containerAt("f", 7)]);
  const more = { removal_confirmations: 1, max_removal_percent: 100 };
  const gateway = await startTemplate(context, templateFor(etcd, more), { workers: 1 });
  await waitForNames(gateway, NAMES);
  await waitForTemplate(gateway, "it has a revision", ({ revision }) => revision !== undefined);
  gateway.configure({ setup: { discovery: { docker: { endpoint: docker.endpoint }, ...more } } });
  await gateway.reload();
  await waitForNames(gateway, [...NAMES, "f"]);
  const state = await waitForTemplate(gateway, "4 are kept", ({ skipped_count }) => skipped_count === 4);
  assert.match(state.skipped[0].reason, /another registry has made this upstream/);
  assert.equal(state.revision, undefined, "nothing of the earlier registry is shown");
  assert.equal(state.pending, undefined);
  await waitFor("it is taken over", async () => {
    const { discovery } = await upstreamOf(gateway, "a");
    return discovery.template.source === "docker";
  });
  assert.equal((await upstreamOf(gateway, "b")).discovery.template.source, "etcd");
  await docker.setContainers([containerAt("f", 7)]);
  await waitForNames(gateway, ["b", "c", "d", "e", "f"]);
  await gateway.api.expect(204, "DELETE", sluice("b"));
  await waitForTemplate(gateway, "3 are kept", ({ skipped_count }) => skipped_count === 3);
});
