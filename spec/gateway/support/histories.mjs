/**
 * Random histories of changes, of killed workers and of restarts: the upstreams are always those of a model,
 * with the change that was not acknowledged either whole or absent.
 */
import assert from "node:assert/strict";
import { CHANGES, revisionOf, ROLLBACK } from "./changes.mjs";
import { startKillingAt } from "./killing.mjs";
import { someAddress } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** @typedef {Record<string, object>} Upstreams as an export shows them, by name */

/** @type {import("./killing.mjs").Point[]} */
const POINTS = [
  { module: "memory.staging", name: "stage_text", when: "after" },
  { module: "unfinished", name: "begin_write", when: "before" },
  { module: "history.files", name: "prepare_append", when: "after" },
  { module: "history.files", name: "append_entry", when: "after" },
  { module: "history.files", name: "count_entry", when: "after" },
  { module: "unfinished", name: "begin_write", when: "after" },
  { module: "memory.posix", name: "write_at", when: "after" },
  { module: "disk.writer", name: "append", when: "after" },
  { module: "unfinished", name: "update_rows", when: "after" },
  { module: "memory.staging", name: "put_staged", when: "before" },
  { module: "memory.staging", name: "put_staged", when: "after" },
  { module: "memory.dict", name: "delete_text", when: "after" },
  { module: "unfinished", name: "publish_write", when: "before" },
  { module: "unfinished", name: "publish_write", when: "after" },
  { module: "memory.staging", name: "unstage", when: "after" },
];
const NAMES = ["a", "b", "c", "d", "e", "f"];
const METHODS = ["round_robin", "least_conn", "random"];

const below = (/** @type {number} */ limit) => Math.floor(Math.random() * limit);

/** Returns a random upstream. */
function someUpstream() {
  const servers = NAMES.filter(() => Math.random() < 0.5).map((_, index) => {
    const weight = 1 + below(4);
    return { server: someAddress(index), ...(weight > 1 ? { weight } : {}) };
  });
  return { method: METHODS[below(METHODS.length)], servers };
}

/**
 * Returns a random change and the upstreams after it.
 * @param {Upstreams} before
 */
export function someChange(before) {
  /** @type {Record<string, object | null>} */
  const upstreams = {};
  const after = { ...before };
  for (const name of NAMES.filter(() => Math.random() < 0.6)) {
    const isThere = before[name] !== undefined;
    if (isThere && Math.random() < 0.3) {
      upstreams[name] = null;
      delete after[name];
    } else if (isThere && Math.random() < 0.4) {
      const panic_threshold = 1 + below(100);
      upstreams[name] = { patch: { panic_threshold } };
      after[name] = { ...before[name], panic_threshold };
    } else {
      upstreams[name] = someUpstream();
      after[name] = upstreams[name];
    }
  }
  return { upstreams, after };
}

/** @param {import("./gateway.mjs").Gateway} gateway @returns {Promise<Upstreams>} */
export async function exported({ api }) {
  return (await api.expect(200, "GET", "/api/sluice/1/upstreams?format=export")).upstreams;
}

/** @param {Upstreams} one @param {Upstreams} other */
function isEqual(one, other) {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

/** Waits until no write of a dead worker is under way. @param {import("./gateway.mjs").Gateway} gateway */
async function settled(gateway) {
  await waitFor("a write succeeds", async () => {
    try {
      return (await gateway.api.post(CHANGES, { upstreams: {} })).status === 200;
    } catch {
      return false;
    }
  });
}

/**
 * Sorts the servers of upstreams by address. A server that is still at its address keeps its id, and with it
 * its place.
 * @param {Record<string, { servers: { server: string }[] }>} upstreams
 */
export function sorted(upstreams) {
  const byAddress = (one, other) => (one.server < other.server ? -1 : 1);
  return Object.fromEntries(
    Object.entries(upstreams).map(([name, upstream]) => [
      name,
      { ...upstream, servers: upstream.servers.toSorted(byAddress) },
    ]),
  );
}

/**
 * Asserts that a rollback to some of the revisions restores their upstreams.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {[revision: number, upstreams: any][]} states
 */
export async function assertRestorable(gateway, states) {
  for (const [to, upstreams] of states) {
    await gateway.api.expect(200, "POST", ROLLBACK, { to });
    assert.deepEqual(
      sorted(/** @type {any} */ (await exported(gateway))),
      sorted(upstreams),
      `revision ${to}`,
    );
  }
}

/**
 * Runs histories, each with one change during which a worker may be killed.
 * @param {import("node:test").TestContext} context
 * @param {number} histories
 */
export async function runHistories(context, histories) {
  const { gateway, killAt } = await startKillingAt(context, POINTS, { upstreams: {} });
  /** @type {Upstreams} */
  let model = {};
  let kills = 0;
  /** @type {[revision: number, upstreams: any][]} */
  const states = [];
  for (let history = 0; history < histories; history += 1) {
    for (let step = 0; step < 3; step += 1) {
      const { upstreams, after } = someChange(model);
      const answer = await gateway.api.post(CHANGES, { upstreams });
      assert.equal(answer.status, 200, answer.text);
      model = after;
    }
    const { upstreams, after } = someChange(model);
    const point = history % POINTS.length;
    const made = await killAt(point, 1 + below(4), () => gateway.api.post(CHANGES, { upstreams }));
    if (made !== undefined) {
      assert.equal(made.status, 200, made.text);
      model = after;
    } else {
      kills += 1;
    }
    const restart = history % 3;
    if (restart === 1) await gateway.killAll();
    if (restart === 2) await gateway.stop();
    if (restart > 0) await gateway.start();
    await settled(gateway);
    const found = await exported(gateway);
    if (made === undefined && isEqual(found, after)) model = after;
    assert.deepEqual(found, model, `history ${history}, killed at point ${point}`);
    states.push([await revisionOf(gateway.api), model]);
  }
  // However often nginx has died, its history leads back to each of them.
  await assertRestorable(gateway, states.slice(-24).toReversed());
  context.diagnostic(`${kills} workers were killed during a change`);
  assert.ok(kills >= histories / 5);
}
