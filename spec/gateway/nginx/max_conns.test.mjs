/**
 * `max_conns` beside nginx's own: the promises of `upstream_max_conns.t` and `upstream_max_conns_sticky.t`.
 * Servers hold all requests until the last one has begun.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/clients.mjs";
import { ask } from "../support/load.mjs";
import {
  bothKinds,
  countsOf,
  holdInTurn,
  repeated,
  sequenceOf,
  startNamed,
  startTwins,
} from "../support/twins.mjs";
import { serversOf } from "../support/upstreams.mjs";
import { waitFor } from "../support/wait.mjs";

/** @typedef {import("../support/twins.mjs").Twin} Twin */

const least_conn = { directives: "least_conn;", settings: { method: "least_conn" } };
const ip_hash = { directives: "ip_hash;", settings: { method: "ip_hash" } };
const hash = { directives: "hash $arg_k;", settings: { method: "hash", hash: { key: "$arg_k" } } };
const consistent = {
  directives: "hash $arg_k consistent;",
  settings: { method: "hash", hash: { key: "$arg_k", consistent: true } },
};
const random = { directives: "random;", settings: { method: "random" } };
const two = { directives: "random two;", settings: { method: "random", random: { two: "least_conn" } } };

/**
 * The method, the parameters of the servers a, b, …, the number of requests, and the servers that get them:
 * in order, or as an object of counts.
 * @type {Record<string, [kind: Omit<Twin, "servers">, servers: object[], count: number, wanted: object]>}
 */
const cases = {
  "0 is no limit": [{}, [{ max_conns: 0 }, {}], 4, { a: 2, b: 2 }],
  "requests beyond the limit of the only server are refused": [
    {},
    [{ max_conns: 3 }],
    4,
    ["a", "a", "a", "502"],
  ],
  "a backup has the requests that a full server cannot have": [
    {},
    [{ max_conns: 2 }, { backup: true }],
    6,
    ["a", "a", "b", "b", "b", "b"],
  ],
  "a full backup refuses": [
    {},
    [{ max_conns: 2 }, { backup: true, max_conns: 3 }],
    6,
    ["a", "a", "b", "b", "b", "502"],
  ],
  "all servers are full": [{}, [{ max_conns: 1 }, { max_conns: 1 }], 4, { 502: 2, a: 1, b: 1 }],
  "a server without a limit has the rest": [{}, [{ max_conns: 1 }, {}], 4, { a: 1, b: 3 }],
  "a limit holds whatever the weight": [{}, [{ weight: 2, max_conns: 1 }, {}], 4, { a: 1, b: 3 }],
  "least_conn: a server without a limit has the rest": [
    least_conn,
    [{ max_conns: 1 }, {}],
    4,
    { a: 1, b: 3 },
  ],
  "least_conn: then the backup": [
    least_conn,
    [{ max_conns: 2 }, { backup: true }],
    6,
    ["a", "a", "b", "b", "b", "b"],
  ],
  "least_conn: a full backup refuses": [
    least_conn,
    [{ max_conns: 2 }, { backup: true, max_conns: 3 }],
    6,
    ["a", "a", "b", "b", "b", "502"],
  ],
  "ip_hash: a client goes elsewhere when its server is full": [
    ip_hash,
    [{ max_conns: 1 }, { max_conns: 2 }],
    4,
    { 502: 1, a: 1, b: 2 },
  ],
  "hash: a key goes elsewhere when its server is full": [
    hash,
    [{ max_conns: 1 }, { max_conns: 2 }],
    4,
    { 502: 1, a: 1, b: 2 },
  ],
  "hash consistent: a key goes elsewhere when its server is full": [
    consistent,
    [{ max_conns: 1 }, { max_conns: 2 }],
    4,
    { 502: 1, a: 1, b: 2 },
  ],
  "random: each limit holds": [random, [{ max_conns: 2 }, { max_conns: 1 }], 4, { 502: 1, a: 2, b: 1 }],
  "random two: each limit holds": [two, [{ max_conns: 2 }, { max_conns: 1 }], 4, { 502: 1, a: 2, b: 1 }],
};

