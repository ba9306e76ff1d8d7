/** Servers register themselves, renew their registration, and are removed when they do not renew it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { nodeOf, startNodes } from "../gateway/support/nodes.mjs";
import { peersOf, serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

test("a server registers itself, receives requests, renews, changes and leaves", async (context) => {
  const [first] = await startBackends(context, 1);
  const { api, port } = await startGateway(context, { servers: [] });
  const body = { server: first.address, weight: 3, ttl: "5s", meta: { zone: "eu" }, incarnation: "1" };
  const before = Date.now();
  const created = await api.put(nodeOf("one"), body);
  const after = Date.now();
  assert.equal(created.status, 201, created.text);
  const { expires, ...shown } = created.body;
  assert.deepEqual(shown, {
    node: "one",
    ttl: "5s",
    incarnation: "1",
    meta: { zone: "eu" },
    id: 0,
    server: first.address,
    weight: 3,
    max_conns: 0,
    max_fails: 1,
    fail_timeout: "10s",
    slow_start: "0s",
    route: "",
    zone: "eu",
    backup: false,
    down: false,
    source: "register",
  });
  // nginx reads the clock once in each round of its event loop.
  const [earliest, latest] = [before + 5000 - 1000, after + 5000 + 10];
  assert.ok(Date.parse(expires) >= earliest && Date.parse(expires) <= latest, expires);
  assert.equal((await ask(port)).status, 200);

  const revision = (await api.get(sluice())).headers.etag;
  await sleep(20);
  const renewed = await api.expect(200, "PUT", nodeOf("one"), body);
  assert.ok(renewed.expires > expires, "a renewal extends the registration");
  assert.equal((await api.get(sluice())).headers.etag, revision, "a renewal does not change the ETag");

  await api.expect(200, "PUT", nodeOf("one"), { ...body, weight: 5 });
  const peer = (await peersOf(api)).get(first.address);
  assert.equal(peer.weight, 5);
  assert.equal(peer.requests, 1, "a server with another weight is the same server");
  await api.expect(201, "PUT", nodeOf("one"), { ...body, incarnation: 2 });
  assert.equal((await peersOf(api)).get(first.address).requests, 0, "a new incarnation starts fresh");

  const all = await api.expect(200, "GET", `${sluice()}/nodes`);
  assert.deepEqual(Object.keys(all), ["one"]);
  assert.equal((await api.expect(200, "GET", nodeOf("one"))).incarnation, "2");
  await api.expect(204, "DELETE", nodeOf("one"));
  await api.expect(404, "DELETE", nodeOf("one"));
  await api.expect(404, "GET", nodeOf("one"));
  assert.deepEqual(await api.expect(200, "GET", serversOf()), []);
});

test("a server has the zone of its registration, or else that of its metadata", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  const zoneOf = async (/** @type {object} */ more, status = 200) =>
    (await api.expect(status, "PUT", nodeOf("one"), { server: someAddress(1), ttl: "60s", ...more })).zone;
  assert.equal(await zoneOf({}, 201), undefined);
  assert.equal(await zoneOf({ meta: { zone: "eu-1a" } }), "eu-1a");
  assert.equal((await api.expect(200, "GET", `${serversOf()}/0`)).zone, "eu-1a");
  assert.equal(await zoneOf({ zone: "eu-1b", meta: { zone: "eu-1a" } }), "eu-1b");
  const long = "z".repeat(65);
  assert.equal(await zoneOf({ meta: { zone: long } }), undefined, "metadata may be about something else");
  await api.expect(400, "PUT", nodeOf("one"), { server: someAddress(1), ttl: "60s", zone: long });
});

test("a registration with another spelling of the address is a renewal", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  const created = await api.expect(201, "PUT", nodeOf("one"), { server: "[::1]:81", ttl: "60s" });
  for (const server of ["[0:0:0:0:0:0:0:1]:081", "[0::1]:81"]) {
    const renewed = await api.expect(200, "PUT", nodeOf("one"), { server, ttl: "60s" });
    assert.deepEqual([renewed.id, renewed.server], [created.id, server]);
    const taken = await api.put(nodeOf("two"), { server: "[::1]:0081", ttl: "60s" });
    assert.deepEqual([taken.status, taken.body.error.code], [409, "EntryExists"]);
  }
});

