import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newTraffic } from "./crowd_traffic.mjs";
import { longestTurn } from "./longest_turn.mjs";
import { childrenOf, schedule } from "./processes.mjs";
import { quantile } from "./statistics.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * What one action among many upstreams costs, and the times of requests of both workers meanwhile.
 *
 * @typedef {object} CrowdRow
 * @property {string} label
 * @property {number} elapsed milliseconds
 * @property {number} cpu CPU time in milliseconds of the busier worker, which does what is asked for
 * @property {number} other CPU time in milliseconds of the other worker, which follows and serves requests
 * @property {number} master CPU time in milliseconds of the master, which only works in a reload
 * @property {number} bytes of the answer; 0: none
 * @property {number} count of the requests
 * @property {number} p50 of the requests, in milliseconds
 * @property {number} p99
 * @property {number} longest
 * @property {number} turn the longest turn of a worker's event loop, in milliseconds of CPU time
 * @property {number} waited milliseconds for which the workers waited for their processor
 */

export const WORKERS = 2;
const MS = 1000;
const WARM_UP = 500;

/** @param {Gateway} gateway */
export function masterOf({ place }) {
  return Number(readFileSync(join(place.folder, "nginx.pid"), "utf8"));
}

/**
 * Runs an action while one request follows another.
 * @param {Gateway} gateway
 * @param {string} label
 * @param {number} served the upstreams that get requests
 * @param {() => Promise<number>} action returns the bytes of its answer
 * @param {number} [seconds] for how long requests go on after the action
 * @returns {Promise<CrowdRow>}
 */
export async function measure(gateway, label, served, action, seconds = 0) {
  console.error(`crowd: ${label}`);
  const { ask, close } = await newTraffic(gateway, WORKERS, served);
  for (let sent = 0; sent < WARM_UP; sent += 1) await ask();
  let isOver = false;
  /** @type {number[]} */
  const times = [];
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now();
      await ask();
      times.push(performance.now() - began);
      await sleep(1);
    }
  })();
  const master = masterOf(gateway);
  const before = new Map([master, ...childrenOf(master)].map((pid) => [pid, schedule(pid)]));
  const used = (/** @type {number} */ pid, /** @type {"cpu" | "waited"} */ what) =>
    (schedule(pid)[what] - (before.get(pid)?.[what] ?? 0)) / MS;
  await longestTurn(gateway);
  const began = performance.now();
  const bytes = await action();
  const elapsed = performance.now() - began;
  await sleep(seconds * MS);
  isOver = true;
  await asking;
  const turn = await longestTurn(gateway);
  const workers = childrenOf(master);
  const [cpu, other] = workers.map((pid) => used(pid, "cpu")).sort((one, two) => two - one);
  const waited = workers.reduce((sum, pid) => sum + used(pid, "waited"), 0);
  close();
  return {
    label,
    elapsed,
    bytes,
    cpu,
    other,
    turn,
    waited,
    master: used(master, "cpu"),
    count: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: Math.max(...times),
  };
}
