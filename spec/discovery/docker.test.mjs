/** Discovery by Docker: labels, states and networks of containers, events, and engines that misbehave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { containerOf, startDocker } from "../gateway/support/registries/docker.mjs";
import { serversOf, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("docker", startDocker);

/** @param {string} name @param {object} [more] */
const containerWith = (name, labels, networks = { bridge: "10.0.0.1" }, more = {}) =>
  containerOf(
    name,
    Object.fromEntries(
      Object.entries(labels).map(([label, value]) => [`sluice.http.upstreams.app.${label}`, value]),
    ),
    networks,
    more,
  );

/** Returns a container at a numbered address. @param {number} number @param {object} [more] */
function numbered(number, more = {}) {
  const [host, port] = someAddress(number).split(":");
  return containerWith(`c${number}`, { port }, { bridge: host }, more);
}

const addresses = (/** @type {number[]} */ ...numbers) => numbers.map((number) => someAddress(number));

/** @param {import("node:test").TestContext} context @param {object} [discovery] @param {object} [options] */
async function follow(context, docker, discovery = {}, options = {}) {
  const { gateway } = await startDiscovery(context, docker, {
    traffic: false,
    discovery: docker.discovery(discovery),
    options,
  });
  return gateway;
}

/** Returns how often the containers were listed, and the events were watched. */
async function asked(docker) {
  const all = await docker.asked();
  return {
    lists: all.filter((uri) => uri.endsWith("/containers/json")).length,
    watches: all.filter((uri) => uri.includes("/events?")).length,
  };
}

/** @param {import("../gateway/support/gateway.mjs").Gateway} gateway */
async function serversByAddress({ api }, upstream = "app") {
  const servers = await api.expect(200, "GET", serversOf(upstream));
  return new Map(servers.map((server) => [server.server, server]));
}

test("labels give the parameters of a server, and those below sluice. win", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([
    containerOf(
      "a",
      {
        "angie.http.upstreams.app.port": "80",
        "angie.http.upstreams.app.weight": "3",
        "angie.http.upstreams.app.sid": "a",
        "sluice.http.upstreams.app.weight": "5",
        "sluice.http.upstreams.app.zone": "eu-1a",
        "angie.http.upstreams.other.port": "81",
        "angie.stream.upstreams.app.port": "82",
        "com.example.port": "83",
      },
      { bridge: "10.0.0.1" },
    ),
  ]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, ["10.0.0.1:80"]);
  const server = (await serversByAddress(gateway)).get("10.0.0.1:80");
  assert.deepEqual([server.weight, server.route, server.zone], [5, "a", "eu-1a"]);
  const other = { servers: [], discovery: docker.discovery() };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/other", other);
  await waitForServers(gateway, ["10.0.0.1:81"], 10_000, "other");
  const alias = { servers: [], discovery: docker.discovery({ upstream: "other" }) };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/alias", alias);
  await waitForServers(gateway, ["10.0.0.1:81"], 10_000, "alias");
});

test("a paused container is down, and one whose health check fails is skipped", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1), numbered(2), numbered(3)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1, 2, 3));
  const before = await serversByAddress(gateway);
  const paused = { State: "paused", Status: "Up 5 minutes (Paused)" };
  await docker.setContainers([numbered(1, paused), numbered(2), numbered(3)]);
  const isDown = async () => (await serversByAddress(gateway)).get(someAddress(1)).down;
  await waitFor("the server is down", isDown);
  await docker.setContainers([numbered(1), numbered(2), numbered(3)]);
  await waitFor("the server is up", async () => !(await isDown()));
  assert.equal((await serversByAddress(gateway)).get(someAddress(1)).id, before.get(someAddress(1)).id);
  await docker.setContainers([
    numbered(1),
    numbered(2, { Status: "Up 5 minutes (unhealthy)" }),
    numbered(3, { Status: "Up 5 minutes (healthy)" }),
    numbered(4, { Status: "Up 1 second (health: starting)" }),
    numbered(5, { State: "restarting", Status: "Restarting (1) 2 seconds ago" }),
  ]);
  await waitForServers(gateway, addresses(1, 3));
  const { skipped } = await waitFor("the skipped containers are reported", async () => {
    const found = await discoveryOf(gateway.api);
    return found.skipped_count === 2 ? found : undefined;
  });
  assert.deepEqual(skipped, [
    { entry: "c2", reason: "the container is unhealthy" },
    { entry: "c4", reason: "the container's health check has not succeeded yet" },
  ]);
});

