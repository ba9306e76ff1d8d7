import { schedule } from "./processes.mjs";
import { shuffled } from "./statistics.mjs";
import { tiny } from "./traffic.mjs";
import { Load } from "./wrk.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * The result of one gateway in a round.
 *
 * @typedef {object} Turn
 * @property {number} cpu CPU time of the worker per request, in microseconds
 * @property {number} requestsPerSecond
 * @property {boolean} disturbed true: other processes delayed the worker for a large part of the round
 */

/** Length of a turn. Short turns let all gateways share the effect of other processes on the machine. */
const SLICE_MILLISECONDS = 100;
/**
 * A worker that waits for more than this share of the time also finds cold caches and needs up to 50 % more.
 */
const MOST_DISTURBANCE = 0.1;

/**
 * Sends requests to every gateway for the same time, one gateway at a time, in short turns and random order.
 * @param {Gateway[]} gateways
 * @param {number} seconds per gateway
 * @param {import("./traffic.mjs").Traffic} [traffic]
 * @returns {Promise<Turn[]>} in the order of the gateways
 */
export async function runRound(gateways, seconds, traffic = tiny) {
  const all = gateways.map((gateway) => ({
    gateway,
    before: schedule(gateway.pid),
    load: new Load(gateway.place, seconds * gateways.length, traffic),
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
