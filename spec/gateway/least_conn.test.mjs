/**
 * `least_conn` counts requests in flight over all workers, so a slow server never has more of them than the
 * others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Api } from "./support/api.mjs";
import { startBackends } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { peersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const connections = 40;
const workers = 4;
/**
 * Response times of the fast servers and of the slow one, in milliseconds. They are so long that the clients
 * wait for most of the time also on a busy machine: a sample counts only if no client is between two
 * requests.
 */
const fast = 400;
const slow = 4000;

/**
 * Tolerance for workers that choose at the same instant. A chosen server has, relative to its weight, at most
 * the mean of the other servers' requests. Its share would never be exceeded if the choice and its count were
 * one step. They are two consecutive steps, and each other worker can choose between them once, based on the
 * previous counts.
 */
const mostAtOnce = workers - 1;
/**
 * Upper bound on the share of such choices. There were none among 70,000 requests, with or without other load
 * on the machine.
 */
const rarely = 0.02;

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/backend.mjs").Backend[]} backends
 */
async function activeByStatus(gateway, backends) {
  const peers = await peersOf(gateway.api);
  return backends.map((backend) => peers.get(backend.address).active);
}

/**
 * Asserts that each server has its share of the requests, with a tolerance of one, while every client has a
 * request in flight.
 * @param {number[]} shares
 * @param {() => number[] | Promise<number[]>} read
 */
async function assertSpread(shares, read) {
  const wanted = 50;
  const total = shares.reduce((sum, share) => sum + share, 0);
  const samples = [];
  await waitFor(
    "all requests were in flight often enough",
    async () => {
      await sleep(7);
      const active = await read();
      if (active.reduce((sum, one) => sum + one, 0) === total) samples.push(active);
      return samples.length === wanted;
    },
    180_000,
  );
  const uneven = samples.filter((active) => active.some((one, index) => Math.abs(one - shares[index]) > 1));
  assert.ok(uneven.length <= wanted * rarely, `shares ${shares}, but ${JSON.stringify(uneven)}`);
}

for (const weights of [
  [1, 1, 1, 1],
  [1, 2, 3, 4],
]) {
  test(`weights ${weights}: a server that is ten times slower has its share of the requests in flight`, async (context) => {
    const backends = await startBackends(context, weights.length);
    for (const [index, backend] of backends.entries())
      backend.behaviour = { delay: index === 0 ? slow : fast };
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const shares = weights.map((weight) => (connections * weight) / sum);
    const servers = backends.map(({ address }, index) => ({ server: address, weight: weights[index] }));
    const gateway = await startGateway(context, {
      upstreams: { app: { method: "least_conn", servers } },
      listen: "reuseport",
      workers,
    });
    const peaks = watchPeaks(backends);
    const load = startLoad(context, { port: gateway.port, connections });
    await assertSpread(shares, () => activeByStatus(gateway, backends));
    await load.round();
    await load.stop();

    assert.deepEqual([...load.errors], []);
    for (const [index, highest] of peaks.highest().entries()) {
      assert.ok(
        highest <= shares[index] + mostAtOnce,
        `server ${index} had ${highest}, not ${shares[index]}`,
      );
    }
    const above = peaks.shareAbove(shares);
    assert.ok(above <= rarely, `${above} of all requests exceeded the share of their server`);
    // In turns the slow server would have its weight's share of the answers. With least_conn it has 1 in 31,
    // or 1 in 91, except at the start.
    const share = backends[0].requests.length / load.answers;
    assert.ok(share < weights[0] / sum / 2, `the slow server answered ${share} of all requests`);
  });
}

test("the requests of a killed worker no longer count, and those of other workers do", async (context) => {
  const backends = await startBackends(context, 4);
  const [first] = backends;
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, {
    upstreams: { app: { method: "least_conn", servers: servers.slice(0, 1) } },
    listen: "reuseport",
    workers,
  });

  /** Clients with kept connections, by worker. @type {Map<number, Api[]>} */
  const clients = new Map();
  for (let number = 0; number < 48; number += 1) {
    const client = new Api({ port: gateway.port, keepAlive: true });
    atEnd(context, () => client.close());
    const worker = Number((await client.get("/")).headers["x-worker"]);
    clients.set(worker, [...(clients.get(worker) ?? []), client]);
  }
  // The probability that all 48 clients are at one worker is 4^-47.
  const [[victim, lost], [, others]] = [...clients].toSorted(([, a], [, b]) => b.length - a.length);
  assert.ok(lost.length >= 12);
  const held = [...lost, others[0]].map((client) => client.get("/?hang=1").catch((cause) => cause.code));
  await waitFor("the requests are in flight", () => first.active === held.length);

  await gateway.api.expect(200, "PUT", sluice(), { method: "least_conn", servers });
  assert.deepEqual(await activeByStatus(gateway, backends), [lost.length + 1, 0, 0, 0]);
  await gateway.killWorker(victim);
  assert.deepEqual(new Set(await Promise.all(held.slice(0, -1))), new Set(["ECONNRESET"]));
  await waitFor(
    "the requests of the killed worker are no longer counted",
    async () => `${await activeByStatus(gateway, backends)}` === "1,0,0,0",
  );

  for (const backend of backends) backend.behaviour = { delay: fast };
  const load = startLoad(context, { port: gateway.port, connections: connections - 1 });
  // The servers count requests of all workers.
  await assertSpread([10, 10, 10, 10], () => backends.map(({ active }) => active));
  await load.stop();
  assert.deepEqual([...load.errors], []);
  others[0].close();
  await Promise.all(held);
});
