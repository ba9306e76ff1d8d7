/** A split while members fail, are full or wait, and while nginx redirects requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { noneIsLeft, wasRefused, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { QueueStatus, WAITING } from "./support/queues.mjs";
import { startServerProcess } from "./support/server_process.mjs";
import { peersOf, serversOf, settledPeersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @param {{ address: string }[]} backends @param {object} [parameters] of each server */
const serversAt = (backends, parameters = {}) => ({
  servers: backends.map(({ address }) => ({ server: address, ...parameters })),
});

/** @param {Record<string, number>} weights @param {string} [by] */
const splitOf = (weights, by) => ({
  split: { by, members: Object.entries(weights).map(([upstream, weight]) => ({ upstream, weight })) },
});

/** @param {number} port @param {number} count @param {(turn: number) => string} [path] */
async function textsOf(port, count, path = () => "/") {
  const texts = [];
  for (let turn = 0; turn < count; turn += 1) {
    const { status, text } = await ask(port, path(turn));
    assert.equal(status, 200);
    texts.push(text);
  }
  return texts;
}

for (const by of [undefined, "$arg_user"]) {
  for (const size of [1, 2]) {
    test(`no client sees that all ${size} servers of a member are killed, ${by === undefined ? "in turn" : "by key"}`, async (context) => {
      const killed = [];
      for (let number = 0; number < size; number += 1) killed.push(await startServerProcess(context));
      const others = await startBackends(context, 2);
      const gateway = await startGateway(context, {
        upstreams: { v1: serversAt(killed), v2: serversAt(others), app: splitOf({ v1: 80, v2: 20 }, by) },
      });
      gateway.log.allow(wasReset, wasRefused);
      const path = (/** @type {number} */ number) => `/?user=${number % 100}`;
      const load = startLoad(context, { port: gateway.port, connections: 8, path });
      await load.round();
      for (const server of killed) await server.kill();
      await load.round();
      await load.round();
      for (const server of killed) await server.start();
      const had = () => killed.reduce((sum, { address }) => sum + (load.backends.get(address) ?? 0), 0);
      const before = had();
      await waitFor("the member has requests again", () => had() > before + 10, 30_000);
      await load.stop();
      assert.deepEqual([...load.errors], []);
      for (const name of ["v1", "v2"]) {
        for (const { active } of (await settledPeersOf(gateway.api, name)).values()) assert.equal(active, 0);
      }
    });
  }
}

test("the share of a member that is down goes to the others in proportion, and keys return to it", async (context) => {
  const [one, two, three] = await startBackends(context, 3);
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: {
      v1: serversAt([one]),
      v2: serversAt([two]),
      v3: serversAt([three]),
      app: splitOf({ v1: 50, v2: 30, v3: 20 }, "$arg_user"),
    },
  });
  const { api, port } = gateway;
  const byUser = () => textsOf(port, 100, (user) => `/?user=${user}`);
  const before = await byUser();
  assert.equal(new Set(before).size, 3);
  await api.expect(200, "PATCH", `${serversOf("v1")}/0`, { down: true });
  const meanwhile = await byUser();
  for (const [user, text] of meanwhile.entries())
    if (before[user] === one.id) assert.notEqual(text, one.id);
    else assert.equal(text, before[user]);
  const counts = new Map();
  for (const text of await textsOf(port, 100)) counts.set(text, (counts.get(text) ?? 0) + 1);
  assert.ok(Math.abs(counts.get(two.id) - 60) <= 1, JSON.stringify([...counts]));
  assert.ok(Math.abs(counts.get(three.id) - 40) <= 1);
  await api.expect(200, "PATCH", `${serversOf("v1")}/0`, { down: false });
  assert.deepEqual(await byUser(), before);
});

