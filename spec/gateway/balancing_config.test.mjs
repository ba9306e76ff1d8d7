/** Balancing methods, stickiness and routes are shown, kept, and changed as requested. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { assertKept, serversOf, sluice } from "./support/upstreams.mjs";

const cookie = { name: "srv", path: "/", httponly: false, secure: false };
const wholeCookie = {
  name: "__Secure-srv",
  path: "/shop",
  domain: ".example.com",
  expires: "1h 30m",
  httponly: true,
  secure: true,
  samesite: "none",
};

/**
 * Some allowed settings, and the settings that the API shows for them.
 * @type {[name: string, set: object, shown: object][]}
 */
const cases = [
  ["plain", {}, { method: "round_robin" }],
  [
    "last_byte",
    { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
    { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
  ],
  ["random", { method: "random", sticky: null }, { method: "random" }],
  [
    "two",
    { method: "random", random: { two: "least_time" } },
    { method: "random", random: { two: "least_time" } },
  ],
  [
    "hash",
    { method: "hash", hash: { key: "${host}:$1" } },
    { method: "hash", hash: { key: "${host}:$1", consistent: false } },
  ],
  [
    "bounded",
    { method: "hash", hash: { key: "$remote_addr$uri", consistent: true, balance_factor: 150 } },
    { method: "hash", hash: { key: "$remote_addr$uri", consistent: true, balance_factor: 150 } },
  ],
  ["cookie", { sticky: { cookie: { name: "srv" } } }, { method: "round_robin", sticky: { cookie } }],
  [
    "whole_cookie",
    { method: "least_conn", sticky: { cookie: wholeCookie } },
    { method: "least_conn", sticky: { cookie: wholeCookie } },
  ],
  [
    "route",
    { method: "ip_hash", sticky: { route: { variables: ["$cookie_r", "${arg_r}"] } } },
    { method: "ip_hash", sticky: { route: { variables: ["$cookie_r", "${arg_r}"] } } },
  ],
];
const servers = [{ server: "127.0.0.1:9", route: "a" }, { server: "127.0.0.2:9" }];

test("the settings are shown with their defaults, and the shown object can be sent back", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  for (const [name, set, shown] of cases) {
    const put = await api.put(sluice(name), { ...set, servers });
    assert.equal(put.status, 201, put.text);
    const { servers: shownServers, ...balancing } = put.body;
    assert.deepEqual(balancing, shown, name);
    assert.deepEqual(
      shownServers.map(({ server, route }) => [server, route]),
      [
        ["127.0.0.1:9", "a"],
        ["127.0.0.2:9", ""],
      ],
    );
    assert.deepEqual(
      Object.keys(put.body),
      [...Object.keys(shown), "servers"],
      "the members are in this order",
    );

    const got = await api.get(sluice(name));
    assert.equal(got.text, put.text);
    for (const again of [await api.put(sluice(name), got.body), await api.patch(sluice(name), got.body)]) {
      assert.deepEqual([again.status, again.text], [200, got.text]);
      assert.equal(again.headers.etag, put.headers.etag, "an unchanged object causes no write");
    }
    // Another spelling of the same settings.
    assert.equal((await api.put(sluice(name), { ...set, servers })).headers.etag, put.headers.etag);
  }
});

test("the configuration survives a reload and a restart, whether it is from the API or from setup", async (context) => {
  const seeds = Object.fromEntries(
    cases.map(([name, set]) => [
      `seed_${name}`,
      { ...set, servers: [{ server: "127.0.0.1:9", route: "b" }] },
    ]),
  );
  const gateway = await startGateway(context, { upstreams: seeds });
  const { api } = gateway;
  for (const [name, set, shown] of cases) {
    const { servers: seeded, ...balancing } = await api.expect(200, "GET", sluice(`seed_${name}`));
    assert.deepEqual([balancing, seeded[0].route], [shown, "b"]);
    await api.expect(201, "PUT", sluice(name), { ...set, servers });
  }
  await assertKept(gateway);
});

test("PATCH replaces each block that it names as a whole, and a method together with its block", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const change = async (body) => {
    const { servers: kept, ...balancing } = await api.expect(200, "PATCH", sluice(), body);
    assert.equal(kept.length, 2, "PATCH without servers keeps the servers");
    return balancing;
  };
  const hash = { key: "$uri", consistent: true, balance_factor: 150 };
  assert.deepEqual(await change({ method: "hash", hash }), { method: "hash", hash });
  assert.deepEqual(await change({ sticky: { cookie: { name: "srv" } } }), {
    method: "hash",
    hash,
    sticky: { cookie },
  });
  const plainHash = { key: "$host", consistent: false };
  assert.deepEqual(
    (await change({ hash: { key: "$host" } })).hash,
    plainHash,
    "the other members of the block are removed",
  );
  assert.deepEqual((await change({ method: "hash" })).hash, plainHash);

  const route = { variables: ["$arg_r"] };
  assert.deepEqual(await change({ method: "least_conn", sticky: { route } }), {
    method: "least_conn",
    sticky: { route },
  });
  const back = await api.patch(sluice(), { method: "hash" });
  assert.deepEqual([back.status, back.body.error?.text], [400, 'invalid "hash.key": must be given']);

  const two = { two: "least_conn" };
  assert.deepEqual((await change({ method: "random", random: two, hash: null })).random, two);
  assert.deepEqual(await change({ random: null, sticky: null }), { method: "random" });
  assert.deepEqual(await change({ sticky: null }), { method: "random" });
  const timed = await change({ method: "least_time", least_time: { measure: "last_byte", inflight: true } });
  assert.deepEqual(timed.least_time, { measure: "last_byte", inflight: true });
  const untimed = await change({ least_time: null });
  assert.deepEqual(untimed.least_time, { measure: "header", inflight: false });
  assert.deepEqual(await change({ method: "round_robin" }), { method: "round_robin" });
});

test("PUT keeps nothing of the previous configuration", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { app: { method: "hash", hash: { key: "$uri" }, sticky: { cookie: { name: "srv" } } } },
  });
  assert.deepEqual(await gateway.api.expect(200, "PUT", sluice(), {}), {
    method: "round_robin",
    servers: [],
  });
});

test("a change of a server does not change the balancing of the upstream", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  const set = { method: "hash", hash: { key: "$uri" }, sticky: { cookie: { name: "srv" } } };
  const { servers: first, ...balancing } = await api.expect(201, "PUT", sluice(), { ...set, servers });
  for (const [status, method, path, body] of [
    [201, "POST", "", { server: "127.0.0.3:9", route: "c" }],
    [200, "PATCH", "/2", { route: "d" }],
    [200, "PATCH", "/0", { weight: 3 }],
    [200, "DELETE", "/1", undefined],
  ]) {
    await api.expect(status, method, `${serversOf()}${path}`, body);
    const now = await api.expect(200, "GET", sluice());
    assert.deepEqual(now, { ...balancing, servers: now.servers });
  }
  await gateway.stop();
  await gateway.start();
  const { servers: last, ...after } = await api.expect(200, "GET", sluice());
  assert.deepEqual(after, balancing);
  assert.deepEqual(
    last.map(({ server, weight, route }) => [server, weight, route]),
    [
      [first[0].server, 3, "a"],
      ["127.0.0.3:9", 1, "d"],
    ],
  );
});