test("the network of an address is the option's, the label's, or the only one", async (context) => {
  const docker = await startDocker(context);
  const both = { back: "10.0.0.1", front: "10.1.0.1" };
  const of = (/** @type {object} */ networks) =>
    Object.fromEntries(Object.entries(networks).map(([name, host]) => [name, host.replace(/1$/, "2")]));
  const two = [
    containerWith("a", { port: "80" }, both),
    containerOf("b", { ...containerWith("b", { port: "80" }).Labels, "angie.network": "back" }, of(both)),
    containerWith("c", { port: "80" }, { only: "10.2.0.3" }),
  ];
  await docker.setContainers(two);
  const gateway = await follow(context, docker, { network: "front" });
  await waitForServers(gateway, ["10.1.0.1:80", "10.0.0.2:80"]);
  const skipped = async (upstream) => (await discoveryOf(gateway.api, upstream)).skipped;
  assert.deepEqual(await skipped("app"), [
    { entry: "c", reason: 'the container is not in the network "front"' },
  ]);
  const free = { servers: [], discovery: docker.discovery({ upstream: "app" }) };
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/free", free);
  await waitForServers(gateway, ["10.0.0.2:80", "10.2.0.3:80"], 10_000, "free");
  assert.deepEqual(await skipped("free"), [
    { entry: "a", reason: 'the container is in the networks "back", "front"; "network" must name one' },
  ]);
  // A container that gets an address in another network.
  await docker.setContainers([
    ...two.slice(0, 2),
    containerWith("c", { port: "80" }, { only: "10.2.0.3", front: "10.1.0.3" }),
  ]);
  await waitForServers(gateway, ["10.1.0.1:80", "10.0.0.2:80", "10.1.0.3:80"]);
});

test("a container that has ended leaves at once, even if the engine still lists it", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1), numbered(2), numbered(3)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1, 2, 3));
  await docker.tell({ lag: 20_000 });
  await docker.tell({ containers: [numbered(1), numbered(2)] });
  await waitForServers(gateway, addresses(1, 2), 5000);
  // It starts again before the list has shown its end.
  await docker.tell({ containers: [numbered(1), numbered(2), numbered(3)] });
  await waitForServers(gateway, addresses(1, 2, 3), 5000);
});

test("a list that is late after its event is read again", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1), numbered(2), numbered(3)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1, 2, 3));
  await docker.tell({ lag: 500 });
  const paused = { State: "paused", Status: "Up 5 minutes (Paused)" };
  await docker.tell({ containers: [numbered(1, paused), numbered(2), numbered(3)] });
  await waitFor("the server is down", async () => (await serversByAddress(gateway)).get(someAddress(1)).down);
});

test("changes without an event are found", { timeout: 60_000 }, async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1));
  await sleep(1500);
  await docker.tell({ silent: [numbered(1), numbered(2)] });
  await waitForServers(gateway, addresses(1, 2));
});

test("many events cause few lists, and an engine without changes is asked rarely", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1));
  await waitFor("the events are watched", async () => (await asked(docker)).watches === 1);
  const before = await asked(docker);
  const end = performance.now() + 2000;
  while (performance.now() < end) await docker.tell({ noise: 200 });
  await docker.setContainers([numbered(1), numbered(2)]);
  await waitForServers(gateway, addresses(1, 2));
  const { lists, watches } = await asked(docker);
  assert.ok(lists - before.lists <= 16, `${lists - before.lists} lists`);
  assert.equal(watches, 1);
  await sleep(2000);
  const rested = await asked(docker);
  await sleep(5000);
  assert.ok((await asked(docker)).lists - rested.lists <= 1);
});

test("a stream of events that ends is opened again, and no change is missed", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1)]);
  const gateway = await follow(context, docker);
  await waitForServers(gateway, addresses(1));
  await sleep(1500);
  await docker.tell({ end: true });
  await docker.setContainers([numbered(1), numbered(2)]);
  await waitForServers(gateway, addresses(1, 2), 10_000);
  await waitFor("the events are watched again", async () => (await asked(docker)).watches === 2);
  const warnings = gateway.log.entries("warn").filter((line) => line.includes("could not follow docker"));
  assert.deepEqual(warnings, []);
});

