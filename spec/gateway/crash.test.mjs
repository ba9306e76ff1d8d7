/** `kill -9` of a worker or of all of nginx loses no acknowledged write. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { times } from "./support/repeat.mjs";
import { settledPeersOf, serversOf, sluice, someAddress, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";
import { startWriters } from "./support/writers.mjs";

useWorkers(4);

const manyServers = Array.from({ length: 100 }, (_, number) => someAddress(number));

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/writers.mjs").Writers} writers
 */
async function assertNothingLost(gateway, writers) {
  const there = await gateway.api.expect(200, "GET", serversOf());
  const ids = new Map(there.map(({ server, id }) => [server, id]));
  assert.equal(ids.size, there.length, "there are no duplicate addresses");
  assert.equal(new Set(ids.values()).size, there.length, "there are no duplicate ids");
  const lost = [...writers.acknowledged].filter(([server, id]) => ids.get(server) !== id);
  assert.deepEqual(lost, [], "all acknowledged servers exist");
  const invented = [...ids.keys()].filter((server) => !writers.attempted.has(server));
  assert.deepEqual(invented, [], "all servers were added by the writers");
  assert.deepEqual(writers.problems, []);
}

/** @param {import("./support/writers.mjs").Writers} writers @param {number} count */
async function waitForWrites(writers, count) {
  const wanted = writers.acknowledged.size + count;
  await waitFor("writers go on", () => writers.acknowledged.size >= wanted);
}

for (const fsync of [false, true]) {
  const how = fsync ? ", with fsync" : "";
  const options = { upstreams: { app: {} }, setup: { fsync } };

  test(`kill -9 of a writing worker loses no acknowledged write${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    const writers = startWriters(context, gateway);
    for (let turn = 0; turn < times(12); turn += 1) {
      await waitForWrites(writers, 20);
      await sleep(Math.random() * 20);
      const workers = gateway.workers();
      await gateway.killWorker(workers[turn % workers.length]);
    }
    await waitForWrites(writers, 20);
    await writers.stop();
    await assertNothingLost(gateway, writers);

    const before = await gateway.api.configuration();
    await gateway.stop();
    await gateway.start();
    assert.equal(await gateway.api.configuration(), before, "the saved state equals the served state");
  });

  test(`kill -9 of all of nginx while it writes loses no acknowledged write${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    const acknowledged = new Map();
    const attempted = new Set();
    for (let turn = 0; turn < times(6); turn += 1) {
      const writers = startWriters(context, gateway, { from: turn * 10_000 });
      await waitForWrites(writers, 20);
      await sleep(Math.random() * 30);
      await gateway.killAll();
      await writers.stop();
      await gateway.start();
      writers.acknowledged.forEach((id, server) => acknowledged.set(server, id));
      writers.attempted.forEach((server) => attempted.add(server));
      await assertNothingLost(gateway, { acknowledged, attempted, problems: writers.problems });
    }
  });
}

/** A writer of one upstream that records the possible states of the upstream. */
class Owner {
  /**
   * The possible weights of all its servers; undefined: the upstream is deleted.
   * @type {(number | undefined)[]}
   */
  possible = [undefined];
  #weight = 0;

  /** @param {import("./support/api.mjs").Api} api @param {string} name */
  constructor(api, name) {
    this.api = api;
    this.path = sluice(name);
  }

  /** Makes one write. Both outcomes are possible until it is answered. */
  async write() {
    const [before] = this.possible;
    this.#weight += 1;
    const next = before !== undefined && this.#weight % 4 === 0 ? undefined : this.#weight;
    const weighted = manyServers.map((server) => ({ server, weight: next }));
    this.possible = [before, next];
    const isDeletion = next === undefined;
    const answer = await (isDeletion
      ? this.api.delete(this.path)
      : this.api.put(this.path, { servers: weighted }));
    assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
    this.possible = [next];
  }

  /** Checks the upstream if a worker answers. Returns whether a worker has answered. */
  async isKnown() {
    try {
      await this.check();
      return true;
    } catch (cause) {
      if (cause instanceof assert.AssertionError) throw cause;
      return false;
    }
  }

  /** Asserts that the upstream is in a possible state, which is the only possible one from now on. */
  async check() {
    const { status, body } = await this.api.get(this.path);
    const weights = status === 404 ? [undefined] : body.servers.map(({ weight }) => weight);
    assert.equal(new Set(weights).size, 1, "a write has taken effect completely or not at all");
    assert.ok(this.possible.includes(weights[0]), `the weight is ${weights[0]}, not one of ${this.possible}`);
    if (status !== 404) assert.equal(weights.length, manyServers.length);
    this.possible = [weights[0]];
  }
}

test("kill -9 during changes of large upstreams and compactions of the journal loses no acknowledged write", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const owners = Array.from({ length: 4 }, (_, number) => new Owner(gateway.api, `own-${number}`));
  const image = () =>
    ["image.0", "image.1"].map((name) => readFileSync(join(gateway.folder, "state", name), "utf8"));
  for (let turn = 0; turn < times(3); turn += 1) {
    const before = image();
    const isRunning = { one: true };
    const writing = owners.map(async (owner) => {
      while (isRunning.one) {
        try {
          await owner.write();
        } catch (cause) {
          if (cause instanceof assert.AssertionError) throw cause;
          while (isRunning.one && !(await owner.isKnown())) await sleep(5);
        }
      }
    });
    // One of the workers checks about once a second whether a compaction is due.
    await waitFor("the journal is compacted", () => image().join() !== before.join());
    await sleep(Math.random() * 900);
    for (const pid of gateway.workers()) await gateway.killWorker(pid);
    await sleep(300 + Math.random() * 900);
    isRunning.one = false;
    await gateway.killAll();
    await Promise.all(writing);
    await gateway.start();
    for (const owner of owners) await owner.check();
  }
});

test("requests of a killed worker do not stay in flight", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const held = Array.from({ length: 12 }, () =>
    ask(gateway.port, "/?delay=3000").catch((cause) => cause.code),
  );
  await waitFor("the requests are in flight", async () => (await sumOf(gateway.api, "active")) === 12);

  for (const pid of gateway.workers()) await gateway.killWorker(pid);
  assert.deepEqual(new Set(await Promise.all(held)), new Set(["ECONNRESET"]));
  await waitFor("no request is in flight", async () => (await sumOf(gateway.api, "active")) === 0);

  for (let number = 0; number < 20; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.equal(peer.requests, 32, "the counts of killed workers are kept");
  assert.equal(peer.active, 0);
  assert.equal(peer.responses["2xx"], 20);
});
