/** Discovery by Consul: selected instances, tokens, and blocking queries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { startConsul, startConsulKv } from "../gateway/support/registries/consul.mjs";
import { serversOf, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("consul", startConsul);
testContract("consul_kv", startConsulKv);

/** Returns an instance at a numbered address. @param {number} number @param {object} [more] */
function instance(number, more = {}) {
  const [address, port] = someAddress(number).split(":");
  return { id: `i${number}`, address, port: Number(port), ...more };
}

/** @param {import("node:test").TestContext} context @param {object} [discovery] */
async function follow(context, registry, discovery = {}) {
  const { gateway } = await startDiscovery(context, registry, {
    traffic: false,
    discovery: registry.discovery(discovery),
  });
  return gateway;
}

/** Waits until Consul has a waiting blocking query. */
function waitForWaiting(consul) {
  return waitFor("a blocking query waits", async () =>
    /[?&]index=/.test(String((await consul.asked()).at(-1))),
  );
}

test("an instance must pass, have all tags and be in the datacenter", async (context) => {
  const consul = await startConsul(context);
  const place = { tags: ["blue", "a&b"], datacenter: "dc2" };
  const both = { tags: ["a&b", "green", "blue"], datacenter: "dc2" };
  await consul.setInstances([
    instance(1, both),
    instance(2, { ...both, tags: ["blue"] }),
    instance(3, { ...both, datacenter: "dc1" }),
    instance(4, { ...both, passing: false }),
    instance(5, { ...both, service: "other" }),
  ]);
  const gateway = await follow(context, consul, place);
  await waitForServers(gateway, [someAddress(1)]);
  await consul.setInstances([instance(1, both), instance(4, both)]);
  await waitForServers(gateway, [someAddress(1), someAddress(4)]);
});

test("a filter selects instances, and one that Consul refuses is a failure", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([
    instance(1, { meta: { version: "2&3" } }),
    instance(2, { meta: { version: "1" } }),
    instance(3),
  ]);
  const gateway = await follow(context, consul, { filter: 'Service.Meta.version == "2&3"' });
  await waitForServers(gateway, [someAddress(1)]);
  const bad = { servers: [], discovery: consul.discovery({ filter: "Service.Meta.version" }) };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/bad", bad);
  const { error } = await waitForState(gateway, "failing", "bad");
  assert.match(error, /status 400: Bad request: Failed to create boolean expression evaluator/);
});

test("the zone is in the metadata of an instance or its node, or is the data center", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([
    instance(1, { meta: { zone: "a" }, nodeMeta: { zone: "b" } }),
    instance(2, { nodeMeta: { zone: "b", rack: "r7" } }),
    instance(3),
    instance(4, { meta: { zone: "" } }),
    // A zone that a server cannot have.
    instance(5, { meta: { zone: "z".repeat(65) } }),
  ]);
  const gateway = await follow(context, consul);
  const zones = async (name) =>
    (await gateway.api.expect(200, "GET", serversOf(name))).map(({ zone }) => zone ?? "");
  await waitForServers(
    gateway,
    [1, 2, 3, 4, 5].map((number) => someAddress(number)),
  );
  assert.deepEqual(await zones("app"), ["a", "b", "dc1", "", ""]);
  const racks = { servers: [], discovery: consul.discovery({ zone_meta: "rack" }) };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/racks", racks);
  await waitFor(
    "the racks are the zones",
    async () => (await zones("racks")).join() === "dc1,r7,dc1,dc1,dc1",
  );
});

