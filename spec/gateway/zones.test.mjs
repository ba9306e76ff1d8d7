/**
 * `zones`: an upstream prefers the servers in the zone of the gateway as long as these can carry the load. The
 * unit specs test the shares themselves.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { startLoad } from "./support/load.mjs";
import { scrape } from "./support/metrics.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";
import { countZones, explainedZones, IN_EACH, startZoned, ZONES } from "./support/zones.mjs";

useWorkers(2);

const report = (/** @type {number} */ load) => ({ load_metrics: `TEXT cpu_utilization=${load}` });

test("all requests but the probes stay in the zone, and the probes reach the others", async (context) => {
  const zoned = await startZoned(context);
  const { a, b, c, errors, backends } = await countZones(context, zoned, 400);
  assert.deepEqual(errors, []);
  assert.equal(a + b + c, 400);
  // Of 200 requests of a worker, one is a probe.
  assert.ok(a >= 398, `${b + c} requests have left`);
  assert.ok(
    zoned.servers.a.every(({ address }) => (backends.get(address) ?? 0) > 50),
    "round robin",
  );
  await waitFor("both zones are probed", async () => {
    await countZones(context, zoned, 400);
    return [...zoned.servers.b, ...zoned.servers.c].filter(({ requests }) => requests.length > 0).length > 4;
  });
});

test("without a zone of the gateway, and without zones of the upstream, all servers are equal", async (context) => {
  for (const [settings, options] of [
    [{}, {}],
    [{ zones: { prefer: false } }, { zone: "a" }],
    [{ zones: undefined }, { zone: "a" }],
    [{}, { zone: "elsewhere" }],
  ]) {
    const zoned = await startZoned(context, settings, {}, Object.assign({}, options));
    const { a, b, c } = await countZones(context, zoned, 300);
    for (const count of [a, b, c]) assert.ok(Math.abs(count - 100) <= 2 * IN_EACH, `${a}, ${b}, ${c}`);
  }
});

test("when the local zone is killed, no client sees an error, and requests return with the servers", async (context) => {
  const zoned = await startZoned(context, {}, { fail_timeout: "1s" });
  const { gateway, servers, zoneOf } = zoned;
  gateway.log.allow(/connect\(\) failed|prematurely closed|reset by peer/);
  const load = startLoad(context, { port: gateway.port, connections: 4 });
  await waitFor("requests are answered", () => load.answers > 200);
  for (const server of servers.a) server.close();
  await waitFor("the other zones have the requests", async () => {
    const before = load.answers;
    const inZones = () =>
      [...load.backends].filter(([address]) => zoneOf(address) !== "a").reduce((sum, [, n]) => sum + n, 0);
    const remote = inZones();
    await waitFor("200 more requests are answered", () => load.answers >= before + 200);
    return inZones() - remote >= (load.answers - before) * 0.95;
  });
  // The servers work again under the same addresses.
  const again = [];
  for (const server of servers.a)
    again.push(
      await startBackend(context, { id: server.address, port: Number(server.address.split(":")[1]) }),
    );
  await waitFor("the zone has its requests again", async () => {
    const before = load.answers;
    const local = again.reduce((sum, { requests }) => sum + requests.length, 0);
    await waitFor("200 more requests are answered", () => load.answers >= before + 200);
    const now = again.reduce((sum, { requests }) => sum + requests.length, 0);
    return now - local >= (load.answers - before) * 0.9;
  });
  await load.stop();
  assert.deepEqual([...load.errors], []);
});

test("requests leave as local servers fail, in proportion to those that are left", async (context) => {
  const zoned = await startZoned(context);
  for (const id of [0, 3, 6])
    await zoned.gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: true });
  // 1.4 × 2 of 5 servers.
  const { a, b, c } = await countZones(context, zoned, 1000);
  assert.ok(Math.abs(a - 560) <= 10, `${a}`);
  assert.ok(Math.abs(b - c) <= 10, `${b} and ${c}`);
});

test("at least 60 of 100 requests leave when local servers report a load of 0.9 and the others one of 0.2", async (context) => {
  const zoned = await startZoned(context);
  for (const zone of ZONES)
    for (const server of zoned.servers[zone]) server.behaviour = report(zone === "a" ? 0.9 : 0.2);
  await waitFor("60 of 100 requests leave", async () => (await countZones(context, zoned, 100)).a <= 40);
  // Equal loads bring them back.
  for (const zone of ZONES) for (const server of zoned.servers[zone]) server.behaviour = report(0.5);
  await waitFor("requests stay", async () => (await countZones(context, zoned, 100)).a >= 99);
});

test("requests leave before the local servers have max_conns requests, and none fails when they have", async (context) => {
  const zoned = await startZoned(context, {}, { max_conns: 4 });
  const { gateway, servers } = zoned;
  const active = () => servers.a.reduce((sum, server) => sum + server.active, 0);
  for (let held = 1; held <= 12; held += 1) {
    begin(context, gateway.port, "/?hold=1");
    await waitFor(
      "the request is held",
      () =>
        ZONES.reduce((sum, zone) => sum + servers[zone].reduce((all, one) => all + one.active, 0), 0) ===
        held,
    );
  }
  // 12 of 20 places are taken in the zone, and none of the others.
  const before = active();
  assert.ok(before >= 8, `${before} requests are held in the zone`);
  await waitFor("half of 100 requests leave", async () => (await countZones(context, zoned, 100)).a <= 50);
  assert.ok(active() < 20, "the zone is not full");
  for (const server of ZONES.flatMap((zone) => servers[zone])) server.release();
  await waitFor("requests stay", async () => (await countZones(context, zoned, 100)).a >= 99);
});

