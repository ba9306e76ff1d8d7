/** `hash consistent` with `balance_factor`: a hot key loads its server up to the bound, but not beyond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/**
 * Returns a path for a request. Half of the requests have the same key, and each of the others has a
 * different key.
 * @param {number} number
 */
const path = (number) => (number % 2 === 0 ? "/?k=hot" : `/?k=cold${number}`);
/**
 * The time of each answer in milliseconds. It lets even a slow machine use all connections at the same time.
 */
const delay = 60;

/**
 * Returns the bound of each server: the factor times its share of the connections by weight, rounded up. The
 * gateway uses the requests in flight instead of the connections, but there are never more of them.
 * @param {number[]} weights
 * @param {number} factor
 * @param {number} connections
 */
function boundsOf(weights, factor, connections) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => Math.ceil((connections * weight * factor) / sum / 100));
}

/**
 * Loads a gateway, and returns the bounds and the observed maxima.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {(import("./support/backend.mjs").Backend & { address: string })[]} backends
 * @param {{ weights: number[], factor: number, connections: number, rounds: number }} setting
 */
async function measure(context, gateway, backends, { weights, factor, connections, rounds }) {
  const hash = { key: "$arg_k", consistent: true, balance_factor: factor };
  const servers = backends.map(({ address }, index) => ({ server: address, weight: weights[index] }));
  await gateway.api.expect(200, "PUT", sluice(), { method: "hash", hash, servers });
  const { text } = await ask(gateway.port, path(0));
  const owner = backends.findIndex(({ id }) => id === text);

  const peaks = watchPeaks(backends);
  const load = startLoad(context, { port: gateway.port, connections, total: connections * rounds, path });
  await load.finished;
  peaks.stop();
  assert.deepEqual([...load.errors], []);
  const bounds = boundsOf(weights, factor, connections);
  return { bounds, owner, highest: peaks.highest(), shareAbove: peaks.shareAbove(bounds) };
}

for (const weights of [
  [1, 1, 1, 1],
  [1, 2, 3, 4],
]) {
  test(`weights ${weights}, one worker: no server ever has more than its bound`, async (context) => {
    const backends = await startBackends(context, weights.length);
    for (const backend of backends) backend.behaviour = { delay };
    const gateway = await startGateway(context, { upstreams: { app: {} }, workers: 1 });
    for (const factor of [100, 125, 200]) {
      for (const connections of [1, 3, 10, 40]) {
        const setting = { weights, factor, connections, rounds: 5 };
        // The hot key stays at its server while there is room, so its requests fill a server with a low bound
        // when the clients have all their requests in flight.
        await waitFor(`the server of the hot key is full: ${JSON.stringify(setting)}`, async () => {
          const { bounds, owner, highest } = await measure(context, gateway, backends, setting);
          const what = `factor ${factor}, ${connections} connections: ${highest}, bounds ${bounds}`;
          for (const [index, one] of highest.entries()) assert.ok(one <= bounds[index], what);
          return highest[owner] === bounds[owner] || bounds[owner] > Math.max(1, connections / 3);
        });
      }
    }
  });
}

test("four workers that choose at the same instant stay within the bounds", async (context) => {
  const weights = [1, 2, 3, 4];
  const workers = 4;
  const backends = await startBackends(context, weights.length);
  for (const backend of backends) backend.behaviour = { delay };
  const gateway = await startGateway(context, { upstreams: { app: {} }, workers, listen: "reuseport" });
  for (const factor of [100, 125]) {
    const setting = { weights, factor, connections: 40, rounds: 20 };
    const { bounds, highest, shareAbove } = await measure(context, gateway, backends, setting);
    const what = `factor ${factor}: ${highest}, bounds ${bounds}`;
    // A choice and its count are two consecutive steps. Each other worker can choose between them once.
    for (const [index, one] of highest.entries()) assert.ok(one <= bounds[index] + workers - 1, what);
    assert.ok(shareAbove <= 0.02, `${shareAbove} of the requests were above a bound`);
  }
});

test("balance_slack keeps the requests of a key together until their server has so many more than the mean", async (context) => {
  const backends = await startBackends(context, 4);
  for (const backend of backends) backend.behaviour = { delay };
  const gateway = await startGateway(context, { upstreams: { app: {} }, workers: 1 });
  const servers = backends.map(({ address }) => ({ server: address }));
  const connections = 20;
  // Of 20 requests in flight, a server may have 5 × 1.5, or 5 + balance_slack.
  for (const [balance_slack, bound, used] of [
    [0, 8, 3],
    [8, 13, 2],
    [15, 20, 1],
  ]) {
    const hash = { key: "$arg_k", consistent: true, balance_factor: 150, balance_slack };
    await gateway.api.expect(200, "PUT", sluice(), { method: "hash", hash, servers });
    await waitFor(`all requests are in flight at once: ${balance_slack}`, async () => {
      const peaks = watchPeaks(backends);
      const load = startLoad(context, { port: gateway.port, connections, total: 100, path: () => "/?k=hot" });
      await load.finished;
      peaks.stop();
      const highest = peaks.highest().sort((one, other) => other - one);
      for (const peak of highest) assert.ok(peak <= bound, `${peak} of at most ${bound}: ${highest}`);
      const busy = highest.filter((peak) => peak > 0).length;
      assert.ok(busy <= used, `${busy} servers instead of ${used} are used: ${highest}`);
      return highest[0] === bound && busy === used;
    });
  }
});
