/**
 * `sticky.cookie`: the promises that nginx's public suite asserts in `upstream_sticky.t` (nginx has the
 * directive since 1.29.6, so nothing is compared here). Attributes and damaged values are in
 * `sticky_cookie_value.test.mjs`, drained, failing and deleted servers in `sticky_cookie.test.mjs`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/load.mjs";
import { Client, cookiesOf, valueOf } from "../support/sessions.mjs";
import { countsOf, startNamed } from "../support/twins.mjs";
import { startGateway } from "../support/gateway.mjs";
import { sluice } from "../support/upstreams.mjs";

const sticky = { cookie: { name: "srv" } };
const COUNT = 4;

/** @type {Record<string, object>} */
const METHODS = {
  round_robin: { method: "round_robin" },
  least_conn: { method: "least_conn" },
  least_time: { method: "least_time" },
  ip_hash: { method: "ip_hash" },
  "hash consistent": { method: "hash", hash: { key: "$uri", consistent: true } },
  random: { method: "random" },
};

/**
 * @param {import("node:test").TestContext} context
 * @param {import("../support/gateway.mjs").Options} options
 */
const start = (context, options) => startGateway(context, { workers: 1, ...options });

/** @param {import("node:test").TestContext} context @param {number[]} [weights] */
async function startServers(context, weights = Array(COUNT).fill(1)) {
  const backends = await startNamed(context, weights.length);
  return {
    backends,
    servers: backends.map(({ address }, index) => ({ server: address, weight: weights[index] })),
  };
}

/**
 * Returns the value of the cookie of each server: while it alone takes new clients, it gets one.
 * @param {import("../support/gateway.mjs").Gateway} gateway
 * @param {{ server: string }[]} servers
 * @param {object} settings
 */
async function cookiesByServer({ api, port }, servers, settings) {
  /** @type {Record<string, string>} */
  const cookies = {};
  for (const [number] of servers.entries()) {
    const only = servers.map((server, index) => (index === number ? server : { ...server, drain: true }));
    await api.expect(200, "PUT", sluice(), { ...settings, servers: only });
    const answer = await ask(port);
    cookies[answer.text] = valueOf(cookiesOf(answer)[0]);
  }
  await api.expect(200, "PUT", sluice(), { ...settings, servers });
  return cookies;
}

/** @param {{ port: number }} gateway @param {number} count @param {string} [value] of the cookie */
async function answersOf({ port }, count, value) {
  const headers = value === undefined ? {} : { Cookie: `srv=${value}` };
  const answers = [];
  for (let number = 0; number < count; number += 1) answers.push((await ask(port, "/", { headers })).text);
  return answers;
}

for (const [name, method] of Object.entries(METHODS))
  test(`${name}: each cookie leads to its server, and an unknown one is replaced by that of the server that answers`, async (context) => {
    const { servers } = await startServers(context);
    const gateway = await start(context, { upstreams: { app: { ...method, sticky, servers } } });
    const cookies = await cookiesByServer(gateway, servers, { ...method, sticky });
    assert.equal(new Set(Object.values(cookies)).size, COUNT);
    for (const [server, value] of Object.entries(cookies))
      assert.deepEqual(countsOf(await answersOf(gateway, 5, value)), { [server]: 5 });
    for (const bad of ["garbage", "0123456789".repeat(4), "0".repeat(32)]) {
      const answer = await ask(gateway.port, "/", { headers: { Cookie: `srv=${bad}` } });
      assert.equal(valueOf(cookiesOf(answer)[0]), cookies[answer.text], bad);
    }
  });

test("requests that are bound by a cookie do not change the shares of the others", async (context) => {
  const gateway = await start(context, { upstreams: { app: { servers: [] } } });
  for (const weights of [
    [1, 1, 1, 1],
    [1, 2, 3, 4],
  ]) {
    const { servers } = await startServers(context, weights);
    const cookies = await cookiesByServer(gateway, servers, { sticky });
    const unit = weights.reduce((sum, weight) => sum + weight, 0);
    const shares = async () => Object.values(countsOf(await answersOf(gateway, 10 * unit)));
    const wanted = weights.map((weight) => 10 * weight);
    const near = (/** @type {number[]} */ counts) =>
      counts.every((count, index) => Math.abs(count - wanted[index]) <= 1);
    const before = await shares();
    assert.ok(near(before), `${before}`);
    assert.deepEqual(countsOf(await answersOf(gateway, 5 * unit, cookies.a)), { a: 5 * unit });
    const after = await shares();
    assert.ok(near(after), `${after} after bound requests`);
  }
});

test("only upstreams with sticky set a cookie, each its own, also if a variable names the upstream", async (context) => {
  const { servers } = await startServers(context);
  const named = (/** @type {string} */ name) => ({ sticky: { cookie: { name } }, servers });
  const gateway = await start(context, {
    upstreams: { plain: { servers }, one: named("first"), other: named("second") },
  });
  /** @type {[string, number, number][]} */
  const wanted = [
    ["plain", 0, 0],
    ["one", 1, 0],
    ["other", 0, 1],
  ];
  for (const [name, first, second] of wanted) {
    const answer = await ask(gateway.port, `/to/${name}`);
    const counts = ["first", "second"].map((cookie) => cookiesOf(answer, cookie).length);
    assert.deepEqual([answer.status, ...counts], [200, first, second]);
  }
});

test("without an available server there is no cookie", async (context) => {
  const { servers } = await startServers(context, [1]);
  const gateway = await start(context, {
    upstreams: { app: { sticky, servers: [{ ...servers[0], down: true }] } },
  });
  gateway.log.allow(/no live upstreams/);
  const answer = await ask(gateway.port);
  assert.deepEqual([answer.status, cookiesOf(answer)], [502, []]);
});

test("a new and a bound request whose server fails get the cookie of the server that answers", async (context) => {
  const { backends, servers } = await startServers(context);
  const free = servers.map((server) => ({ ...server, max_fails: 0 }));
  const gateway = await start(context, {
    upstreams: { app: { sticky, servers: free } },
    http: "proxy_next_upstream http_502;",
  });
  const cookies = await cookiesByServer(gateway, free, { sticky });
  backends[0].behaviour = { status: 502 };
  for (const headers of [{}, { Cookie: `srv=${cookies.a}` }])
    for (let number = 0; number < 2 * COUNT; number += 1) {
      const answer = await ask(gateway.port, "/", { headers });
      assert.ok(answer.status === 200 && answer.text !== "a");
      assert.deepEqual(cookiesOf(answer).map(valueOf), [cookies[answer.text]]);
    }
});

test("bound requests use kept connections", async (context) => {
  const { backends, servers } = await startServers(context);
  const gateway = await start(context, { upstreams: { app: { sticky, servers } } });
  let connections = 0;
  for (const { server } of backends) server.on("connection", () => (connections += 1));
  const client = new Client(gateway.port);
  for (let number = 0; number < 10; number += 1) await client.ask();
  assert.equal(connections, 1);
});

// docs/comparison.md names both differences.
test("unlike nginx, a cookie is sent once unless it expires, and is not valid for another upstream", async (context) => {
  const { servers } = await startServers(context);
  const gateway = await start(context, {
    upstreams: { app: { sticky, servers }, shop: { sticky, servers } },
  });
  const client = new Client(gateway.port);
  await client.ask();
  assert.equal(client.given, 1);
  await client.ask();
  assert.equal(client.given, 0);
  const elsewhere = new Client(gateway.port, "/to/shop");
  elsewhere.value = client.value;
  await elsewhere.ask();
  assert.equal(elsewhere.given, 1);
  assert.notEqual(elsewhere.value, client.value);
});
