/**
 * An hour of changes, reloads, kills of workers and failures of servers under traffic. What a gateway holds
 * does not grow, and no client sees an error. `--minutes` shortens it, `--write` puts the figures into
 * docs/reliability.md.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom } from "../gateway/support/damages.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { Changes } from "./support/churn_changes.mjs";
import { FIXED, startChurned } from "./support/churn_gateway.mjs";
import { measure } from "./support/churn_measures.mjs";
import { problemsOf, tableOf, writeChurnPage } from "./support/churn_page.mjs";

const MINUTES = Number(process.env.SLUICE_SOAK_MINUTES ?? 60);
/** Rounds last for 15 s at least, and for a minute in an hour. */
const ROUNDS = Math.max(8, Math.min(60, 2 * Math.floor(MINUTES * 2)));
const WORKERS = 2;
const CONNECTIONS = 8;
/** Time after a kill in which clients may lose the requests that were under way at the worker, in ms. */
const AFTER_KILL = 1500;

const PATHS = ["/", ...FIXED.map((_, index) => `/to/fixed-${index}`)];

/** @typedef {Awaited<ReturnType<typeof startChurned>>} Churned */

/** @param {Map<string, number>} errors */
const countOf = (errors) => [...errors.values()].reduce((sum, count) => sum + count, 0);

class Churn {
  answers = 0;
  changes = 0;
  kills = 0;
  reloads = 0;
  failures = 0;
  /** Requests and changes that were under way at a killed worker. */
  lost = 0;
  /** @type {string[]} */
  errors = [];

  /** @param {import("node:test").TestContext} context @param {Churned} churned @param {number} seed */
  constructor(context, churned, seed) {
    this.context = context;
    this.churned = churned;
    this.random = randomFrom(seed);
  }

  /** Kills a worker, and counts what it takes with it. @param {Map<string, number>[]} counters */
  async #kill(counters) {
    const { gateway } = this.churned;
    const before = counters.map(countOf);
    await gateway.killWorker(gateway.workers()[this.random(WORKERS)]);
    await sleep(AFTER_KILL);
    for (const [index, errors] of counters.entries()) {
      const lost = countOf(errors) - before[index];
      assert.ok(lost <= CONNECTIONS, `a kill has cost ${lost} requests: ${JSON.stringify([...errors])}`);
      this.lost += lost;
      if (lost > 0) errors.clear();
    }
    this.kills += 1;
  }

  /** Lets a server fail for a while, killed or frozen. @param {number} milliseconds */
  async #fail(milliseconds) {
    const server = this.churned.servers[this.random(this.churned.servers.length)];
    const isKilled = this.random(2) === 0;
    await (isKilled ? server.kill() : server.hang());
    await sleep(milliseconds);
    await (isKilled ? server.start() : server.goOn());
    this.failures += 1;
  }

  /**
   * One round of churn, and the measures at rest after it.
   * @param {number} length in milliseconds
   * @param {boolean} replaces true: the workers are killed and replaced
   */
  async round(length, replaces) {
    const { gateway } = this.churned;
    // nginx closes idle connections of clients at a reload, also in the moment in which a client uses one.
    const options = {
      connections: CONNECTIONS,
      keepAlive: false,
      pause: 20,
      path: (number) => PATHS[number % PATHS.length],
    };
    const load = startLoad(this.context, { port: gateway.port, ...options });
    const changes = new Changes(this.churned, this.random);
    await sleep(length / 4);
    if (replaces) await this.#kill([load.errors, changes.errors]);
    await this.#fail(length / 4);
    await sleep(length / 4);
    if (replaces) {
      await gateway.reload();
      this.reloads += 1;
    }
    await sleep(length / 4);
    await changes.stop();
    await load.stop();
    this.answers += load.answers;
    this.changes += changes.made;
    for (const [problem, count] of [...load.errors, ...changes.errors])
      this.errors.push(`${count} × ${problem}`);
    // New workers have views of all upstreams.
    for (const path of [...PATHS, ...PATHS]) await ask(gateway.port, path);
    return measure(gateway);
  }
}

test(`nothing grows in ${MINUTES} minutes of churn, and no client sees an error`, async (context) => {
  const seed = Number(process.env.SLUICE_TEST_SEED ?? Date.now() % 2 ** 31);
  const churn = new Churn(context, await startChurned(context, WORKERS), seed);
  const length = (MINUTES * 60_000) / ROUNDS;
  const phases = [
    { name: "new workers in each round", samples: [] },
    { name: "the same workers", samples: [] },
  ];
  for (const [index, { samples }] of phases.entries())
    for (let turn = 0; turn < ROUNDS / 2; turn += 1) samples.push(await churn.round(length, index === 0));
  const { answers, changes, reloads, kills, failures, lost, errors } = churn;
  const summary =
    `${MINUTES} minutes, ${answers.toLocaleString("en")} requests, ${changes.toLocaleString("en")} changes, ` +
    `${reloads} reloads, ${kills} killed workers, ${failures} failures of servers. Errors of clients: ` +
    `${errors.length}; ${lost} requests were under way at a killed worker.`;
  context.diagnostic(`seed ${seed}: ${summary}\n${tableOf(phases)}`);
  if (process.env.SLUICE_SOAK_WRITE !== undefined) await writeChurnPage(phases, MINUTES, summary);
  assert.deepEqual(errors, []);
  assert.deepEqual(problemsOf(phases), []);
});
