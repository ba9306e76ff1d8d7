/**
 * `least_time`: the promises that nginx's public suite asserts in `upstream_least_time.t` (open source nginx
 * has the method since 1.31). One worker and one request at a time, as there. The decay of times and
 * `inflight` are in `least_time.test.mjs`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../support/gateway.mjs";
import { begin } from "../support/clients.mjs";
import { waitFor } from "../support/wait.mjs";
import { countsOf, repeated, sequenceOf, startNamed } from "../support/twins.mjs";

/** Much longer than a pause of a busy machine, in milliseconds. */
const LONG = 1000;
/** Times are not halved during a test: that begins after this time. */
const KEPT = { fail_timeout: "60s" };
/** Times that a pause of the machine has made longer soon count no more. */
const HALVED = { fail_timeout: "2s" };

/**
 * @param {import("node:test").TestContext} context
 * @param {object} least_time
 * @param {object} [parameters] of each server
 */
async function startTimed(context, least_time, parameters = KEPT) {
  const [a, b] = await startNamed(context, 2);
  const servers = [a, b].map(({ address }) => ({ server: address, ...parameters }));
  const app = { method: "least_time", least_time, servers };
  return { a, b, gateway: await startGateway(context, { workers: 1, upstreams: { app } }) };
}

/** @param {{ port: number }} gateway @param {number} [count] @param {string} [path] */
const counted = async (gateway, count = 10, path = "/") =>
  countsOf(await sequenceOf(gateway, repeated(path, count)));

for (const measure of ["header", "last_byte"])
  for (const [slow, fast] of ["ab", "ba"])
    test(`${measure}: after a slow response, ${slow} gets one request of ten and ${fast} the others`, async (context) => {
      const { gateway, ...backends } = await startTimed(context, { measure });
      backends[slow].behaviour = { delay: LONG };
      assert.deepEqual(await counted(gateway, 11), { [slow]: 1, [fast]: 10 });
    });

test("with header, a slow body does not count", async (context) => {
  const { a, gateway } = await startTimed(context, { measure: "header" }, HALVED);
  a.behaviour = { body_delay: LONG };
  // A pause of a busy machine makes one of the times longer, and another round is then necessary.
  await waitFor(
    "the server has several of ten requests",
    async () => (await counted(gateway)).a >= 2,
    60_000,
  );
});

test("with last_byte, a slow body counts", async (context) => {
  const { a, gateway } = await startTimed(context, { measure: "last_byte" });
  a.behaviour = { body_delay: LONG };
  assert.deepEqual(await counted(gateway), { a: 1, b: 9 });
});

test("servers with equal times are used alike", async (context) => {
  const { a, b, gateway } = await startTimed(context, { measure: "last_byte" }, HALVED);
  // The times of both differ by less than the step in which they are compared, unless the machine pauses.
  for (const backend of [a, b]) backend.behaviour = { delay: 300 };
  await waitFor(
    "both have several of eight requests",
    async () => {
      const { a: its = 0, b: others = 0 } = await counted(gateway, 8);
      return its >= 2 && others >= 2;
    },
    60_000,
  );
});

test("several slow responses at a time count as one alone, for the server that had them", async (context) => {
  const { a, gateway } = await startTimed(context, { measure: "last_byte" });
  a.behaviour = { delay: LONG };
  const held = Array.from({ length: 6 }, () => begin(context, gateway.port).ending);
  for (const { status } of await Promise.all(held)) assert.equal(status, 200);
  a.behaviour = {};
  assert.deepEqual(await counted(gateway), { b: 10 });
});
