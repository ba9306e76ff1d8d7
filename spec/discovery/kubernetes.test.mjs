/** Discovery by Kubernetes: slices, conditions and ports, the token, and expired versions. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { discoveryOf, startDiscovery, waitForServers } from "../gateway/support/discovery.mjs";
import { sliceOf, startKubernetes } from "../gateway/support/registries/kubernetes.mjs";
import { serversOf, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("kubernetes", startKubernetes);

const http = [{ name: "http", port: 9, protocol: "TCP" }];

/** Returns an endpoint at a numbered address. @param {number} number @param {object} [conditions] */
function endpoint(number, conditions) {
  const [host] = someAddress(number).split(":");
  return { addresses: [host], ...(conditions === undefined ? {} : { conditions }) };
}

/** @param {import("node:test").TestContext} context @param {object} [discovery] @param {object} [more] */
async function follow(context, registry, discovery = {}, more = {}) {
  const { gateway } = await startDiscovery(context, registry, {
    traffic: false,
    discovery: { ...registry.discovery(discovery), ...more },
  });
  return gateway;
}

/** Returns the numbers of lists and watches of the slices. */
async function asked(registry) {
  const all = await registry.asked();
  return {
    lists: all.filter((uri) => !uri.includes("watch=true")).length,
    watches: all.filter((uri) => uri.includes("watch=true")).length,
  };
}

/**
 * Returns the log entries of failed sessions.
 * @param {import("../gateway/support/gateway.mjs").Gateway} gateway
 */
function failures(gateway) {
  return gateway.log.entries("warn").filter((line) => line.includes("could not follow kubernetes"));
}

test("ready endpoints serve, and endpoints that terminate while serving drain", async (context) => {
  const kubernetes = await startKubernetes(context);
  const endpoints = [
    endpoint(1),
    endpoint(2, { ready: true, serving: true, terminating: false }),
    endpoint(3, { ready: false, serving: true, terminating: true }),
    endpoint(4, { ready: false, serving: false, terminating: true }),
    endpoint(5, { ready: false, serving: true, terminating: false }),
    endpoint(6, { ready: false }),
    endpoint(7, {}),
  ];
  await kubernetes.setSlices([sliceOf("app-1", endpoints, http)]);
  const gateway = await follow(context, kubernetes);
  await waitForServers(
    gateway,
    [1, 2, 3, 7].map((number) => someAddress(number)),
  );
  const drains = async () =>
    (await gateway.api.expect(200, "GET", serversOf()))
      .filter(({ drain }) => drain === true)
      .map(({ server }) => server);
  assert.deepEqual(await drains(), [someAddress(3)]);
  const before = await gateway.api.expect(200, "GET", serversOf());
  endpoints[0] = endpoint(1, { ready: false, serving: true, terminating: true });
  await kubernetes.setSlices([sliceOf("app-1", endpoints, http)]);
  await waitFor("another server drains", async () => (await drains()).length === 2);
  const after = await gateway.api.expect(200, "GET", serversOf());
  assert.deepEqual(
    after.map(({ id }) => id),
    before.map(({ id }) => id),
    "they are the same servers",
  );
});

test("the zone of an endpoint is that of its server", async (context) => {
  const kubernetes = await startKubernetes(context);
  const placed = (number, more) => ({ ...endpoint(number), nodeName: "node-1", ...more });
  const set = (zone) =>
    kubernetes.setSlices([
      sliceOf(
        "app-1",
        [placed(1, { zone }), placed(2, { zone: null }), placed(3, { zone: "z".repeat(65) })],
        http,
      ),
    ]);
  await set("eu-1a");
  const gateway = await follow(context, kubernetes);
  await waitForServers(gateway, [someAddress(1), someAddress(2), someAddress(3)]);
  const zones = async () =>
    (await gateway.api.expect(200, "GET", serversOf())).map(({ id, zone }) => [id, zone ?? ""]);
  const [[id], [other], [third]] = await zones();
  assert.deepEqual(await zones(), [
    [id, "eu-1a"],
    [other, ""],
    // A server cannot have its zone.
    [third, ""],
  ]);
  await set("eu-1b");
  await waitFor("the zone has changed", async () => (await zones())[0][1] === "eu-1b");
  assert.equal((await zones())[0][0], id, "it is still the same server");
});

