/**
 * `mandatory` and `persistent`: a server receives no request before its first check has passed, even after a
 * restart.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { assertKeptOut, becomes, recordedEvents, NONE_LEFT, stateOf } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { assertShare } from "./support/shares.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const check = { uri: "/health", interval: "200ms", timeout: "10s", mandatory: true };

/** @param {import("./support/backend.mjs").Backend} backend whose requests except checks are returned */
const requestsOf = (backend) => backend.requests.filter(({ url }) => url !== "/health");

test("under load an added server receives no request before its first passed check", async (context) => {
  const [old, fresh] = await startBackends(context, 2);
  const health_check = { ...check, fails: 3 };
  const app = { servers: [{ server: old.address }], health_check };
  const gateway = await startGateway(context, { upstreams: { app }, listen: "reuseport" });
  const { api } = gateway;
  gateway.log.allow(NONE_LEFT);
  await becomes(api, old.address, "up");
  const load = startLoad(context, { port: gateway.port, connections: 16, pause: 20 });
  fresh.behaviour = { status: 503 };
  await api.expect(201, "POST", serversOf(), { server: fresh.address });
  await waitFor("the server is checked", () => fresh.requests.length > 0);
  await load.round();
  await becomes(api, fresh.address, "unhealthy");
  await assertKeptOut(api, fresh, "unhealthy", () => load.round());
  assert.equal(requestsOf(fresh).length, 0);
  fresh.behaviour = {};
  await waitFor("the server has requests", () => requestsOf(fresh).length > 0);
  await load.stop();
  assert.deepEqual([...load.errors], []);
  const passed = fresh.requests.findIndex(({ url, status }) => url === "/health" && status === 200);
  const first = fresh.requests.findIndex(({ url }) => url !== "/health");
  assert.ok(passed >= 3 && passed < first, `check ${passed} passed, but request ${first} came first`);
  const changes = (await recordedEvents(api, fresh.address, 2)).map(({ old_state, new_state }) => [
    old_state,
    new_state,
  ]);
  assert.deepEqual(changes, [
    ["checking", "unhealthy"],
    ["unhealthy", "up"],
  ]);
});

test('a server whose first check hangs is in the state "checking"; without another server clients get 502', async (context) => {
  const backend = await startBackend(context);
  backend.behaviour = { hang: 1 };
  const app = { servers: [{ server: backend.address }], health_check: { ...check, timeout: "30s" } };
  const gateway = await startGateway(context, { upstreams: { app } });
  gateway.log.allow(NONE_LEFT);
  await waitFor("the server is checked", () => backend.requests.length > 0);
  await assertKeptOut(gateway.api, backend, "checking", async () => {
    for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).status, 502);
  });
  const { health_checks, downtime } = (await peersOf(gateway.api)).get(backend.address);
  assert.deepEqual(health_checks, { checks: 0, fails: 0, unhealthy: 0 });
  assert.ok(downtime > 0);
});

test("slow_start begins with the first passed check", async (context) => {
  const [old, fresh] = await startBackends(context, 2);
  const app = { servers: [{ server: old.address }], health_check: check };
  const gateway = await startGateway(context, { upstreams: { app }, listen: "reuseport" });
  const { api } = gateway;
  await becomes(api, old.address, "up");
  fresh.behaviour = { delay: 600 };
  await api.expect(201, "POST", serversOf(), { server: fresh.address, slow_start: "2s" });
  await becomes(api, fresh.address, "up");
  fresh.behaviour = {};
  const [{ time }] = await recordedEvents(api, fresh.address, 1);
  await assertShare(context, gateway, fresh, { from: Date.parse(time), lasts: 2000 }, [800, 1300]);
});

test("after a restart a mandatory check must pass again, unless it is persistent", async (context) => {
  for (const persistent of [false, true]) {
    const [well, ill] = await startBackends(context, 2);
    const gateway = await startGateway(context, {
      upstreams: { app: { servers: [], health_check: { ...check, interval: "1h", persistent } } },
    });
    const { api } = gateway;
    gateway.log.allow(NONE_LEFT);
    ill.behaviour = { status: 503 };
    for (const { address } of [well, ill]) await api.expect(201, "POST", serversOf(), { server: address });
    await becomes(api, well.address, "up");
    await becomes(api, ill.address, "unhealthy");
    await gateway.reload();
    assert.equal((await ask(gateway.port)).status, 200, "a reload does not count as a restart");

    await gateway.stop();
    await gateway.start();
    const { status } = await ask(gateway.port);
    assert.deepEqual(
      [await stateOf(api, well.address), status],
      persistent ? ["up", 200] : ["checking", 502],
    );
    assert.equal(await stateOf(api, ill.address), "unhealthy", "an unhealthy server stays unhealthy");
    assert.equal(requestsOf(ill).length, 0);
    await api.expect(200, "PATCH", sluice(), { health_check: { ...check, persistent } });
    await becomes(api, well.address, "up");
    assert.equal((await ask(gateway.port)).status, 200);
    await becomes(api, ill.address, "unhealthy");
    assert.equal(requestsOf(ill).length, 0);
  }
});

test("a server that has never passed receives no request after a restart, even with a persistent check", async (context) => {
  const backend = await startBackend(context);
  backend.behaviour = { hang: 1 };
  const health_check = { ...check, interval: "1h", timeout: "30s", persistent: true };
  const gateway = await startGateway(context, { upstreams: { app: { health_check } } });
  const { api } = gateway;
  gateway.log.allow(NONE_LEFT);
  await api.expect(201, "POST", serversOf(), { server: backend.address });
  await waitFor("the server is checked", () => backend.requests.length > 0);
  await gateway.stop();
  await gateway.start();
  await assertKeptOut(api, backend, "checking", async () => {
    for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).status, 502);
  });
});