test("zones are ignored below min_servers, and explain says why", async (context) => {
  const zoned = await startZoned(context, { zones: { min_servers: 6 } });
  const { gateway } = zoned;
  const { a, b, c } = await countZones(context, zoned, 300);
  for (const count of [a, b, c]) assert.ok(Math.abs(count - 100) <= 10, `${a}, ${b}, ${c}`);
  const ignored = await explainedZones(zoned);
  assert.deepEqual([ignored.own, ignored.in_effect], ["a", false]);
  assert.equal(ignored.reason, 'the zone "a" has 5 servers, and "min_servers" is 6');
  assert.ok(ignored.zones.every((zone) => zone.share_percent === undefined && zone.servers === 5));

  await gateway.api.expect(200, "PATCH", sluice(), { zones: { min_servers: 5 } });
  assert.ok((await countZones(context, zoned, 300)).a >= 298);
  assert.equal((await explainedZones(zoned)).in_effect, true);
});

test("a server whose zone is changed gets the requests of that zone, and keeps its counters", async (context) => {
  const zoned = await startZoned(context);
  const { gateway, servers } = zoned;
  await countZones(context, zoned, 200);
  const [moved] = servers.b;
  const path = `${serversOf()}/1`;
  await gateway.api.expect(200, "PATCH", path, { zone: "a" });
  const before = moved.requests.length;
  await countZones(context, zoned, 300);
  assert.ok(moved.requests.length - before >= 48, `${moved.requests.length - before} requests`);
  const { requests } = (await peersOf(gateway.api)).get(moved.address);
  assert.equal(requests, moved.requests.length);
  await gateway.api.expect(200, "PATCH", path, { zone: "c" });
  const inZone = moved.requests.length;
  await countZones(context, zoned, 300);
  assert.ok(moved.requests.length - inZone <= 2);
});

test("a key stays at its server in the zone, leaves when the zone fails, and returns", async (context) => {
  const settings = { method: "hash", hash: { key: "$arg_key", consistent: true } };
  const zoned = await startZoned(context, settings);
  const { gateway, servers } = zoned;
  const keys = 300;
  const path = (/** @type {number} */ number) => `/?key=${number}`;
  const placesOf = async () => {
    const { backends } = await countZones(context, zoned, keys, path);
    return [...backends].sort();
  };
  const before = await placesOf();
  const { a } = await countZones(context, zoned, keys, path);
  assert.ok(a >= keys * 0.97 && a <= keys, `${a} of ${keys} keys are in the zone`);
  assert.deepEqual(await placesOf(), before);

  const ids = [0, 3, 6, 9, 12];
  for (const id of ids) await gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: true });
  const away = await placesOf();
  assert.ok(away.every(([address]) => zoned.zoneOf(address) !== "a"));
  assert.deepEqual(await placesOf(), away, "the keys have places");
  for (const id of ids) await gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: false });
  assert.deepEqual(await placesOf(), before);
  assert.equal(servers.a.length, IN_EACH);
});

test("a client that is bound to a server of another zone stays there", async (context) => {
  const zoned = await startZoned(context, { sticky: { route: { variables: ["$arg_r"] } } });
  const [{ address }] = zoned.servers.c;
  await zoned.gateway.api.expect(200, "PATCH", `${serversOf()}/2`, { route: "c0" });
  const { backends } = await countZones(context, zoned, 50, "/?r=c0");
  assert.deepEqual([...backends], [[address, 50]]);
  assert.ok((await countZones(context, zoned, 100)).a >= 99);
});

test("explain and the metrics show the zones, and the status the zone of each server", async (context) => {
  const zoned = await startZoned(context, {}, { max_conns: 10 });
  const { gateway } = zoned;
  await countZones(context, zoned, 10);
  await gateway.api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });
  const { own, in_effect, reason, zones } = await explainedZones(zoned);
  assert.deepEqual([own, in_effect], ["a", true]);
  assert.equal(reason, "local servers are preferred as long as they can carry the load");
  assert.deepEqual(
    zones.map(({ zone, local, servers, available }) => [zone, local, servers, available]),
    [
      ["a", true, 5, 5],
      ["b", false, 5, 4],
      ["c", false, 5, 5],
    ],
  );
  assert.equal(zones[0].share_percent, 99.5);
  assert.ok(zones[0].utilization <= 1);
  const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
  assert.deepEqual(
    servers.slice(0, 3).map(({ zone }) => zone),
    ZONES,
  );

  const metrics = await scrape(gateway);
  const value = (/** @type {string} */ name, /** @type {string} */ zone) =>
    metrics.value(`sluice_upstream_zone_${name}`, { upstream: "app", zone });
  assert.equal(value("share", "a"), 0.995);
  assert.ok(Math.abs(value("share", "b") + value("share", "c") - 0.005) < 1e-9);
  assert.equal(value("servers", "b"), 5);
  assert.equal(value("available", "b"), 4);
  assert.ok(value("utilization", "a") <= 1);

  const status = await gateway.api.expect(200, "GET", `${sluice()}/status`);
  assert.deepEqual(
    status.servers.slice(0, 3).map(({ zone }) => zone),
    ZONES,
  );
});
