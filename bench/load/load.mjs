import { summarize } from "../statistics.mjs";
import { compileSimulation, listComparisons, runLines } from "./runs.mjs";

/**
 * A value over the seeds.
 *
 * @typedef {{ mean: number, min: number, max: number }} Spread
 */

/**
 * The outcome of a policy in a scenario at a load. Times are in milliseconds.
 *
 * @typedef {object} Outcome
 * @property {string} scenario
 * @property {string} policy
 * @property {number} gateways
 * @property {number} load
 * @property {Spread} p50
 * @property {Spread} p99
 * @property {Spread} p999
 * @property {Spread} requests that have not failed
 * @property {Spread} failed
 * @property {Spread} late requests that were not answered before the deadline
 * @property {Spread} imbalance the largest number of requests at a server, relative to the mean
 */

const NUMBERS = /** @type {const} */ (["p50", "p99", "p999", "requests", "failed", "late", "imbalance"]);
const FIRST_NUMBER = 5;

/** @param {number[]} values @returns {Spread} */
function spreadOf(values) {
  const { min, max } = summarize(values);
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, min, max };
}

/** @param {string[]} lines of the runs of one comparison, with all seeds @returns {Outcome} */
function outcomeOf(lines) {
  const runs = lines.map((line) => line.split("\t"));
  const [scenario, policy, gateways, load] = runs[0];
  const spreads = NUMBERS.map((name, index) => [
    name,
    spreadOf(runs.map((fields) => Number(fields[FIRST_NUMBER + index]))),
  ]);
  return {
    ...{ scenario, policy, gateways: Number(gateways), load: Number(load) },
    .../** @type {Record<(typeof NUMBERS)[number], Spread>} */ (Object.fromEntries(spreads)),
  };
}

/**
 * Simulates how policies distribute requests. The result is the same every time.
 *
 * @param {number} seeds
 * @param {boolean} isQuick true: fewer loads and scenarios
 * @returns {Promise<Outcome[]>}
 */
export async function measureLoad(seeds, isQuick) {
  console.error("load");
  compileSimulation();
  const comparisons = listComparisons()
    .map((line) => line.split("\t"))
    .filter(([, , , , kind]) => !isQuick || kind === "quick")
    .map((fields) => fields.slice(0, -1).join("\t"));
  const lines = comparisons.flatMap((comparison) =>
    Array.from({ length: seeds }, (_, index) => `${comparison}\t${index + 1}`),
  );
  const answers = await runLines(lines);
  return comparisons.map((comparison) =>
    outcomeOf(answers.filter((line) => line.startsWith(`${comparison}\t`))),
  );
}
