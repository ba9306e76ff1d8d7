/** A reload loses no request, no write and no count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, askAll, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { isRunning } from "./support/processes.mjs";
import { settledPeersOf, serversOf, sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";
import { startWriters } from "./support/writers.mjs";

useWorkers(4);

test("a reload under load fails no request and loses no count", async (context) => {
  const backends = await startBackends(context, 3);
  const gateway = await startGateway(context, {
    servers: backends.slice(0, 2).map(({ address }) => address),
  });
  await gateway.api.expect(201, "POST", serversOf(), { server: backends[2].address });
  // nginx closes kept connections when it reloads, even if a request is about to arrive. Each request
  // therefore has its own connection.
  const load = startLoad(context, { port: gateway.port, connections: 16, keepAlive: false, pause: 10 });
  let counted = 0;
  for (let turn = 0; turn < 4; turn += 1) {
    await load.round();
    await gateway.reload();
    const requests = await sumOf(gateway.api, "requests");
    assert.ok(requests > counted, `${requests} requests are counted after ${counted}`);
    counted = requests;
  }
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], [], "no request fails");

  const peers = await settledPeersOf(gateway.api);
  for (const { address, requests } of backends) {
    const peer = peers.get(address);
    assert.equal(peer.requests, requests.length, `${address}: requests`);
    assert.equal(peer.responses["2xx"], requests.length, `${address}: responses`);
    assert.equal(peer.active, 0, `${address}: active`);
  }
  assert.equal(await sumOf(gateway.api, "requests"), load.begun);
});

test("a request that outlasts a reload is finished and counted", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const held = ask(gateway.port, "/?hold=1");
  await waitFor("the request is in flight", async () => (await sumOf(gateway.api, "active")) === 1);
  const before = await gateway.reload();
  assert.equal(await sumOf(gateway.api, "active"), 1, "the request is in flight after the reload");

  backend.release();
  assert.equal((await held).status, 200);
  await waitFor("the old workers have ended", () => !before.some(isRunning));
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.deepEqual([peer.active, peer.requests, peer.responses["2xx"]], [0, 1, 1]);
});

test("a write to a worker that is shutting down after a reload is seen by the new workers", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, { servers: [one.address] });
  const held = ask(gateway.port, "/?hold=1");
  await waitFor("a request is in flight", () => one.active === 1);
  await gateway.reload();
  await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server: other.address }] });
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port)));
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set([other.id]));
  one.release();
  assert.equal((await held).text, one.id);
});

test("a reload during writes loses no acknowledged write", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const writers = startWriters(context, gateway, { count: 4, keepAlive: false });
  for (let turn = 0; turn < 5; turn += 1) {
    await sleep(100);
    await gateway.reload();
  }
  await sleep(100);
  await writers.stop();
  assert.deepEqual(writers.problems, []);
  assert.equal(writers.acknowledged.size, writers.attempted.size, "every write was answered");
  const there = await gateway.api.expect(200, "GET", serversOf());
  assert.deepEqual(new Map(there.map(({ server, id }) => [server, id])), writers.acknowledged);
});

test("a reload with more or fewer workers loses no count", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address], workers: 2 });
  for (const workers of [6, 1, 4]) {
    await askAll(gateway.port, Array(50).fill("/"));
    gateway.configure({ workers });
    await gateway.reload();
  }
  await askAll(gateway.port, Array(50).fill("/"));
  assert.equal(backend.requests.length, 200);
  assert.equal(await sumOf(gateway.api, "requests"), 200);
});

test("changed seeds do not undo changes made at run time, and a new seed is created", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
  const before = await gateway.api.expect(200, "GET", serversOf());
  const shop = { servers: [{ server: "127.0.0.4:9", weight: 3 }] };
  gateway.configure({ servers: ["127.0.0.3:9"], upstreams: { shop } });
  await gateway.reload();
  assert.deepEqual(await gateway.api.expect(200, "GET", serversOf()), before);
  const [server] = await gateway.api.expect(200, "GET", serversOf("shop"));
  assert.deepEqual([server.server, server.weight], ["127.0.0.4:9", 3]);
});
