/**
 * The status of upstreams in the NGINX Plus API: every field, its type, and correct counters over all
 * workers.
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "./support/backend.mjs";
import { assertTrue } from "./support/figures.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, askAll } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { assertOnlyIntegers, assertPeer } from "./support/status_types.mjs";
import { peersOf, serversOf, settledPeersOf, sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

test("the status has every field before and after the first request", async (context) => {
  const backend = await startBackend(context);
  const servers = [
    { server: backend.address, weight: 4 },
    { server: "127.0.0.1:2", backup: true },
    { server: "127.0.0.1:3", down: true },
    { server: "127.0.0.1:4", drain: true },
  ];
  const gateway = await startGateway(context, { upstreams: { app: { servers }, empty: {} } });
  const { api } = gateway;
  const before = await api.get("/api/9/http/upstreams");
  assertOnlyIntegers(before.text);
  assert.deepEqual(Object.keys(before.body).toSorted(), ["app", "empty"]);
  assert.match(before.text, /"peers":\[\]/, "an upstream without servers has an empty list");
  for (const { peers, zone, ...rest } of Object.values(before.body)) {
    assert.deepEqual(rest, { zombies: 0 });
    assert.match(zone, /./);
    peers.forEach(assertPeer);
  }
  const [first, second, third, fourth] = before.body.app.peers;
  assert.deepEqual(
    [first, second, third, fourth].map(({ state, backup, weight }) => [state, backup, weight]),
    [
      ["up", false, 4],
      ["up", true, 1],
      ["down", false, 1],
      ["draining", false, 1],
    ],
  );
  for (const name of ["selected", "header_time", "response_time", "downstart"]) {
    assert.equal(first[name], undefined, `${name} is absent before the first event`);
  }
  assert.deepEqual(first.health_checks, { checks: 0, fails: 0, unhealthy: 0 });
  assert.deepEqual(first.responses, {
    "1xx": 0,
    "2xx": 0,
    "3xx": 0,
    "4xx": 0,
    "5xx": 0,
    codes: {},
    total: 0,
  });

  const asked = Date.now();
  await ask(gateway.port);
  const after = await api.get("/api/9/http/upstreams/app");
  assertOnlyIntegers(after.text);
  after.body.peers.forEach(assertPeer);
  const peer = after.body.peers[0];
  assert.deepEqual([typeof peer.header_time, typeof peer.response_time], ["number", "number"]);
  assert.match(peer.selected, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(
    Math.abs(Date.parse(peer.selected) - asked) < 3000,
    `${peer.selected} is the time of the request`,
  );
  assert.equal(after.body.peers[1].selected, undefined);
});

test("statuses and sizes are counted correctly over all workers", async (context) => {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }, index) => ({ server: address, weight: index + 1 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  const counts = { 200: 150, 201: 20, 204: 20, 301: 30, 304: 10, 404: 40, 418: 5, 500: 20, 503: 15 };
  const sizes = [0, 1, 100, 5000, 200_000];
  const paths = Object.entries(counts).flatMap(([status, count]) =>
    Array.from({ length: count }, (_, index) => {
      const hasBody = status !== "204" && status !== "304";
      return `/?status=${status}&size=${hasBody ? sizes[index % sizes.length] : 0}`;
    }),
  );
  const statuses = await askAll(gateway.port, paths);
  assert.equal(statuses.length, 310);
  for (const [status, count] of Object.entries(counts)) {
    assert.equal(statuses.filter((one) => one === Number(status)).length, count);
  }
  const peers = await settledPeersOf(gateway.api);
  for (const backend of backends) {
    const peer = peers.get(backend.address);
    assertTrue(peer, backend);
    assert.deepEqual([peer.active, peer.fails, peer.unavail, peer.downtime], [0, 0, 0, 0]);
  }
  assert.equal(await sumOf(gateway.api, "requests"), 310);
});

test("request bodies, HEAD and kept client connections are counted correctly", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  await ask(gateway.port, "/", { method: "POST", body: "x".repeat(50_000) });
  await ask(gateway.port, "/?size=1000", { method: "HEAD" });
  await ask(gateway.port, "/", { headers: { "X-Long": "y".repeat(3000) } });
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.ok(peer.sent > 53_000);
  assertTrue(peer, backend);
});

test("requests in flight on every worker are counted as active", async (context) => {
  const backends = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    servers: backends.map(({ address }) => address),
    listen: "reuseport",
  });
  const held = Array.from({ length: 24 }, () => ask(gateway.port, "/?delay=3000"));
  await waitFor("all requests are in flight", () => backends[0].active + backends[1].active === 24);
  const peers = await peersOf(gateway.api);
  for (const { address, active } of backends) assert.equal(peers.get(address).active, active);
  await Promise.all(held);
  await settledPeersOf(gateway.api);
  assert.equal(await sumOf(gateway.api, "requests"), 24);
});

test("header_time and response_time are averages in milliseconds", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  await Promise.all(Array.from({ length: 8 }, () => ask(gateway.port, "/?delay=150&body_delay=150")));
  const { header_time, response_time } = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.ok(header_time >= 145 && header_time < 1000, `header_time ${header_time}`);
  const body_time = response_time - header_time;
  assert.ok(body_time >= 130 && body_time < 1000, `response_time ${response_time}`);
});

test("a client that closes its connection is not a failure of the server", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const clients = Array.from({ length: 6 }, () => {
    const sent = request({ host: "127.0.0.1", port: gateway.port, path: "/?delay=20000", agent: false });
    return sent.on("error", () => {}).end();
  });
  await waitFor("all requests are in flight", async () => (await sumOf(gateway.api, "active")) === 6);
  clients.forEach((client) => client.destroy());
  await waitFor("no request is in flight", async () => (await sumOf(gateway.api, "active")) === 0, 10_000);
  const { requests, fails, responses } = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.deepEqual([requests, fails, responses.total], [6, 0, 0]);
});

test("a deleted server that still answers is a zombie", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, { servers: [one.address] });
  const { api } = gateway;
  const zombies = async () => (await api.expect(200, "GET", "/api/9/http/upstreams/app")).zombies;
  const held = Array.from({ length: 3 }, () => ask(gateway.port, "/?hold=1"));
  await waitFor("all requests are in flight", () => one.active === 3);
  await api.expect(200, "PUT", sluice(), { servers: [{ server: other.address }] });
  assert.equal(await zombies(), 1);
  one.release();
  for (const { status, text } of await Promise.all(held)) assert.deepEqual([status, text], [200, one.id]);
  await waitFor("the deleted server is forgotten", async () => (await zombies()) === 0);
  assert.equal(
    (await settledPeersOf(api)).get(other.address).requests,
    0,
    "the requests are counted at no other server",
  );
});

test("late counts of a deleted server do not go to the server that reuses its counters", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, { servers: [one.address] });
  const { api } = gateway;
  for (let turn = 0; turn < 5; turn += 1) {
    const held = Array.from({ length: 4 }, () => ask(gateway.port, "/?delay=200"));
    const before = one.active;
    await waitFor("all requests are in flight", () => one.active === before + 4);
    await api.expect(200, "PUT", sluice(), { servers: [{ server: other.address }] });
    await api.expect(200, "PUT", sluice(), { servers: [{ server: one.address }] });
    await Promise.all(held);
    const { requests, active, responses } = (await settledPeersOf(api)).get(one.address);
    assert.deepEqual([requests, active, responses.total], [0, 0, 0]);
  }
});

test("DELETE resets the statistics and nothing else", async (context) => {
  const backends = await startBackends(context, 2);
  const gateway = await startGateway(context, { servers: backends.map(({ address }) => address) });
  const { api } = gateway;
  await askAll(gateway.port, Array(20).fill("/"));
  await settledPeersOf(api);
  const held = ask(gateway.port, "/?delay=500");
  await waitFor("one request is in flight", async () => (await sumOf(api, "active")) === 1);
  const servers = await api.get(serversOf());
  const answer = await api.delete("/api/9/http/upstreams/app");
  assert.deepEqual([answer.status, answer.text], [204, ""]);
  assert.equal((await api.get(serversOf())).text, servers.text);
  assert.equal(await sumOf(api, "requests"), 0);
  assert.equal(await sumOf(api, "sent"), 0);
  assert.equal(await sumOf(api, "active"), 1, "requests in flight stay counted");
  await held;
  await settledPeersOf(api);

  await sleep(10);
  await askAll(gateway.port, Array(10).fill("/"));
  assert.equal(await sumOf(api, "requests"), 10, "counting continues");
});