test("an invalid registration is refused and changes nothing", async (context) => {
  const { api } = await startGateway(context, { servers: [someAddress(1)] });
  await api.expect(201, "PUT", nodeOf("taken"), { server: someAddress(2), ttl: "60s" });
  const before = await api.configuration();
  const good = { server: someAddress(3), ttl: "60s" };
  for (const [status, body, field] of [
    [400, { server: someAddress(3) }, '"ttl"'],
    [400, { ttl: "3s" }, '"server"'],
    [400, { ...good, ttl: "999ms" }, '"ttl"'],
    [400, { ...good, ttl: 3 }, '"ttl"'],
    [400, { ...good, meta: "x" }, '"meta"'],
    [400, { ...good, meta: { a: { b: "c" } } }, '"meta.a"'],
    [400, { ...good, incarnation: true }, '"incarnation"'],
    [400, { ...good, wieght: 3 }, '"wieght"'],
    [400, { ...good, weight: 0 }, '"weight"'],
    [400, { ...good, source: "" }, '"source"'],
    [400, { ...good, server: "example.com" }, '"server"'],
    [409, { ...good, server: someAddress(1) }, someAddress(1)],
    [409, { ...good, server: someAddress(2) }, someAddress(2)],
    [415, "[]", "JSON"],
  ]) {
    const answer = await api.put(nodeOf("new"), body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
    assert.ok(answer.body.error.text.includes(field), answer.text);
  }
  const long = await api.put(nodeOf("x".repeat(129)), good);
  assert.equal(long.status, 400, long.text);
  await api.expect(404, "PUT", "/api/sluice/1/upstreams/nobody/nodes/n", good);
  assert.equal(await api.configuration(), before);
});

test("the metadata of a node is not a parameter of its server", async (context) => {
  const { api } = await startGateway(context, { servers: [someAddress(1)] });
  const meta = { leave_by: "2000-01-01T00:00:00.000Z", server: someAddress(3), source: "discovery" };
  const { id } = await api.expect(201, "PUT", nodeOf("n"), { server: someAddress(2), ttl: "60s", meta });
  await api.expect(404, "GET", `${sluice()}/servers/${id}/drain`);
  await api.expect(404, "DELETE", `${serversOf()}/?server=${someAddress(3)}`);
  await api.expect(201, "POST", serversOf(), { server: someAddress(3) });
  // A drain job would remove the server within about a second.
  await sleep(2500);
  assert.equal((await api.expect(200, "GET", serversOf())).length, 3);
});

test("registrations survive a restart, each with a full ttl", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  for (const number of [1, 2, 3]) {
    const body = { server: someAddress(number), ttl: number === 3 ? "4s" : "60s" };
    await api.expect(201, "PUT", nodeOf(`n${number}`), body);
  }
  await gateway.stop();
  await sleep(4000);
  await gateway.start();
  await waitForServers(
    gateway,
    [1, 2, 3].map((number) => someAddress(number)),
    0,
  );
  await waitForServers(
    gateway,
    [1, 2].map((number) => someAddress(number)),
    10_000,
  );
});

test("300 nodes survive reloads and a crash, and 100 that stop are removed in time, but never all at once", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  // Long enough for a slow machine to renew all of them in time.
  const ttl = 10;
  const many = startNodes(context, gateway, 200, { ttl: `${ttl}s` });
  const some = startNodes(context, gateway, 100, { ttl: `${ttl}s`, first: 200 });
  const count = async () => (await api.expect(200, "GET", serversOf())).length;
  await waitFor("all nodes have registered", async () => (await count()) === 300);
  const ids = new Set((await api.expect(200, "GET", serversOf())).map(({ id }) => id));
  for (let turn = 0; turn < 2; turn += 1) {
    await gateway.reload();
    await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
    await gateway.killWorker();
    await sleep(1500);
  }
  // A lost renewal of a killed worker would cause an expiry.
  await sleep(ttl * 1000);
  context.diagnostic(`longest time between renewals: ${Math.max(many.longestGap, some.longestGap)} ms`);
  const now = await api.expect(200, "GET", serversOf());
  assert.deepEqual(
    new Set(now.map(({ id }) => id)),
    ids,
    "no registration has expired and been created again",
  );
  assert.deepEqual([...many.failures, ...some.failures], []);
  assert.equal(many.created + some.created, 300);

  await some.stop();
  await waitFor("the stopped nodes are removed", async () => (await count()) === 200, 2 * ttl * 1000);
  await many.stop();
  await sleep((ttl + 5) * 1000);
  const left = await count();
  assert.ok(left >= 100, `${left} of 200 stay when all stop at once`);
  const warnings = gateway.log.entries("warn").filter((line) => line.includes("have not renewed"));
  assert.ok(warnings.length >= 1 && warnings.length < 5, warnings.join("\n"));
});