test("instances in maintenance are down at once, also all of them, and other failing ones leave", async (context) => {
  const consul = await startConsul(context);
  const numbers = [1, 2, 3, 4, 5];
  await consul.setInstances(numbers.map((number) => instance(number)));
  const gateway = await follow(context, consul, {});
  const all = numbers.map((number) => someAddress(number));
  await waitForServers(gateway, all);
  const before = (await gateway.api.expect(200, "GET", serversOf())).map(({ id }) => id);
  /** Waits until exactly these servers are down. */
  const waitForDown = (/** @type {string[]} */ wanted) =>
    waitFor(`${wanted.length} servers are down`, async () => {
      const servers = await gateway.api.expect(200, "GET", serversOf());
      const down = servers.filter((server) => server.down).map(({ server }) => server);
      return servers.length === all.length && JSON.stringify(down) === JSON.stringify(wanted);
    });
  // A removal of so many would wait.
  const maintenance = ["service"];
  await consul.setInstances(
    numbers.map((number) => instance(number, number <= 4 ? { maintenance, passing: number > 1 } : {})),
  );
  await waitForDown(all.slice(0, 4));
  await consul.setInstances(numbers.map((number) => instance(number, { maintenance: ["node"] })));
  await waitForDown(all);
  const { pending } = await waitFor("the status has them", async () => {
    const found = await discoveryOf(gateway.api);
    return found.down === all.length ? found : undefined;
  });
  assert.equal(pending, undefined);
  await consul.setInstances(numbers.map((number) => instance(number)));
  await waitForDown([]);
  const after = (await gateway.api.expect(200, "GET", serversOf())).map(({ id }) => id);
  assert.deepEqual(after, before, "they are the same servers");
  await consul.setInstances(numbers.map((number) => instance(number, { passing: number > 1 })));
  await waitForServers(gateway, all.slice(1));
});

test("an unknown datacenter is a failure", async (context) => {
  const consul = await startConsul(context);
  const gateway = await follow(context, consul, { datacenter: "no-such" });
  const { error } = await waitFor("the failure is reported", async () => {
    const report = await discoveryOf(gateway.api);
    return report.state === "failing" ? report : undefined;
  });
  assert.match(error, /status 500: No path to datacenter/);
});

test("the token is sent, and a refused token changes nothing", async (context) => {
  const consul = await startConsul(context);
  await consul.change({ token: "secret", instances: [instance(1)] });
  const gateway = await follow(context, consul, { token: "secret" });
  await waitForServers(gateway, [someAddress(1)]);
  // The waiting query is still answered. The next one is refused.
  await consul.change({ token: "another", instances: [instance(1)] });
  const { error } = await waitFor("the failure is reported", async () => {
    const report = await discoveryOf(gateway.api);
    return report.state === "failing" ? report : undefined;
  });
  assert.match(error, /status 403: /);
  await waitForServers(gateway, [someAddress(1)], 0);
  await consul.change({ token: "secret", instances: [instance(1), instance(2)] });
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  await waitForState(gateway, "ok");
});

test("an instance without an address has that of its node, IPv6 gets brackets, and a weight of 0 becomes 1", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([
    { id: "a", address: "", nodeAddress: "127.0.0.9", port: 81, weight: 7 },
    { id: "b", address: "::1", port: 82, weight: 0 },
    { id: "c", address: "", nodeAddress: "fd00::1", port: 83 },
    { id: "d", node: "node-7", address: "127.0.0.9", port: 0 },
  ]);
  const gateway = await follow(context, consul);
  await waitForServers(gateway, ["127.0.0.9:81", "[::1]:82", "[fd00::1]:83"]);
  const servers = await gateway.api.expect(200, "GET", serversOf());
  assert.deepEqual(
    servers.map(({ weight }) => weight),
    [7, 1, 1],
  );
  const { skipped } = await waitFor("the skipped entries are reported", async () => {
    const found = await discoveryOf(gateway.api);
    return found.skipped.length > 0 ? found : undefined;
  });
  assert.deepEqual(
    skipped.map(({ entry }) => entry),
    ["node-7/d"],
  );
  await consul.setInstances([{ id: "b", address: "::1", port: 82, weight: 5 }]);
  await waitFor("the weight is changed", async () =>
    (await gateway.api.expect(200, "GET", serversOf())).some(({ weight }) => weight === 5),
  );
});

test("an index that goes backwards is reset", async (context) => {
  const consul = await startConsul(context);
  await consul.change({ index: 5000, instances: [instance(1), instance(2)] });
  const gateway = await follow(context, consul);
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  await waitForWaiting(consul);
  await consul.change({ index: 40, instances: [instance(1), instance(3)] });
  await waitForServers(gateway, [someAddress(1), someAddress(3)]);
  // The index of these answers is below the previous index, on which a blocking query would wait.
  for (const number of [4, 5]) {
    await consul.tell({ instances: [instance(1), instance(number)] });
    await waitForServers(gateway, [someAddress(1), someAddress(number)]);
  }
  await waitForState(gateway, "ok");
});

