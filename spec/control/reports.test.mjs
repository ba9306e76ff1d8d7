/** Pushed reports: a reported state takes effect with the next request of every worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { allEvents, becomes, eventsOf, NONE_LEFT, stateOf } from "../gateway/support/health.mjs";
import { ask } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { askEach, newClients } from "../gateway/support/sessions.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import {
  assertGetsNothing,
  assertIsUsed,
  assertReported,
  reportTo,
  SHOWN,
  startReporting,
  startReportingServers,
} from "./support/reporting.mjs";

test("a reported state takes effect with the next request of every worker, however it is pushed", async (context) => {
  const [byHand, other, node] = await startBackends(context, 3);
  const servers = [{ server: byHand.address }, { server: other.address }];
  const running = await startReporting(context, { app: { servers } });
  const { api } = running;
  const registration = { server: node.address, ttl: "60s" };
  const { id } = await api.expect(201, "PUT", nodeOf("one"), registration);
  const revision = (await api.get(sluice())).headers.etag;
  /** @type {[name: string, server: typeof node, send: (report: object) => Promise<unknown>][]} */
  const doors = [
    ["a server's", byHand, (report) => api.expect(204, "POST", reportTo(0), report)],
    ["a node's", node, (report) => api.expect(204, "POST", `${nodeOf("one")}/report`, report)],
    ["a node's id", node, (report) => api.expect(204, "POST", reportTo(id), report)],
    ["a renewal", node, (report) => api.expect(200, "PUT", nodeOf("one"), { ...registration, report })],
  ];
  for (const [name, server, send] of doors) {
    await assertIsUsed(running.clients, server);
    const events = (await allEvents(api)).length;
    let before = "up";
    for (const state of /** @type {const} */ (["down", "drain", "up", "drain", "down", "up"])) {
      await send({ utilization: 0.5, state });
      await assertReported(running, server, state, before);
      // A repeated or omitted state is not a change.
      await send({ state });
      await send({ utilization: 0.25, connections: 3, rps: 10, eps: 0 });
      assert.equal(await stateOf(api, server.address), SHOWN[state]);
      before = SHOWN[state];
    }
    assert.equal((await allEvents(api)).length, events + 6, name);
  }
  assert.equal(
    (await api.get(sluice())).headers.etag,
    revision,
    "no report is a change of the configuration",
  );
});

test("a node reports with its first registration, and after a restart it is a new server", async (context) => {
  const { backends, gateway, api, clients } = await startReportingServers(context, 1);
  const [node] = await startBackends(context, 1);
  const registration = { server: node.address, ttl: "60s", incarnation: "1" };
  await api.expect(201, "PUT", nodeOf("n"), { ...registration, report: { state: "down" } });
  await assertGetsNothing(gateway, clients, node);
  assert.equal(await stateOf(api, node.address), "down");
  await api.expect(200, "PUT", nodeOf("n"), { ...registration, weight: 2 });
  assert.equal(await stateOf(api, node.address), "down", "other parameters do not change the reported state");
  await api.expect(201, "PUT", nodeOf("n"), { ...registration, incarnation: "2" });
  assert.equal(await stateOf(api, node.address), "up");
  await assertIsUsed(clients, node);
  assert.equal(await stateOf(api, backends[0].address), "up");
});

test('a server that reports "draining" keeps its bound clients, and a server that reports "down" loses them', async (context) => {
  const running = await startReportingServers(context, 3, { sticky: { cookie: { name: "srv" } } });
  const { backends, gateway, api } = running;
  const clients = await newClients(gateway.port, 30);
  const bound = clients.filter(({ server }) => server === backends[0].id);
  assert.ok(bound.length > 3);
  await api.expect(204, "POST", reportTo(0), { state: "drain" });
  assert.deepEqual(await askEach(clients), [], "all clients keep their servers");
  await assertReported(running, backends[0], "drain", "up");
  await api.expect(204, "POST", reportTo(0), { state: "down" });
  assert.deepEqual(
    new Set(await askEach(clients)),
    new Set(bound),
    "all clients of the server have another one",
  );
  assert.ok(clients.every(({ server }) => server !== backends[0].id));
});

