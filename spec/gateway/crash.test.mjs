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
  assert.equal(ids.size, there.length, "no address is there twice");
  assert.equal(new Set(ids.values()).size, there.length, "no id is there twice");
  const lost = [...writers.acknowledged].filter(([server, id]) => ids.get(server) !== id);
  assert.deepEqual(lost, [], "acknowledged, but not there");
  const invented = [...ids.keys()].filter((server) => !writers.attempted.has(server));
  assert.deepEqual(invented, [], "there, but nobody added it");
  assert.deepEqual(writers.problems, []);
}

/** @param {import("./support/writers.mjs").Writers} writers @param {number} count */
async function waitForWrites(writers, count) {
  const wanted = writers.acknowledged.size + count;
  await waitFor("writers go on", () => writers.acknowledged.size >= wanted);
}

test("kill -9 of a writing worker loses no acknowledged write", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
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
  assert.equal(await gateway.api.configuration(), before, "the saved state is the one that was served");
});

test("kill -9 of all of nginx while it writes loses no acknowledged write", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
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

/** A writer of one upstream that knows the states it may be in. */
class Owner {
  /** The weight of all its servers, or undefined when it is deleted. @type {(number | undefined)[]} */
  possible = [undefined];
  #weight = 0;

  /** @param {import("./support/api.mjs").Api} api @param {string} name */
  constructor(api, name) {
    this.api = api;
    this.path = sluice(name);
  }

  /** One write, of which both outcomes are possible until it is answered. */
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

  /** Checks as soon as somebody answers. Returns whether somebody did. */
  async isKnown() {
    try {
      await this.check();
      return true;
    } catch (cause) {
      if (cause instanceof assert.AssertionError) throw cause;
      return false;
    }
  }

  /** Asserts that the upstream is in one of its allowed states, which is the only allowed one from now on. */
  async check() {
    const { status, body } = await this.api.get(this.path);
    const weights = status === 404 ? [undefined] : body.servers.map(({ weight }) => weight);
    assert.equal(new Set(weights).size, 1, "a write is there whole or not at all");
    assert.ok(this.possible.includes(weights[0]), `${weights[0]} is there, not one of ${this.possible}`);
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
    // The compaction is done by one of the workers, about once a second.
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
  await waitFor("none is in flight", async () => (await sumOf(gateway.api, "active")) === 0);

  for (let number = 0; number < 20; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.equal(peer.requests, 32, "what the killed workers had counted is not lost");
  assert.equal(peer.active, 0);
  assert.equal(peer.responses["2xx"], 20);
});
