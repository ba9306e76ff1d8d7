/** `max_conns` is exact over all workers: a server never has more simultaneous requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { begin, clientsByWorker } from "./support/clients.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { toLua } from "./support/nginx_conf.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { times } from "./support/repeat.mjs";
import { settledPeersOf, serversOf, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** Number of connections, which keeps each server at its limit. */
const usual = 60;
const workers = 4;

/** The error that nginx logs when every server is full. */
const full = /no live upstreams while connecting to upstream/;

/**
 * Starts a gateway whose workers have separate listening sockets, so that the kernel spreads connections over
 * them.
 * @param {import("node:test").TestContext} context
 * @param {object[]} servers
 */
function startLimited(context, servers) {
  return startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport", workers });
}

/**
 * Loads a gateway until each server has reached its limit, and then for some more rounds of answers. Asserts
 * that no server exceeded its limit.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/backend.mjs").Backend[]} backends
 * @param {number[]} bounds
 * @param {{ connections?: number, rounds?: number }} [load]
 */
async function assertFilled(context, gateway, backends, bounds, { connections = usual, rounds = 4 } = {}) {
  const peaks = watchPeaks(backends);
  const load = startLoad(context, { port: gateway.port, connections });
  await waitFor(`the servers have ${bounds} requests at once`, () =>
    peaks.highest().every((highest, index) => highest >= bounds[index]),
  );
  for (let round = 0; round < times(rounds); round += 1) await load.round();
  await load.stop();
  peaks.stop();
  assert.deepEqual(peaks.highest(), bounds);
  assert.equal(load.workers.size, workers, "all workers served requests");
  return load;
}

test("max_conns=10 under 200 connections never allows more than 10 requests, and uses all 10", async (context) => {
  const [limited, backup] = await startBackends(context, 2);
  const gateway = await startLimited(context, [
    { server: limited.address, max_conns: 10 },
    { server: backup.address, backup: true },
  ]);
  backup.behaviour = { delay: 20 };
  // Short requests free and take places most often. Long requests keep all places taken.
  let answers = 0;
  for (const delay of [1, 20, 5]) {
    limited.behaviour = { delay };
    const load = await assertFilled(context, gateway, [limited], [10], { connections: 200, rounds: 3 });
    assert.deepEqual([...load.errors], [], "the backup serves the other requests");
    answers += load.answers;
  }
  assert.ok(limited.requests.length > 300, `${limited.requests.length} requests`);
  assert.equal(
    await sumOf(gateway.api, "requests"),
    answers,
    "a request that was passed on to the backup is counted once",
  );
  for (const { active } of (await settledPeersOf(gateway.api)).values()) assert.equal(active, 0);
});

/**
 * Lua for the beginning of init_by_lua. It delays the count after a choice by up to 0.3 ms, so that workers
 * collide.
 */
const SLOW_COUNT = `
    local counters = require("resty.sluice.live.view.counters")
    local count_request = counters.count_request
    counters.count_request = function(server, now)
      local stop = os.clock() + 0.0003 * math.random()
      while os.clock() < stop do end
      count_request(server, now)
    end`;

test("workers that choose at the same instant do not exceed max_conns", async (context) => {
  const [limited, backup] = await startBackends(context, 2);
  const servers = [
    { server: limited.address, max_conns: 3 },
    { server: backup.address, backup: true },
  ];
  const setup = `require("resty.sluice").setup(${toLua({ upstreams: { app: { servers } } })})`;
  const options = { initLua: `${SLOW_COUNT} ${setup}`, listen: "reuseport", workers };
  const gateway = await startGateway(context, options);
  limited.behaviour = { delay: 2 };
  const load = await assertFilled(context, gateway, [limited], [3]);
  assert.deepEqual([...load.errors], []);
});

test("each server has its own limit, including backups", async (context) => {
  const backends = await startBackends(context, 3);
  for (const backend of backends) backend.behaviour = { delay: 20 };
  const [three, seven, backup] = backends.map(({ address }) => address);
  const gateway = await startLimited(context, [
    { server: three, max_conns: 3 },
    { server: seven, max_conns: 7 },
    { server: backup, max_conns: 5, backup: true },
  ]);
  gateway.log.allow(full);
  const load = await assertFilled(context, gateway, backends, [3, 7, 5]);
  assert.deepEqual([...load.errors.keys()], ["status 502"], "the 60 connections exceed the limits");
});