test("a reported state is shown beside parameters and health, with every method", async (context) => {
  const running = await startReportingServers(context, 3);
  const { backends, gateway, api, clients } = running;
  const [first] = backends;
  await api.expect(204, "POST", reportTo(0), { state: "drain" });
  for (const [method, more] of [
    ["least_conn", {}],
    ["random", {}],
    ["hash", { hash: { key: "$request_id", consistent: true } }],
    ["ip_hash", { hash: null }],
    ["least_time", {}],
    ["round_robin", {}],
  ]) {
    const least_time = method === "least_time" ? {} : null;
    await api.expect(200, "PATCH", sluice(), { method, least_time, ...more });
    await assertGetsNothing(gateway, clients, first);
  }
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 9 });
  await assertGetsNothing(gateway, clients, first);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  assert.equal(await stateOf(api, first.address), "down");
  await api.expect(204, "POST", reportTo(0), { state: "up" });
  assert.equal(
    await stateOf(api, first.address),
    "down",
    "the parameter down takes precedence over the reported state",
  );
  await assertGetsNothing(gateway, clients, first);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: false });
  await assertIsUsed(clients, first);
  await api.expect(204, "POST", reportTo(0), { state: "down" });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  assert.equal(await stateOf(api, first.address), "down");
  const [, , third] = backends;
  await api.expect(200, "PATCH", `${serversOf()}/0`, {
    drain: false,
    server: `${first.address}0`.slice(0, -1),
  });
  assert.equal(await stateOf(api, first.address), "down", "a server at the same address is the same server");
  await api.expect(200, "DELETE", `${serversOf()}/2`);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { server: third.address });
  assert.equal(await stateOf(api, third.address), "up", "a server at another address is another server");
});

test('a backup receives the requests while all other servers report "down", and without a backup clients get 502', async (context) => {
  const [first, backup] = await startBackends(context, 2);
  const servers = [{ server: first.address }, { server: backup.address, backup: true }];
  const { gateway, api, clients } = await startReporting(context, { app: { servers } });
  gateway.log.allow(NONE_LEFT);
  await api.expect(204, "POST", reportTo(0), { state: "down" });
  await assertGetsNothing(gateway, clients, first);
  await api.expect(204, "POST", reportTo(1), { state: "drain" });
  for (const client of clients) assert.equal((await client.get("/")).status, 502);
  await api.expect(204, "POST", reportTo(0), { state: "up" });
  for (const client of clients) assert.equal((await client.get("/")).text, first.id);
});

test("a reported state survives a reload, a killed worker and a restart as long as the server reports", async (context) => {
  const running = await startReportingServers(context, 3, { load: { expiry: "4s" } });
  const { backends, gateway, api } = running;
  const [draining, down, other] = backends;
  const began = performance.now();
  await api.expect(204, "POST", reportTo(0), { state: "drain" });
  await api.expect(204, "POST", reportTo(1), { state: "down" });
  const answerers = async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(gateway.port)));
    return new Set(answers.map(({ text }) => text));
  };
  const assertKept = async (/** @type {string} */ when) => {
    for (const id of [0, 1]) await api.expect(204, "POST", reportTo(id), { utilization: 0.1 });
    assert.deepEqual(await answerers(), new Set([other.id]), when);
    assert.equal(await stateOf(api, draining.address), "draining", when);
    assert.equal(await stateOf(api, down.address), "down", when);
  };
  await gateway.reload();
  await assertKept("after a reload");
  await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
  await gateway.killWorker();
  await assertKept("after the death of a worker");
  await waitFor("the first report alone would have expired", async () => {
    await assertKept("meanwhile");
    return performance.now() - began > 4200;
  });
  await gateway.stop();
  await gateway.start();
  assert.deepEqual(await answerers(), new Set([other.id]), "before the next report");
  await assertKept("after a restart");
  for (const id of [0, 1]) await api.expect(204, "POST", reportTo(id), { state: "up" });
  assert.deepEqual(await answerers(), new Set(backends.map(({ id }) => id)));
});

test('a reported state ends when no report comes for "load.expiry"', async (context) => {
  const { backends, gateway, api, clients } = await startReportingServers(context, 2, {
    load: { expiry: "1s" },
  });
  const [first] = backends;
  const began = performance.now();
  await api.expect(204, "POST", reportTo(0), { state: "down" });
  await assertGetsNothing(gateway, clients, first);
  // A timer of the workers ends expired states every 10 s.
  await waitFor("the server is up", async () => (await stateOf(api, first.address)) === "up", 20_000);
  assert.ok(performance.now() - began > 1000);
  // The event follows the change of the state.
  await waitFor("both events are recorded", async () => (await eventsOf(api, first.address)).length === 2);
  const events = await eventsOf(api, first.address);
  assert.deepEqual(
    events.map(({ old_state, new_state, reason }) => [old_state, new_state, reason]),
    [
      ["up", "down", 'it reports "down"'],
      ["down", "up", "it has reported nothing for 1 s"],
    ],
  );
  await assertIsUsed(clients, first);
  await becomes(api, first.address, "up");
});
