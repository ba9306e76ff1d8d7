/** `least_conn` beside nginx's own: the promises of `upstream_least_conn.t`. */
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

/** @type {Pick<import("../support/twins.mjs").Twin, "directives" | "settings">} */
const method = { directives: "least_conn;", settings: { method: "least_conn" } };

test("requests one after another alternate between idle servers", async (context) => {
  const servers = (await startNamed(context, 2)).map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, { app: { ...method, servers } });
  const answers = await bothKinds("app", (path) => sequenceOf(gateway, repeated(`${path}/`, 10)));
  assert.deepEqual(countsOf(answers), { a: 5, b: 5 });
});

test("while a server holds a request, all further ones go to the idle server", async (context) => {
  const [a, b] = await startNamed(context, 2);
  const servers = [a, b].map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, { app: { ...method, servers } });
  const answers = await bothKinds("app", async (path) => {
    a.behaviour = { hold: 1 };
    // Each of the two gets one of two requests; the first server holds its own.
    const held = [begin(context, gateway.port, `${path}/`), begin(context, gateway.port, `${path}/`)];
    await waitFor("a request is held", () => a.active > 0);
    const some = await sequenceOf(gateway, repeated(`${path}/`, 10));
    a.behaviour = {};
    a.release();
    await Promise.all(held.map(({ ending }) => ending));
    return some;
  });
  assert.deepEqual(countsOf(answers), { b: 10 });
});

for (const weights of [
  [1, 2],
  [1, 3],
  [2, 3, 1],
])
  test(`weights ${weights}: each server holds as many requests as with nginx`, async (context) => {
    const all = await startNamed(context, weights.length);
    const servers = all.map(({ address }, index) => ({ server: address, weight: weights[index] }));
    const gateway = await startTwins(context, { app: { ...method, servers } });
    const count = 2 * weights.reduce((sum, weight) => sum + weight, 0);
    const answers = await bothKinds("app", async (path) =>
      countsOf(await holdInTurn(context, gateway, all, repeated(`${path}/?hold=1`, count))),
    );
    assert.deepEqual(
      Object.values(answers),
      weights.map((weight) => 2 * weight),
    );
  });