test("a retry stays in the member, whose limits apply, and goes to another when no server is left there", async (context) => {
  const [one, two, other] = await startBackends(context, 3);
  for (const backend of [one, two]) backend.behaviour = { reset: 1 };
  const v1 = { ...serversAt([one, two], { max_fails: 0 }), retries: { tries: 3 } };
  const upstreams = { v1, v2: serversAt([other]), app: splitOf({ v1: 1, v2: 0 }) };
  upstreams.app.split.members[1].weight = 0.0001;
  const gateway = await startGateway(context, { workers: 1, upstreams });
  gateway.log.allow(wasReset, noneIsLeft);
  const { api, port } = gateway;
  assert.deepEqual(new Set(await textsOf(port, 10)), new Set([other.id]));
  assert.deepEqual([one.requests.length, two.requests.length], [10, 10]);
  await api.expect(200, "PATCH", sluice("v1"), { retries: { tries: 2 } });
  assert.equal((await ask(port)).status, 502, "both tries were used in the member");
  assert.deepEqual([one.requests.length, two.requests.length], [11, 11]);
  two.behaviour = {};
  assert.deepEqual(new Set(await textsOf(port, 10)), new Set([two.id]));
  const peers = await settledPeersOf(api, "v1");
  assert.equal(peers.get(one.address).active, 0);
});

test("when no member has a server, the client gets 502 at once and the log says why", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { v1: { servers: [] }, v2: { servers: [] }, app: splitOf({ v1: 1, v2: 1 }, "$arg_user") },
  });
  gateway.log.allow(noneIsLeft);
  for (const path of ["/", "/?user=1"]) assert.equal((await ask(gateway.port, path)).status, 502);
  assert.match(gateway.log.text(), /upstream "app" has no server available: none of its members has one/);
});

test("a request waits in the queue of the member that it is assigned to", async (context) => {
  const [one, two] = await startBackends(context, 2);
  const queue = { size: 5, timeout: "20s" };
  const gateway = await startGateway(context, {
    upstreams: {
      v1: { ...serversAt([one], { max_conns: 1 }), queue },
      v2: serversAt([two]),
      app: splitOf({ v1: 1, v2: 1 }, "$arg_user"),
    },
    traffic: WAITING,
  });
  const { api, port } = gateway;
  const texts = await textsOf(port, 20, (user) => `/?user=${user}`);
  const [mine, others] = [texts.indexOf(one.id), texts.indexOf(two.id)];
  const first = begin(context, port, `/?user=${mine}&hold=1`);
  await waitFor("the server is full", () => one.active === 1);
  const waiting = [1, 2].map(() => begin(context, port, `/?user=${mine}`));
  const status = new QueueStatus(api, "v1");
  await status.holds(2);
  assert.equal((await ask(port, `/?user=${others}`)).text, two.id);
  one.release();
  for (const { ending } of [first, ...waiting]) assert.equal((await ending).status, 200);
  assert.equal((await ask(port, `/?user=${mine}`)).text, one.id);
  const peers = await settledPeersOf(api, "v1");
  assert.equal(peers.get(one.address).active, 0);
  // While the member has no server at all, nobody waits for it.
  await api.expect(200, "PATCH", `${serversOf("v1")}/0?force=true`, { down: true });
  assert.equal((await ask(port, `/?user=${mine}`)).text, two.id);
});

test("without the hook a full member's share goes to the others, and the log names the hook", async (context) => {
  const [one] = await startBackends(context, 1);
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { v1: { ...serversAt([one], { max_conns: 1 }), queue: { size: 5 } }, app: splitOf({ v1: 1 }) },
  });
  gateway.log.allow(noneIsLeft, /"queue" needs access_by_lua_block/);
  const first = begin(context, gateway.port, "/?hold=1");
  await waitFor("the server is full", () => one.active === 1);
  assert.equal((await ask(gateway.port)).status, 502);
  assert.match(
    gateway.log.text(),
    /upstream v1: "queue" needs access_by_lua_block \{ require\("resty.sluice"\).access\("app"\) \}/,
  );
  one.release();
  assert.equal((await first.ending).status, 200);
});

