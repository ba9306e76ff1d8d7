/** `random` beside nginx's own, with two workers: the promises of `upstream_random.t`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/clients.mjs";
import {
  bothKinds,
  countsOf,
  holdInTurn,
  repeated,
  sequenceOf,
  startNamed,
  startTwins,
} from "../support/twins.mjs";
import { waitFor } from "../support/wait.mjs";

/** @type {Record<string, Pick<import("../support/twins.mjs").Twin, "directives" | "settings">>} */
const kinds = {
  random: { directives: "random;", settings: { method: "random" } },
  "random two": { directives: "random two;", settings: { method: "random", random: { two: "least_conn" } } },
};
/** The probability that one of two servers gets none of these requests by chance is 2⁻³⁹. */
const MANY = 40;
const workers = 2;

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name}: requests go to all servers but the one that is down`, async (context) => {
    const [a, b, c] = (await startNamed(context, 3)).map(({ address }) => ({ server: address }));
    const servers = [a, b, { ...c, down: true }];
    const gateway = await startTwins(context, { app: { ...kind, servers } }, { workers });
    const used = await bothKinds("app", async (path) =>
      Object.keys(countsOf(await sequenceOf(gateway, repeated(`${path}/`, MANY)))),
    );
    assert.deepEqual(used, ["a", "b"]);
  });

  test(`${name}: the only server gets all requests`, async (context) => {
    const [{ address }] = await startNamed(context, 1);
    const gateway = await startTwins(
      context,
      { app: { ...kind, servers: [{ server: address }] } },
      { workers },
    );
    const counts = await bothKinds("app", async (path) =>
      countsOf(await sequenceOf(gateway, repeated(`${path}/`, 5))),
    );
    assert.deepEqual(counts, { a: 5 });
  });

  test(`${name}: requests are answered while one of two servers closes each connection`, async (context) => {
    const [bad, good] = await startNamed(context, 2);
    bad.behaviour = { reset: 1 };
    const servers = [bad, good].map(({ address }) => ({ server: address }));
    const gateway = await startTwins(context, { app: { ...kind, servers } }, { workers });
    const counts = await bothKinds("app", async (path) =>
      countsOf(await sequenceOf(gateway, repeated(`${path}/`, 10))),
    );
    assert.deepEqual(counts, { b: 10 });
  });
}

test("random two: while one of two servers holds a request, the next one goes to the other", async (context) => {
  const all = await startNamed(context, 2);
  const servers = all.map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, { app: { ...kinds["random two"], servers } }, { workers });
  const outcome = await bothKinds("app", async (path) => {
    const others = [];
    for (let round = 0; round < 20; round += 1) {
      const held = begin(context, gateway.port, `${path}/?hold=1`);
      await waitFor("a request is held", () => all.some(({ active }) => active > 0));
      const [next] = await sequenceOf(gateway, [`${path}/`]);
      for (const server of all) server.release();
      const { by } = await held.ending;
      others.push(next !== by);
      await waitFor("no request is in flight", () => all.every(({ active }) => active === 0));
    }
    return others;
  });
  assert.deepEqual(outcome, Array(20).fill(true));
});

test("random two: held requests are shared by weight", async (context) => {
  const all = await startNamed(context, 2);
  const servers = all.map(({ address }, index) => ({ server: address, weight: index + 1 }));
  const gateway = await startTwins(context, { app: { ...kinds["random two"], servers } }, { workers });
  const counts = await bothKinds("app", async (path) =>
    countsOf(await holdInTurn(context, gateway, all, repeated(`${path}/?hold=1`, 3))),
  );
  assert.deepEqual(counts, { a: 1, b: 2 });
});