test("a port is found by its name or its number, and must be TCP", async (context) => {
  const kubernetes = await startKubernetes(context);
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "http", port: 8080, protocol: "TCP" },
    { name: "admin", port: 9090 },
  ];
  const [host] = someAddress(1).split(":");
  await kubernetes.setSlices([sliceOf("app-1", [endpoint(1)], ports)]);
  const gateway = await follow(context, kubernetes, { port: 9090 });
  await waitForServers(gateway, [`${host}:9090`]);
  const other = (port) => ({ servers: [], discovery: kubernetes.discovery({ port }) });
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/named", other("http"));
  await waitForServers(gateway, [`${host}:8080`], 10_000, "named");
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/udp", other(53));
  const { skipped } = await waitFor("the skipped slice is reported", async () => {
    const report = await discoveryOf(gateway.api, "udp");
    return report.skipped_count === 1 ? report : undefined;
  });
  assert.deepEqual(skipped, [{ entry: "app-1", reason: 'the slice has no TCP port "53"' }]);
});

test("an endpoint in two slices counts once, and slices of other services are ignored", async (context) => {
  const kubernetes = await startKubernetes(context);
  const leaving = { ready: false, serving: true, terminating: true };
  await kubernetes.setSlices([
    sliceOf("app-1", [endpoint(1), endpoint(2, leaving)], http),
    sliceOf("app-2", [endpoint(2), endpoint(3)], http),
    sliceOf("app-4", [], []),
    sliceOf("other-1", [endpoint(4)], http, "other"),
  ]);
  const gateway = await follow(context, kubernetes);
  const all = [1, 2, 3].map((number) => someAddress(number));
  await waitForServers(gateway, all);
  const servers = await gateway.api.expect(200, "GET", serversOf());
  assert.ok(servers.every(({ drain }) => drain !== true));
  const { skipped_count: skipped } = await waitFor("three entries are reported", async () => {
    const found = await discoveryOf(gateway.api);
    return found.servers === 3 ? found : undefined;
  });
  assert.equal(skipped, 0);
  // The slice is deleted, and the endpoint that is also in the other slice stays.
  await kubernetes.setSlices(kubernetes.slices.filter(({ metadata }) => metadata.name !== "app-1"));
  await waitForServers(gateway, all.slice(1));
  await kubernetes.setSlices([...kubernetes.slices, sliceOf("other-2", [endpoint(8)], http, "other")]);
  await kubernetes.setSlices([...kubernetes.slices, sliceOf("app-5", [endpoint(6)], http)]);
  await waitForServers(gateway, [...all.slice(1), someAddress(6)]);
});

test("slices on several pages are all read", async (context) => {
  const kubernetes = await startKubernetes(context);
  const numbers = Array.from({ length: 1100 }, (_, index) => index + 1);
  await kubernetes.setSlices(numbers.map((number) => sliceOf(`app-${number}`, [endpoint(number)], http)));
  const gateway = await follow(context, kubernetes);
  await waitForServers(
    gateway,
    numbers.map((number) => someAddress(number)),
  );
  await waitFor("the slices are watched", async () => (await asked(kubernetes)).watches > 0);
  assert.deepEqual(await asked(kubernetes), { lists: 3, watches: 1 });
});

