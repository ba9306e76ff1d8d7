/** The distribution of requests while the weight of one of two servers rises with `slow_start`. */
import assert from "node:assert/strict";
import { startLoad } from "./load.mjs";
import { waitFor } from "./wait.mjs";

/**
 * Upper bound on the delay of a weight's rise, in milliseconds. Each worker raises it four times a second,
 * and a busy machine delays the timer.
 */
const LATE = 250 + 100;

/** A binomial count is farther than this many standard deviations from its mean once in a million times. */
const DEVIATIONS = 4.9;

/**
 * Lower bound on the number of answers. With fewer answers, the margin of error would hide a wrong weight.
 */
const FEWEST = 150;

/**
 * @typedef {object} Ramp
 * @property {number} from the earliest time of its beginning, by `Date.now()`
 * @property {number} [until] the latest time of its beginning; absent: the same as `from`
 * @property {number} lasts milliseconds
 * @property {number} [weight] of the server; the other server has 1
 */

/**
 * @param {Ramp} ramp
 * @param {number} at
 * @returns {[lowest: number, highest: number]} the share at that time
 */
function sharesAt({ from, until = from, lasts, weight = 1 }, at) {
  const share = (/** @type {number} */ age) => {
    const part = Math.min(1, Math.max(0.01, age / lasts)) * weight;
    return part / (1 + part);
  };
  return [share(at - until - LATE), share(at - from)];
}

/**
 * Sends requests for some time, and asserts that the number of the server's requests fits its weight over
 * time.
 * @param {import("node:test").TestContext} context
 * @param {{ port: number, path?: string, connections?: number }} target
 * @param {import("./backend.mjs").Backend} backend the server whose weight rises
 * @param {Ramp} ramp
 * @param {[begin: number, end: number]} window of time since the ramp's beginning, in milliseconds; longer on
 *   a slow machine
 * @param {number} [slack] additional tolerance, as a share of all requests
 */
export async function assertShare(context, target, backend, ramp, [begin, end], slack = 0) {
  await waitFor("the window begins", () => Date.now() - ramp.from >= begin, begin + 10_000);
  let lowest = 0;
  let highest = 0;
  let previous = Date.now();
  const load = startLoad(context, { connections: 4, ...target });
  let answers = 0;
  // Answers between two readings were chosen after the first one, except for requests in flight.
  while (Date.now() - ramp.from < end || answers < FEWEST) {
    await load.round();
    const now = Date.now();
    lowest += (load.answers - answers) * sharesAt(ramp, previous)[0];
    highest += (load.answers - answers) * sharesAt(ramp, now)[1];
    [previous, answers] = [now, load.answers];
  }
  const had = load.backends.get(backend.id) ?? 0;
  await load.stop();
  assert.deepEqual([...load.errors], []);
  const mean = (lowest + highest) / 2 / answers;
  const margin = DEVIATIONS * Math.sqrt(answers * mean * (1 - mean)) + slack * answers + 4;
  const shown = `the server had ${had} of ${answers} requests, not ${lowest.toFixed(0)} to ${highest.toFixed(0)} (± ${margin.toFixed(0)})`;
  assert.ok(had >= lowest - margin && had <= highest + margin, shown);
}