const faults = {
  "events that are refused": [{ events: "forbid" }, /could not watch the events: status 403: <html>/],
  "events that end at once": [{ events: "end" }, /the stream has ended/],
  "an event that is no JSON": [{ events: "<html>" }, /docker: unexpected answer: it is not JSON/],
  "an event of another type": [{ events: '{"Action":7}' }, /unexpected answer: "Action" is not a string/],
  "an endless event": [{ events: "x".repeat(2_000_000) }, /a line is longer than 1048576 bytes/],
  "a list that fails": [
    { list: [500, '{"message":"context deadline exceeded"}'] },
    /could not list the containers: status 500: context deadline exceeded/,
  ],
  "an engine without a version": [{ version: [200, "{}"] }, /unexpected answer: there is no "ApiVersion"/],
};
for (const [what, [fault, reason]] of Object.entries(faults)) {
  test(`${what}: a failure that keeps the servers, and ends by itself`, async (context) => {
    const docker = await startDocker(context);
    await docker.setContainers([numbered(1), numbered(2)]);
    const gateway = await follow(context, docker);
    await waitForServers(gateway, addresses(1, 2));
    await docker.change({ fault, containers: [numbered(1), numbered(2), numbered(3)] });
    await docker.tell({ end: true });
    await waitFor("the failure is reported", async () => {
      const { state, error } = await discoveryOf(gateway.api);
      return state === "failing" && reason.test(error);
    });
    const before = (await asked(docker)).watches;
    await sleep(3000);
    const watches = (await asked(docker)).watches - before;
    assert.ok(watches <= 8, `${watches} watches in 3 s`);
    const servers = await gateway.api.expect(200, "GET", serversOf());
    assert.ok(servers.length >= 2);
    await docker.change({ fault: {} });
    await waitForServers(gateway, addresses(1, 2, 3));
    await waitForState(gateway, "ok");
  });
}

test("guard concerns the socket, and the addresses of containers", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1), containerWith("far", { port: "80" }, { bridge: "192.0.2.1" })]);
  const guard = { addresses: ["127.0.0.0/8", "10.0.0.0/8", "unix:"] };
  const gateway = await follow(context, docker, {}, { setup: { guard } });
  await waitForServers(gateway, addresses(1));
  const { skipped } = await waitFor("the other is skipped", async () => {
    const found = await discoveryOf(gateway.api);
    return found.skipped_count === 1 ? found : undefined;
  });
  assert.equal(skipped[0].entry, "far");
  assert.match(skipped[0].reason, /"192\.0\.2\.1:80" is not allowed/);
  // A saved upstream, whose engine is not asked any more.
  gateway.configure({ upstreams: {}, setup: { guard: { ...guard, deny: ["unix:"] } } });
  await gateway.stop();
  await gateway.start();
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /unix:\/.*docker\.sock is not allowed: guard\.deny has "unix:"/);
  const refused = await gateway.api.put("/api/sluice/1/upstreams/new", {
    servers: [],
    discovery: docker.discovery(),
  });
  assert.equal(refused.status, 403);
  assert.match(refused.body.error.text, /"discovery\.docker\.endpoint": "unix:\/.*" is not allowed/);
});

test("an engine at a TCP port is followed too", async (context) => {
  const docker = await startDocker(context);
  await docker.setContainers([numbered(1)]);
  const gateway = await follow(context, docker, { endpoint: docker.url });
  await waitForServers(gateway, addresses(1));
});

test("50 upstreams with 5000 containers share one stream of events", async (context) => {
  const docker = await startDocker(context);
  const upstreams = Object.fromEntries(
    Array.from({ length: 50 }, (_, number) => [`u${number}`, { discovery: docker.discovery() }]),
  );
  const containers = Array.from({ length: 5000 }, (_, number) => {
    const [host, port] = someAddress(number).split(":");
    return containerOf(
      `c${number}`,
      { [`angie.http.upstreams.u${number % 50}.port`]: port, "com.example.note": "x".repeat(500) },
      { bridge: host },
    );
  });
  await docker.setContainers(containers);
  const { gateway } = await startDiscovery(context, docker, { traffic: false, options: { upstreams } });
  const { api } = gateway;
  await waitFor(
    "all servers are there",
    async () => {
      const all = await api.expect(200, "GET", "/api/9/http/upstreams?fields=peers");
      return Object.keys(upstreams).every((name) => all[name].peers.length === 100);
    },
    60_000,
  );
  assert.equal((await asked(docker)).watches, 1);
  await docker.setContainers(containers.slice(1));
  await waitForServers(gateway, addresses(...[...Array(99).keys()].map((n) => (n + 1) * 50)), 30_000, "u0");
});
