/** The method round_robin with four workers: weights, backup, down and drain. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { settledPeersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const noneIsLeft = /no live upstreams while connecting to upstream/;

/** @param {import("./support/gateway.mjs").Gateway} gateway @param {number} count */
async function askMany(gateway, count) {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(gateway.port)));
  return answers.map(({ status, text }) => (status === 200 ? text : status));
}

test("weights 5:1:1 are exact over 2,800 requests through 4 workers", async (context) => {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }, index) => ({ server: address, weight: index === 0 ? 5 : 1 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  const load = startLoad(context, { port: gateway.port, connections: 64, total: 2800 });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  // The probability that a worker receives no connection is 4 × (3/4)^64, 1 in 25 million.
  assert.equal(load.workers.size, 4, "every worker served requests");
  assert.equal(load.answers, 2800);

  const peers = await settledPeersOf(gateway.api);
  for (const [index, { address, requests }] of backends.entries()) {
    const share = index === 0 ? 2000 : 400;
    // A worker is exact over a full cycle, and each worker may be in the middle of a cycle.
    assert.ok(Math.abs(requests.length - share) <= 8, `${requests.length} requests, not about ${share}`);
    assert.equal(peers.get(address).requests, requests.length);
  }
});

test("a backup receives requests only while no other server is available", async (context) => {
  const [one, other, spare] = await startBackends(context, 3);
  const servers = [one, other].map(({ address }) => ({ server: address }));
  servers.push({ server: spare.address, backup: true });
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const primaries = new Set([one.id, other.id]);
  assert.deepEqual(new Set(await askMany(gateway, 24)), primaries);

  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  assert.deepEqual(new Set(await askMany(gateway, 24)), new Set([other.id]));
  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  assert.deepEqual(new Set(await askMany(gateway, 24)), new Set([spare.id]));
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: false });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: false });
  assert.deepEqual(new Set(await askMany(gateway, 24)), primaries);
});

test("without an available server clients get 502 at once", async (context) => {
  const [one] = await startBackends(context, 1);
  const gateway = await startGateway(context, { servers: [one.address] });
  const { api } = gateway;
  gateway.log.allow(noneIsLeft);
  const takeOut = [
    [{ down: true }, { down: false }],
    [{ drain: true }, { drain: false }],
  ];
  for (const [change, back] of takeOut) {
    await api.expect(200, "PATCH", `${serversOf()}/0`, change);
    assert.deepEqual(new Set(await askMany(gateway, 12)), new Set([502]), JSON.stringify(change));
    await api.expect(200, "PATCH", `${serversOf()}/0`, back);
    assert.deepEqual(new Set(await askMany(gateway, 12)), new Set([one.id]));
  }
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  const before = gateway.log.severeEntries().length;
  assert.deepEqual(await askMany(gateway, 5), Array(5).fill(502));
  const lines = gateway.log.severeEntries().slice(before);
  // Each worker logs the reason at its first such request.
  const ofNginx = lines.filter((line) => !line.includes("[lua]"));
  assert.equal(ofNginx.length, 5, `nginx logs one line for each request:\n${lines.join("\n")}`);
  assert.ok(lines.length - ofNginx.length <= 4, lines.join("\n"));
  await api.expect(201, "POST", serversOf(), { server: one.address });
  assert.deepEqual(new Set(await askMany(gateway, 12)), new Set([one.id]));
});

test("a request that fails on one server is tried once on each of the others", async (context) => {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  backends.forEach((backend) => (backend.behaviour = { reset: 1 }));
  assert.deepEqual(await askMany(gateway, 1), [502]);
  assert.deepEqual(
    backends.map(({ requests }) => requests.length),
    [1, 1, 1],
  );
  backends[2].behaviour = {};
  assert.deepEqual(new Set(await askMany(gateway, 30)), new Set([backends[2].id]));
});

test("a kept connection that breaks when it is reused fails no request, as in nginx", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startGateway(context, { servers: [backend.address], workers: 1 });
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  backend.behaviour = { reset_reused: 1 };
  for (let turn = 0; turn < 8; turn += 1)
    assert.equal((await ask(gateway.port)).status, 200, `request ${turn}`);
});

test("new weights take effect at once and on every worker", async (context) => {
  const backends = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    servers: backends.map(({ address }) => address),
    listen: "reuseport",
  });
  await gateway.api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 3 });
  const load = startLoad(context, { port: gateway.port, connections: 32, total: 1000 });
  await load.finished;
  assert.ok(Math.abs(backends[1].requests.length - 750) <= 12, `${backends[1].requests.length} of 1000`);
});

/** @param {{ port: number }} gateway @param {string} path @param {number} count */
async function sequence({ port }, path, count) {
  const servers = [];
  for (let number = 0; number < count; number += 1) servers.push((await ask(port, path)).text);
  return servers;
}

test("one worker picks servers in the sequence of nginx's round robin", async (context) => {
  const backends = await startBackends(context, 4);
  const sets = [
    [1, 1, 1, 1],
    [5, 1, 1],
    [1, 5, 1],
    [3, 2, 1, 2],
    [1, 10],
  ].map((weights) => weights.map((weight, index) => ({ server: backends[index].address, weight })));
  const native = sets.map((servers, number) => {
    const lines = servers.map(({ server, weight }) => `server ${server} weight=${weight};`);
    return `upstream native${number} { ${lines.join(" ")} keepalive 8; }`;
  });
  const gateway = await startGateway(context, {
    upstreams: Object.fromEntries(sets.map((servers, number) => [`ours${number}`, { servers }])),
    workers: 1,
    http: native.join("\n"),
    traffic: sets
      .map((_, number) => `location /native${number} { proxy_pass http://native${number}; }`)
      .join("\n"),
  });
  for (const [number, servers] of sets.entries()) {
    const cycle = servers.reduce((sum, { weight }) => sum + weight, 0);
    const theirs = await sequence(gateway, `/native${number}`, 2 * cycle + 1);
    assert.deepEqual(await sequence(gateway, `/to/ours${number}`, 2 * cycle + 1), theirs);
    await gateway.api.expect(201, "PUT", sluice("late"), { servers });
    assert.deepEqual(
      await sequence(gateway, "/to/late", 2 * cycle + 1),
      theirs,
      "an upstream that was created at run time",
    );
    await gateway.api.expect(204, "DELETE", `${sluice("late")}?force=true`);
  }
});

test("each worker starts with a different server and follows the configured order", async (context) => {
  const backends = await startBackends(context, 4);
  const ids = backends.map(({ id }) => id);
  const gateway = await startGateway(context, {
    servers: backends.map(({ address }) => address),
    listen: "reuseport",
  });
  /** The picks of each worker. @type {Map<string, string[]>} */
  const picked = new Map();
  await waitFor("every worker has picked five times", async () => {
    for (let number = 0; number < 20; number += 1) {
      const { headers, text } = await ask(gateway.port);
      const worker = String(headers["x-worker"]);
      picked.set(worker, [...(picked.get(worker) ?? []), text]);
    }
    return picked.size === 4 && [...picked.values()].every(({ length }) => length >= 5);
  });
  for (const servers of picked.values()) {
    const start = ids.indexOf(servers[0]);
    assert.deepEqual(
      servers,
      servers.map((_, index) => ids[(start + index) % 4]),
    );
  }
  assert.equal(new Set([...picked.values()].map(([first]) => first)).size, 4);
});