for (const [what, [kind, parameters, count, wanted]] of Object.entries(cases))
  test(what, async (context) => {
    const all = await startNamed(context, parameters.length);
    const servers = parameters.map((more, index) => ({ server: all[index].address, ...more }));
    const gateway = await startTwins(context, { app: { ...kind, servers } });
    const found = await bothKinds("app", async (path) => {
      const answers = await holdInTurn(context, gateway, all, repeated(`${path}/?hold=1&k=1`, count));
      return Array.isArray(wanted) ? answers : countsOf(answers);
    });
    assert.deepEqual(found, wanted);
  });

test("a request that has ended, and one whose client has left, free their places", async (context) => {
  const all = await startNamed(context, 1);
  const servers = [{ server: all[0].address, max_conns: 3 }];
  const gateway = await startTwins(context, { app: { servers } });
  const outcome = await bothKinds("app", async (path) => {
    const first = begin(context, gateway.port, `${path}/?hold=1`);
    await waitFor("a request is held", () => all[0].active === 1);
    assert.equal((await ask(gateway.port, `${path}/`)).status, 200, "an ended request");
    first.leave();
    await waitFor("it is over", () => all[0].active === 0);
    return holdInTurn(context, gateway, all, repeated(`${path}/?hold=1`, 4));
  });
  assert.deepEqual(outcome, ["a", "a", "a", "502"]);
});

test("a server that fails is not counted for what it did not answer", async (context) => {
  const [a, b] = await startNamed(context, 2);
  const servers = [
    { server: "127.0.0.1:9" },
    { server: a.address, max_conns: 1 },
    { server: b.address, max_conns: 2 },
  ];
  const gateway = await startTwins(context, { app: { servers } });
  const counts = await bothKinds("app", async (path) =>
    countsOf(await holdInTurn(context, gateway, [a, b], repeated(`${path}/?hold=1`, 4))),
  );
  assert.deepEqual(counts, { 502: 1, a: 1, b: 2 });
});

test("an address can be twice in nginx's list, and is refused by Sluice", async (context) => {
  const [a, b] = await startNamed(context, 2);
  const gateway = await startTwins(context, {
    app: { servers: [{ server: a.address }, { server: b.address }] },
  });
  const answer = await gateway.api.post(serversOf("app"), { server: a.address });
  assert.equal(answer.status, 409, answer.text);
  // docs/comparison.md names the difference: one server with the sum of both limits does the same.
  await gateway.api.expect(200, "PATCH", `${serversOf("app")}/0`, { max_conns: 2, weight: 2 });
  const answers = await holdInTurn(context, gateway, [a, b], repeated("/sluice/app/?hold=1", 6));
  assert.deepEqual(countsOf(answers), { a: 2, b: 4 });
});

test("a request that is bound to a full server goes to another one, and is refused when all are full", async (context) => {
  const all = await startNamed(context, 2);
  const [a, b] = all.map(({ address }, index) => ({ server: address, route: "ab"[index] }));
  const sticky = { route: { variables: ["$arg_route"] } };
  const gateway = await startTwins(context, { free: { servers: [a, b].map(({ server }) => ({ server })) } });
  const limited = [
    { ...a, max_conns: 2 },
    { ...b, max_conns: 3 },
  ];
  for (const [name, servers] of Object.entries({ unlimited: [a, b], limited }))
    await gateway.api.expect(201, "PUT", `/api/sluice/1/upstreams/${name}`, { sticky, servers });
  const held = (/** @type {string} */ name, /** @type {number} */ count) =>
    holdInTurn(context, gateway, all, repeated(`/sluice/${name}/?hold=1&route=a`, count));
  assert.deepEqual(await held("unlimited", 4), ["a", "a", "a", "a"]);
  assert.deepEqual(await held("limited", 6), ["a", "a", "b", "b", "b", "502"]);
  assert.deepEqual(await sequenceOf(gateway, repeated("/sluice/limited/?route=a", 3)), ["a", "a", "a"]);
});