test("a changed limit holds immediately", async (context) => {
  const [limited, backup] = await startBackends(context, 2);
  limited.behaviour = { delay: 20 };
  const gateway = await startLimited(context, [
    { server: limited.address, max_conns: 10 },
    { server: backup.address, backup: true },
  ]);
  const load = startLoad(context, { port: gateway.port, connections: usual });
  for (const max_conns of [4, 12, 1, 0]) {
    await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns });
    // Requests from before the change may still be in flight.
    await load.round();
    const peaks = watchPeaks([limited]);
    const highest = () => peaks.highest()[0];
    const wanted = max_conns === 0 ? 13 : max_conns;
    await waitFor(`the server has ${wanted} simultaneous requests`, () => highest() >= wanted);
    for (let round = 0; round < 3; round += 1) await load.round();
    peaks.stop();
    if (max_conns > 0) assert.equal(highest(), max_conns);
  }
  await load.stop();
  assert.deepEqual([...load.errors], []);
});

test("a request goes to another server when one is full, then to a backup, and is then answered with 502 at once", async (context) => {
  const backends = await startBackends(context, 3);
  const [one, other, backup] = backends;
  const gateway = await startLimited(context, [
    { server: one.address, max_conns: 2 },
    { server: other.address, max_conns: 1 },
    { server: backup.address, max_conns: 1, backup: true },
  ]);
  gateway.log.allow(full);
  const active = () => backends.map((backend) => backend.active);
  const held = [];
  for (const wanted of [
    [1, 1, 0],
    [2, 1, 0],
    [2, 1, 1],
  ]) {
    const missing = wanted.reduce((sum, count) => sum + count, 0) - held.length;
    for (let number = 0; number < missing; number += 1) held.push(ask(gateway.port, "/?delay=1500"));
    const sum = () => active().reduce((total, count) => total + count, 0);
    await waitFor("the requests are in flight", () => sum() === held.length);
    // Two requests may both be at the first server, because each worker alternates separately.
    if (held.length > 2) assert.deepEqual(active(), wanted);
  }
  const started = performance.now();
  const refused = await Promise.all(Array.from({ length: 20 }, () => ask(gateway.port)));
  const milliseconds = performance.now() - started;
  assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set([502]));
  assert.ok(milliseconds < 500, `the answer took ${milliseconds} ms, and the servers are busy for 1500`);
  assert.equal(gateway.log.severeEntries().filter((line) => full.test(line)).length, 20);
  for (const { status } of await Promise.all(held)) assert.equal(status, 200);
  await settledPeersOf(gateway.api);
  assert.equal((await ask(gateway.port)).status, 200);
});

test("the places of a killed worker become free, and those of other workers do not", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startLimited(context, [{ server: backend.address, max_conns: 6 }]);
  gateway.log.allow(full);
  const [[victim, lost], [, others]] = await clientsByWorker(context, gateway.port);
  const hang = (/** @type {import("./support/api.mjs").Api} */ client) =>
    client.get("/?hang=1").catch((cause) => cause.code);
  const died = lost.slice(0, 4).map(hang);
  const stay = others.slice(0, 2).map(hang);
  assert.equal(died.length + stay.length, 6);
  await waitFor("the server is full", () => backend.active === 6);
  assert.equal((await ask(gateway.port)).status, 502);

  await gateway.killWorker(Number(victim));
  assert.deepEqual(new Set(await Promise.all(died)), new Set(["ECONNRESET"]));
  const active = () => sumOf(gateway.api, "active");
  await waitFor("the new worker has given its places back", async () => (await active()) === 2);
  for (let number = 0; number < 4; number += 1) begin(context, gateway.port, "/?hang=1");
  await waitFor("all places are taken", () => backend.active === 6);
  assert.equal((await ask(gateway.port)).status, 502);
  assert.equal(await active(), 6);
});