test("without an index Consul is polled about once a second, and with an index it is asked by blocking queries", async (context) => {
  const consul = await startConsul(context);
  await consul.change({ index: 0, instances: [instance(1)] });
  const gateway = await follow(context, consul);
  await waitForServers(gateway, [someAddress(1)]);
  const before = (await consul.asked()).length;
  await sleep(3000);
  const polls = (await consul.asked()).length - before;
  assert.ok(polls >= 2 && polls <= 4, `${polls} questions in 3 s`);
  await consul.change({ index: 70, instances: [instance(1), instance(2)] });
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  await sleep(500);
  const waiting = await consul.asked();
  assert.match(String(waiting.at(-1)), /[?&]index=70&wait=30s$/);
  await sleep(2000);
  assert.equal((await consul.asked()).length, waiting.length);
});

test("a registry with many changes is asked with pauses", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([instance(1)]);
  const gateway = await follow(context, consul);
  await waitForServers(gateway, [someAddress(1)]);
  const before = (await consul.asked()).length;
  const end = performance.now() + 2000;
  while (performance.now() < end) await consul.tell({});
  const count = (await consul.asked()).length - before;
  assert.ok(count > 5 && count <= 21, `${count} questions in 2 s`);
});

test("keys of nginx-upsync-module are accepted", async (context) => {
  const consul = await startConsulKv(context);
  const [full, bare, empty, down, other] = [1, 2, 3, 4, 5].map((number) => someAddress(number));
  await consul.setKeys({
    "upstreams/app/": "",
    [`upstreams/app/${full}`]:
      '{"weight":3, "max_fails":2, "fail_timeout":5, "backup":0, "down":0, "max_conns":9}',
    [`upstreams/app/${bare}`]: '{"backup":1}',
    [`upstreams/app/${empty}`]: "",
    [`upstreams/app/${down}`]: '{"down":1}',
    "upstreams/app/named": `{"server":"${other}"}`,
    [`upstreams/app2/${someAddress(9)}`]: "",
  });
  const gateway = await follow(context, consul);
  await waitForServers(gateway, [full, bare, empty, down, other]);
  const servers = await gateway.api.expect(200, "GET", serversOf());
  const of = new Map(servers.map((server) => [server.server, server]));
  const { weight, max_fails, fail_timeout, backup, max_conns } = of.get(full);
  assert.deepEqual([weight, max_fails, fail_timeout, backup, max_conns], [3, 2, "5s", false, 9]);
  assert.equal(of.get(bare).backup, true);
  assert.deepEqual([of.get(full).down, of.get(down).down], [false, true]);
  assert.equal((await discoveryOf(gateway.api)).skipped_count, 0);
});

test("a prefix without keys is a valid answer, and an unknown prefix is a failure", async (context) => {
  const consul = await startConsulKv(context);
  const gateway = await follow(context, consul, { prefix: "some where/app/" });
  await waitFor("Consul has answered", async () => (await discoveryOf(gateway.api)).state === "ok");
  await consul.setKeys({ [`some where/app/${someAddress(1)}`]: "" });
  await waitForServers(gateway, [someAddress(1)]);
  await sleep(500);
  await waitForWaiting(consul);
  // A 404 without an index is not an answer of Consul.
  await consul.change({ index: 0, keys: {} });
  await waitFor("the source is failing", async () => (await discoveryOf(gateway.api)).state === "failing");
  await waitForServers(gateway, [someAddress(1)], 0);
});

test("two upstreams follow services of the same Consul", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([instance(1), instance(2, { service: "other" })]);
  const gateway = await follow(context, consul);
  const other = { servers: [], discovery: consul.discovery({ service: "other" }) };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/other", other);
  await waitForServers(gateway, [someAddress(1)]);
  await waitForServers(gateway, [someAddress(2)], 10_000, "other");
  await consul.setInstances([
    instance(1),
    instance(2, { service: "other" }),
    instance(3, { service: "other" }),
  ]);
  await waitForServers(gateway, [someAddress(2), someAddress(3)], 10_000, "other");
  await waitForServers(gateway, [someAddress(1)], 0);
});
