/** One etcd feeds many upstreams, which appear and disappear with their keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { clusterSetup } from "../gateway/support/cluster.mjs";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import {
  namesOf,
  STATE,
  startTemplate,
  templateFor,
  stateOf,
  upstreamOf,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const serversAt = (/** @type {string[]} */ ...addresses) => addresses.map((server) => ({ server }));

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
  const state = await waitForTemplate(gateway, "one upstream is left", ({ upstreams }) => upstreams === 1);
  assert.equal(state.pending, undefined);
  assert.equal(state.state, "ok");
  assert.equal(state.source, "etcd");
  assert.equal(state.skipped_count, 0);
  assert.match(state.revision, /^\d+$/);
});

const MANY = Array.from({ length: 10 }, (_, number) => `u${number}`);

/** Gives each of ten upstreams one server. */
async function setMany(etcd) {
  await etcd.putAll(MANY.map((name, number) => [`/upstreams/${name}/${someAddress(number)}`, ""]));
}

/** Removes the keys of some upstreams in one revision. */
const removeMany = (etcd, names) => Promise.all(names.map((name) => etcd.removeBelow(`/upstreams/${name}/`)));

test("a change that would delete most upstreams waits, and is forgotten when the keys return", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { removal_confirmations: 1000 }));
  await waitForNames(gateway, MANY);
  await removeMany(etcd, MANY.slice(0, 8));
  const { pending } = await waitForTemplate(gateway, "8 wait", (state) => state.pending?.count === 8);
  assert.match(pending.reason, /would delete more than max_removal_percent of the upstreams/);
  assert.deepEqual(pending.upstreams, MANY.slice(0, 8));
  const { text } = await gateway.api.send("GET", "/api/metrics");
  for (const sample of ['up{source="etcd"} 1', 'upstreams{source="etcd"} 10', 'pending{source="etcd"} 8'])
    assert.ok(text.includes(`sluice_template_${sample}\n`), sample);
  assert.match(text, /sluice_discovery_up\{upstream="u1",source="etcd"\} 1/);
  const { problems } = await gateway.api.expect(200, "GET", "/api/sluice/1/status");
  assert.match(problems[0].reason, /discovery.etcd of setup has no entries of 8 upstreams/);
  await waitForTemplate(gateway, "answers are counted", (state) => state.pending?.confirmations > 2);
  assert.deepEqual(await namesOf(gateway), MANY);
  await waitForServers(gateway, [someAddress(0)], 0, "u0");
  const { state, pending: servers } = await discoveryOf(gateway.api, "u0");
  assert.equal(state, "ok");
  assert.deepEqual(servers.servers, [someAddress(0)]);
  await setMany(etcd);
  await waitForTemplate(gateway, "nothing waits", (found) => found.pending === undefined);
  assert.deepEqual(await namesOf(gateway), MANY);
});

test("equal answers confirm the deletion of most upstreams", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { removal_confirmations: 3 }));
  await waitForNames(gateway, MANY);
  await removeMany(etcd, MANY.slice(0, 8));
  const began = performance.now();
  await waitForNames(gateway, MANY.slice(8));
  assert.ok(performance.now() - began > 1500, "three answers, a second apart, have confirmed it");
});

test("an empty registry deletes nothing, and what it has given up can be deleted by hand", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { removal_confirmations: 1 }));
  await waitForNames(gateway, MANY);
  await etcd.removeBelow("/upstreams/");
  const { pending } = await waitForTemplate(gateway, "all wait", (state) => state.pending?.count === 10);
  assert.match(pending.reason, /would delete all upstreams, so they are kept/);
  // Several answers follow, each of which could delete something.
  await sleep(3000);
  assert.deepEqual(await namesOf(gateway), MANY);
  await waitForServers(gateway, [someAddress(3)], 0, "u3");
  await gateway.api.expect(204, "DELETE", sluice("u3"));
  await waitForTemplate(gateway, "9 are left", ({ upstreams }) => upstreams === 9);
  assert.equal((await gateway.api.get(sluice("u3"))).status, 404);
  await setMany(etcd);
  await waitForNames(gateway, MANY);
  await waitForTemplate(gateway, "nothing waits", (state) => state.pending === undefined);
});