test("internal redirects, error pages and subrequests of splits are counted at the members", async (context) => {
  const [failing, good, guard] = await startBackends(context, 3);
  failing.behaviour = { reset: 1 };
  const gateway = await startGateway(context, {
    upstreams: {
      bad: serversAt([failing]),
      fine: serversAt([good]),
      auth: serversAt([guard]),
      app: splitOf({ bad: 1 }),
      fallback: splitOf({ fine: 1 }),
      guards: splitOf({ auth: 1 }),
    },
    traffic: `
      location /page { error_page 502 = @fallback; proxy_pass http://app; }
      location @fallback { set $sluice_upstream fallback; proxy_pass http://sluice_dynamic; }
      location /jump { error_page 404 = /to/app; return 404; }
      location = /guarded { auth_request /auth; content_by_lua_block { ngx.say("let in") } }
      location = /auth { internal; set $sluice_upstream guards; proxy_pass http://sluice_dynamic; }`,
  });
  gateway.log.allow(wasReset);
  const { api, port } = gateway;
  assert.deepEqual(new Set(await textsOf(port, 10, () => "/page")), new Set([good.id]));
  assert.deepEqual(new Set(await textsOf(port, 5, () => "/guarded")), new Set(["let in\n"]));
  assert.equal((await ask(port, "/jump")).status, 502);
  for (const [name, backend, requests] of /** @type {const} */ ([
    ["bad", failing, 11],
    ["fine", good, 10],
    ["auth", guard, 5],
  ])) {
    const peers = await settledPeersOf(api, name);
    const { requests: counted, active } = peers.get(backend.address);
    assert.deepEqual([counted, active], [requests, 0], name);
  }
});

test("a member's server that was chosen from a kept connection alone is tried again, as without a split", async (context) => {
  const backend = await startBackend(context);
  backend.behaviour = { reset_reused: 1 };
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { v1: serversAt([backend], { max_fails: 0 }), app: splitOf({ v1: 1 }) },
  });
  gateway.log.allow(wasReset);
  await textsOf(gateway.port, 10);
  assert.equal((await peersOf(gateway.api, "v1")).get(backend.address).active, 0);
});

test("a request that finds its member down waits in the queue of the next one, also below another split", async (context) => {
  const [one] = await startBackends(context, 1);
  const { api, port, log } = await startGateway(context, {
    upstreams: {
      down: serversAt([one], { down: true }),
      v2: { ...serversAt([one], { max_conns: 1 }), queue: { size: 5, timeout: "20s" } },
      inner: splitOf({ down: 99, v2: 1 }),
      app: splitOf({ down: 99, inner: 1 }),
    },
    traffic: WAITING,
  });
  const first = begin(context, port, "/?hold=1");
  await waitFor("the server is full", () => one.active === 1);
  const waiting = [1, 2, 3].map(() => begin(context, port, "/"));
  await new QueueStatus(api, "v2").holds(3);
  one.release();
  for (const { ending } of [first, ...waiting]) assert.equal((await ending).status, 200);
  await api.expect(200, "PATCH", `${serversOf("v2")}/0?force=true`, { down: true });
  log.allow(noneIsLeft);
  assert.equal((await ask(port)).status, 502);
  assert.doesNotMatch(log.text(), /access_by_lua_block/);
});

test("retries.timeout of a member begins with the first attempt at another member", async (context) => {
  const [bad, resetting, good] = await startBackends(context, 3);
  bad.behaviour = { reset: 1 };
  resetting.behaviour = { reset: 1 };
  const { port, log } = await startGateway(context, {
    workers: 1,
    upstreams: {
      v1: { ...serversAt([bad], { max_fails: 0 }), retries: { tries: 5 } },
      v2: { ...serversAt([resetting, good], { max_fails: 0 }), retries: { tries: 5, timeout: "30s" } },
      app: splitOf({ v1: 1, v2: 0.0001 }),
    },
  });
  log.allow(wasReset);
  for (let request = 0; request < 8; request += 1) assert.equal((await ask(port)).status, 200);
});