test("a replaced token is read again, and a missing file is a failure", async (context) => {
  const kubernetes = await startKubernetes(context);
  await kubernetes.set([{ server: someAddress(1) }]);
  const gateway = await follow(context, kubernetes);
  await waitForServers(gateway, [someAddress(1)]);
  kubernetes.writeToken("the-second-token");
  await kubernetes.change({ token: "the-second-token" });
  await kubernetes.tell({ end: true });
  await kubernetes.set([{ server: someAddress(1) }, { server: someAddress(2) }]);
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  assert.deepEqual(failures(gateway), []);
  const { lists } = await asked(kubernetes);
  assert.equal(lists, 1, "the next watch continued where the first one ended");

  const failing = (/** @type {RegExp} */ reason) =>
    waitFor(`the failure is reported: ${reason}`, async () =>
      reason.test((await discoveryOf(gateway.api)).error ?? ""),
    );
  await kubernetes.change({ token: "the-third-token" });
  await kubernetes.tell({ end: true });
  await failing(/status 401: Unauthorized/);
  rmSync(kubernetes.tokenFile);
  await failing(/could not read the token: .*No such file/);
  kubernetes.writeToken("");
  await failing(/there is no token in /);
  await waitForServers(gateway, [someAddress(1), someAddress(2)], 0);
  kubernetes.writeToken("the-third-token");
  await waitFor("the source is ok again", async () => (await discoveryOf(gateway.api)).state === "ok");
});

for (const byStatus of [false, true]) {
  test(`after an expired version the list is read again, ${byStatus ? "by status" : "by an event"}`, async (context) => {
    const kubernetes = await startKubernetes(context);
    await kubernetes.set([{ server: someAddress(1) }]);
    const gateway = await follow(context, kubernetes);
    await waitForServers(gateway, [someAddress(1)]);
    await waitFor("the slices are watched", async () => (await asked(kubernetes)).watches === 1);
    await kubernetes.tell({ byStatus, end: true, expire: true });
    await kubernetes.set([{ server: someAddress(1) }, { server: someAddress(2) }]);
    await waitForServers(gateway, [someAddress(1), someAddress(2)]);
    assert.deepEqual(failures(gateway), []);
    await waitFor("the slices are watched again", async () => (await asked(kubernetes)).watches === 3);
    assert.equal((await asked(kubernetes)).lists, 2);
  });
}

test("a watch continues from the last bookmark", async (context) => {
  const kubernetes = await startKubernetes(context);
  await kubernetes.set([{ server: someAddress(1) }]);
  const gateway = await follow(context, kubernetes);
  await waitForServers(gateway, [someAddress(1)]);
  await waitFor("the slices are watched", async () => (await asked(kubernetes)).watches === 1);
  const [, first] = await kubernetes.asked();
  await kubernetes.tell({ bookmark: true });
  await sleep(500);
  await kubernetes.tell({ end: true });
  await waitFor("the slices are watched again", async () => (await asked(kubernetes)).watches === 2);
  const second = String((await kubernetes.asked()).at(-1));
  const versionIn = (/** @type {string} */ uri) => Number(/resourceVersion=(\d+)/.exec(uri)?.[1]);
  assert.equal(versionIn(second), versionIn(first) + 1);
  assert.equal((await asked(kubernetes)).lists, 1);
});

test("watches that end immediately are repeated only after pauses", async (context) => {
  const kubernetes = await startKubernetes(context);
  await kubernetes.set([{ server: someAddress(1) }]);
  const gateway = await follow(context, kubernetes);
  await waitForServers(gateway, [someAddress(1)]);
  const before = (await asked(kubernetes)).watches;
  const end = performance.now() + 3000;
  while (performance.now() < end) await kubernetes.tell({ end: true });
  const count = (await asked(kubernetes)).watches - before;
  assert.ok(count >= 2 && count <= 7, `${count} watches in 3 s`);
});

test("another namespace works, and a missing service is a failure", async (context) => {
  const kubernetes = await startKubernetes(context);
  await kubernetes.set([{ server: someAddress(1) }]);
  const gateway = await follow(context, kubernetes, { namespace: "elsewhere" });
  await waitFor("the source is ok", async () => (await discoveryOf(gateway.api)).state === "ok");
  await waitForServers(gateway, [], 0);
  const [first] = await kubernetes.asked();
  assert.equal(
    first,
    "/apis/discovery.k8s.io/v1/namespaces/elsewhere/endpointslices" +
      "?labelSelector=kubernetes.io%2Fservice-name%3Dapp&limit=500",
  );
});