test("an upstream without keys for a moment stays", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd));
  await waitForNames(gateway, MANY);
  const { headers } = await gateway.api.get(sluice("u1"));
  await etcd.set([], "u1");
  await waitForTemplate(gateway, "one waits", ({ pending }) => pending?.count === 1);
  await etcd.set(serversAt(someAddress(1)), "u1");
  await waitForTemplate(gateway, "nothing waits", ({ pending }) => pending === undefined);
  await waitFor(
    "the server is given again",
    async () => (await discoveryOf(gateway.api, "u1")).servers === 1,
  );
  const after = await gateway.api.get(sluice("u1"));
  assert.equal(after.body.servers[0].id, 0, "the server stays the same");
  assert.equal(after.headers.etag, headers.etag);
});

test("bad names and entries are skipped with their reasons, until they are good", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.putAll([
    ["/upstreams/good/10.0.0.1:80", ""],
    ["/upstreams/good/bad", "{not JSON"],
    ["/upstreams/bad/bad", "{not JSON"],
    ["/upstreams/a name/10.0.0.1:80", ""],
    ["/upstreams//10.0.0.1:80", ""],
    ["/upstreams/alone", "10.0.0.1:80"],
    [`/upstreams/${"long".repeat(40)}/10.0.0.1:80`, ""],
  ]);
  const gateway = await startTemplate(context, templateFor(etcd));
  const { skipped } = await waitForTemplate(gateway, "5 are skipped", (state) => state.skipped_count === 5);
  const reasonOf = (entry) => skipped.find((each) => each.entry === entry)?.reason;
  assert.match(reasonOf("bad"), /none of the registry's 1 entries can be used as a server: .*not JSON/);
  assert.match(reasonOf("/upstreams/a name/10.0.0.1:80"), /must contain only letters, digits/);
  assert.match(reasonOf("/upstreams//10.0.0.1:80"), /must be a non-empty string/);
  assert.match(reasonOf("/upstreams/alone"), /has no slash after its name/);
  assert.deepEqual(await namesOf(gateway), ["good"]);
  await waitFor("its own source skips one", async () => {
    return (await discoveryOf(gateway.api, "good")).skipped_count === 1;
  });
  await etcd.put("/upstreams/bad/bad", "10.0.0.2:80");
  await etcd.remove("/upstreams/a name/10.0.0.1:80");
  await waitForNames(gateway, ["bad", "good"]);
  await waitForTemplate(gateway, "3 are skipped", (state) => state.skipped_count === 3);
});

test("an upstream that others have made is left alone until they delete it", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(someAddress(1)), "app");
  const upstreams = { app: { servers: serversAt(someAddress(2)) } };
  const gateway = await startTemplate(context, templateFor(etcd), { upstreams });
  const { skipped } = await waitForTemplate(gateway, "it is skipped", (state) => state.skipped_count === 1);
  assert.equal(skipped[0].entry, "app");
  assert.match(skipped[0].reason, /exists, which the template has not made/);
  await waitForServers(gateway, [someAddress(2)], 0);
  await gateway.api.expect(204, "DELETE", sluice());
  await waitForNames(gateway, ["app"]);
  await waitForServers(gateway, [someAddress(1)]);
  await waitForTemplate(gateway, "nothing is skipped", (state) => state.skipped_count === 0);

  const handed = { servers: [], discovery: { template: { source: "etcd" } } };
  await gateway.api.expect(201, "PUT", sluice("mine"), { servers: serversAt(someAddress(3)) });
  await gateway.api.expect(200, "PUT", sluice("mine"), handed);
  await etcd.set(serversAt(someAddress(4)), "mine");
  await waitForServers(gateway, [someAddress(4)], undefined, "mine");
});

test("settings of clients stay, and PATCH makes an upstream independent", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(someAddress(1)), "app");
  await etcd.set(serversAt(someAddress(1)), "cart");
  const gateway = await startTemplate(context, templateFor(etcd));
  const { api } = gateway;
  await waitForNames(gateway, ["app", "cart"]);
  await waitFor("the source has answered", async () => (await discoveryOf(api)).servers === 1);
  await api.expect(200, "PATCH", sluice(), { method: "random", queue: { size: 7 } });
  await etcd.set(serversAt(someAddress(1), someAddress(2)), "app");
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  assert.equal((await upstreamOf(gateway, "app")).queue.size, 7);

  const { error } = await api.expect(409, "DELETE", sluice());
  assert.equal(error.code, "UpstreamMadeByTemplate");
  assert.match(error.text, /comes from discovery.etcd of setup, which would make it again/);
  const all = { upstreams: {}, prune: true };
  await api.expect(200, "POST", "/api/sluice/1/changes", all);
  assert.deepEqual(await namesOf(gateway), ["app", "cart"]);

  await api.expect(200, "PATCH", sluice(), { discovery: null });
  await waitForTemplate(gateway, "it is not the template's", (state) => state.skipped_count === 1);
  await etcd.set(serversAt(someAddress(3)), "app");
  await etcd.set(serversAt(someAddress(4)), "cart");
  await waitForServers(gateway, [someAddress(4)], undefined, "cart");
  await waitForServers(gateway, [someAddress(1), someAddress(2)], 0);
  await api.expect(204, "DELETE", sluice());
  await waitForNames(gateway, ["app", "cart"]);
  await waitForServers(gateway, [someAddress(3)]);
});

