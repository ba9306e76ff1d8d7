/**
 * Every change of a server's state adds one log line and one event with the reason. The last 1,000 events are
 * kept.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { allEvents, becomes, eventsOf, hasPassed, PROBE_ERRORS, stateOf } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { peersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const broken = /upstream prematurely closed connection|reset by peer/;

/**
 * Returns the log lines about changes in the form of events.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 */
function changesInLog(gateway, address) {
  const pattern =
    /\[(\w+)\].* sluice: upstream (\S+): server (\S+) is (\w+), was (\w+): (.*?)(?:, context: |, client: | while |$)/gm;
  return [...gateway.log.text().matchAll(pattern)]
    .filter((line) => line[3] === address)
    .map((line) => ({ level: line[1], new_state: line[4], old_state: line[5], reason: line[6] }));
}

/** @param {import("./support/health.mjs").StateEvent[]} events */
const steps = (events) => events.map(({ old_state, new_state, reason }) => [old_state, new_state, reason]);

test("every change of a server that fails requests and checks and recovers is an event", async (context) => {
  const [first, other] = await startBackends(context, 2);
  const servers = [{ server: first.address, fail_timeout: "500ms" }, { server: other.address }];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  gateway.log.allow(broken);
  const started = Date.now();
  assert.deepEqual(await allEvents(api), []);
  /** Sends requests until the first server has a state. @param {string} state */
  const askUntil = (state) =>
    waitFor(`the first server is ${state}`, async () => {
      await ask(gateway.port);
      return (await stateOf(api, first.address)) === state;
    });
  first.behaviour = { reset: 1 };
  await askUntil("unavail");
  first.behaviour = {};
  await askUntil("up");
  await api.expect(200, "PATCH", sluice(), {
    health_check: { uri: "/health", interval: "200ms", timeout: "10s" },
  });
  await hasPassed(api);
  first.behaviour = { status: 503 };
  await becomes(api, first.address, "unhealthy");
  first.behaviour = {};
  await becomes(api, first.address, "up");
  first.behaviour = { status: 503 };
  await becomes(api, first.address, "unhealthy");
  await api.expect(200, "PATCH", sluice(), { health_check: null });
  await becomes(api, first.address, "up");

  const events = await allEvents(api);
  assert.deepEqual(steps(events), [
    ["up", "unavail", "a request failed with 502"],
    ["unavail", "up", "it answers again"],
    ["up", "unhealthy", "/health returned 503"],
    ["unhealthy", "up", "/health returned 200"],
    ["up", "unhealthy", "/health returned 503"],
    ["unhealthy", "up", "it is no longer checked"],
  ]);
  const lines = changesInLog(gateway, first.address);
  assert.deepEqual(
    lines.map(({ old_state, new_state, reason }) => [old_state, new_state, reason]),
    steps(events),
  );
  for (const { level, new_state } of lines) assert.equal(level, new_state === "up" ? "notice" : "warn");

  const revision = Number((await api.get(sluice())).headers.etag?.replaceAll('"', ""));
  assert.deepEqual(Object.keys(events[0]), [
    "number",
    "revision",
    "time",
    "upstream",
    "id",
    "server",
    "old_state",
    "new_state",
    "reason",
  ]);
  for (const [index, event] of events.entries()) {
    assert.deepEqual(
      [event.number, event.upstream, event.id, event.server],
      [index + 1, "app", 0, first.address],
    );
    assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Date.parse(event.time) >= started - 1000 && Date.parse(event.time) <= Date.now());
  }
  const times = events.map(({ time }) => time);
  assert.deepEqual(times, [...times].sort());
  assert.deepEqual(
    events.map((event) => event.revision - revision),
    [-2, -2, -1, -1, -1, 0],
  );
  assert.equal((await peersOf(api)).get(first.address).unavail, 1);
});

test("four workers under load record one event for each change", async (context) => {
  const backends = await startBackends(context, 4);
  const failing = backends.slice(0, 3);
  const servers = backends.map(({ address }) => ({ server: address, fail_timeout: "200ms" }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  const { api } = gateway;
  gateway.log.allow(broken);
  const load = startLoad(context, { port: gateway.port, connections: 32, pause: 25 });
  const rounds = 5;
  for (let round = 0; round < rounds; round += 1) {
    for (const backend of failing) backend.behaviour = { reset: 1 };
    for (const { address } of failing) await becomes(api, address, "unavail");
    for (const backend of failing) backend.behaviour = {};
    for (const { address } of failing) await becomes(api, address, "up");
  }
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.equal(load.workers.size, 4);
  for (const { address } of failing) {
    const events = await eventsOf(api, address);
    const changes = events.map(({ old_state, new_state }) => `${old_state} ${new_state}`);
    // A server may recover and fail again while earlier answers are in flight.
    assert.ok(changes.length >= 2 * rounds);
    for (const [index, change] of changes.entries())
      assert.equal(change, index % 2 === 0 ? "up unavail" : "unavail up", `${address}: ${changes}`);
    assert.equal(changesInLog(gateway, address).length, changes.length);
    assert.equal((await peersOf(api)).get(address).unavail, changes.length / 2);
  }
});

test("the last 1,000 events are kept, in order, over reloads and the death of workers", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { app: {} },
    http: "lua_socket_log_errors off;",
    dict: "16m",
  });
  const { api } = gateway;
  gateway.log.allow(PROBE_ERRORS);
  const [well] = await startBackends(context, 1);
  const missing = Array.from({ length: 600 }, (_, number) => ({ server: someAddress(number) }));
  const health_check = { type: "tcp", interval: "1s" };
  await api.expect(200, "PUT", sluice(), { health_check, servers: [{ server: well.address }] });
  await hasPassed(api);
  await api.expect(200, "PUT", sluice(), { health_check, servers: [{ server: well.address }, ...missing] });
  await waitFor("all servers except one are unhealthy", async () => {
    const states = [...(await peersOf(api)).values()].map(({ state }) => state);
    return states.filter((state) => state === "unhealthy").length === 600;
  });
  const some = await allEvents(api);
  assert.deepEqual(
    some.map(({ number }) => number),
    Array.from({ length: 600 }, (_, number) => number + 1),
  );
  assert.equal(new Set(some.map(({ server }) => server)).size, 600);
  await api.expect(200, "PATCH", sluice(), { health_check: null });
  await waitFor("all servers are up", async () => {
    return [...(await peersOf(api)).values()].every(({ state }) => state === "up");
  });
  const wanted = Array.from({ length: 1000 }, (_, number) => number + 201);
  const events = await allEvents(api);
  assert.deepEqual(
    events.map(({ number }) => number),
    wanted,
  );
  assert.equal(new Set(events.slice(400).map(({ server }) => server)).size, 600);
  assert.ok(events.slice(400).every(({ new_state }) => new_state === "up"));
  await gateway.reload();
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  assert.deepEqual(await allEvents(api), events);
});
