import { schedule } from "./processes.mjs";
import { shuffled } from "./statistics.mjs";
import { Load } from "./wrk.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * What one gateway did in a round.
 *
 * @typedef {object} Turn
 * @property {number} cpu microseconds of the worker for a request
 * @property {number} requestsPerSecond
 * @property {boolean} disturbed other processes held the worker up for a good part of it
 */

/** Gateways take turns this often, so that they share whatever else slows the machine down. */
const SLICE_MILLISECONDS = 100;
/** A worker that is held up more than this share of the time finds its caches cold too, and costs up to a half more. */
const MOST_DISTURBANCE = 0.1;

/**
 * Loads every gateway for the same time, one at a time, in short slices and ever new order.
 * @param {Gateway[]} gateways
 * @param {number} seconds for each
 * @returns {Promise<Turn[]>} in the order of the gateways
 */
export async function runRound(gateways, seconds) {
  const all = gateways.map((gateway) => ({
    gateway,
    before: schedule(gateway.pid),
    load: new Load(gateway.place.port, seconds * gateways.length),
  }));
  for (let slice = 0; slice < (seconds * 1000) / SLICE_MILLISECONDS; slice += 1) {
    for (const { load } of shuffled(all)) await load.work(SLICE_MILLISECONDS);
  }
  const turns = [];
  for (const { gateway, before, load } of all) {
    const requests = await load.finish();
    const after = schedule(gateway.pid);
    turns.push({
      cpu: (after.cpu - before.cpu) / requests,
      requestsPerSecond: requests / (load.worked / 1000),
      disturbed: after.waited - before.waited > MOST_DISTURBANCE * load.worked * 1000,
    });
  }
  return turns;
}