test("an upstream with servers of others is not deleted", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd, { removal_confirmations: 1 }));
  await waitForNames(gateway, MANY);
  await gateway.api.expect(201, "POST", serversOf("u1"), { server: someAddress(99) });
  await removeMany(etcd, ["u1", "u2"]);
  await waitForNames(
    gateway,
    MANY.filter((name) => name !== "u2"),
  );
  const { skipped } = await waitForTemplate(gateway, "it is reported", (state) => state.skipped_count === 1);
  assert.match(skipped[0].reason, /has servers that others have added/);
  const { body } = await gateway.api.get(serversOf("u1"));
  const { id } = body.find(({ server }) => server === someAddress(99));
  await gateway.api.expect(200, "DELETE", `${serversOf("u1")}/${id}`);
  await waitForNames(
    gateway,
    MANY.filter((name) => name !== "u1" && name !== "u2"),
  );
});

test("an upstream with more servers than one write adds gets all of them", async (context) => {
  const etcd = await startEtcd(context);
  const addresses = Array.from({ length: 700 }, (_, number) => someAddress(number));
  for (let first = 0; first < addresses.length; first += 100)
    await etcd.putAll(
      addresses.slice(first, first + 100).map((address) => [`/upstreams/app/${address}`, ""]),
    );
  const gateway = await startTemplate(context, templateFor(etcd));
  await waitForNames(gateway, ["app"]);
  await waitForServers(gateway, addresses);
});

test("gateways of a cluster share the upstreams, and each finds their servers", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const endpoints = etcd.members.map(({ url }) => url);
  const setup = clusterSetup(endpoints);
  const one = await startTemplate(context, templateFor(etcd), { setup });
  const other = await startTemplate(context, templateFor(etcd), { setup });
  for (const gateway of [one, other]) await waitForNames(gateway, MANY);
  for (const gateway of [one, other]) await waitForServers(gateway, [someAddress(4)], undefined, "u4");
  await etcd.set(serversAt(someAddress(50)), "new");
  await removeMany(etcd, ["u0"]);
  const names = [...MANY.slice(1), "new"];
  for (const gateway of [one, other]) {
    await waitForNames(gateway, names);
    await waitForServers(gateway, [someAddress(50)], undefined, "new");
  }
  await one.api.expect(200, "PATCH", sluice("new"), { method: "random" });
  await waitFor("the setting is shared", async () => (await upstreamOf(other, "new")).method === "random");
  // Neither makes what the other has deleted.
  await sleep(2000);
  for (const gateway of [one, other]) assert.deepEqual(await namesOf(gateway), names.toSorted());
});

test("an export can be applied again without a change", async (context) => {
  const etcd = await startEtcd(context);
  await setMany(etcd);
  const gateway = await startTemplate(context, templateFor(etcd));
  await waitForNames(gateway, MANY);
  const exported = await gateway.api.expect(200, "GET", "/api/sluice/1/upstreams?format=export");
  const { changed } = await gateway.api.expect(200, "POST", "/api/sluice/1/changes", exported);
  assert.equal(changed, false);
});

test("a gateway without a template answers 404", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(someAddress(1)), "app");
  const gateway = await startTemplate(context, templateFor(etcd));
  await waitForNames(gateway, ["app"]);
  await stateOf(gateway);
  gateway.configure({ setup: {} });
  await gateway.reload();
  await waitFor("there is no template", async () => (await gateway.api.get(STATE)).status === 404);
  const found = await waitFor("the upstream is without one", async () => {
    const { state, error } = await discoveryOf(gateway.api);
    return state === "failing" ? error : undefined;
  });
  assert.match(found, /setup\(\) has no registry in discovery any more, so the servers stay as they are/);
  await waitForServers(gateway, [someAddress(1)], 0);
  await gateway.api.expect(204, "DELETE", sluice());
  // No worker makes it again.
  await sleep(2000);
  assert.deepEqual(await namesOf(gateway), []);
});
