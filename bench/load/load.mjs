import { join } from "node:path";
import { compile } from "../../scripts/build.mjs";
import { root, runQuietly } from "../../scripts/command.mjs";
import { judge } from "../budgets.mjs";
import { table } from "../markdown.mjs";

/**
 * The outcomes of a policy at a load, as means over the seeds. Times are in milliseconds.
 *
 * @typedef {object} Outcome
 * @property {string} situation
 * @property {string} policy
 * @property {number} gateways
 * @property {number} load
 * @property {number} p50
 * @property {number} p99
 * @property {number[]} p99s those of the seeds
 * @property {number} p999
 * @property {number} failures
 * @property {number} late
 * @property {number} imbalance
 */

const folder = join(root, "build", "bench");
const NUMBERS = /** @type {const} */ (["p50", "p99", "p999", "failures", "late", "imbalance"]);

/** The published 99th percentiles at the loads 0.7, 0.9 and 1.05. @type {Record<string, number[]>} */
const PUBLISHED = { "least request of two": [754, 1038, 1407], "peak EWMA of two": [368, 447, 662] };
/** How far the model may differ from them. */
const TOLERANCE = 0.15;
/** Upper bounds on the 99th percentile of `least_load` with 20 gateways at the same loads. */
const GOALS = [Infinity, 323, 355];
/** Upper bound on the failed requests of a run with two servers that fail at once. */
const MOST_FAILURES = 536;
const METHOD = "least_load";
const GATEWAYS = 20;

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param {string[]} lines of the runs of one policy at one load @returns {Outcome} */
function outcomeOf(lines) {
  const runs = lines.map((line) => line.split("\t"));
  const [situation, policy, gateways, load] = runs[0];
  const columns = NUMBERS.map((_, index) => runs.map((fields) => Number(fields[5 + index])));
  const [p50, p99, p999, failures, late, imbalance] = columns.map(mean);
  const setting = { situation, policy, gateways: Number(gateways), load: Number(load) };
  return { ...setting, p50, p99, p99s: columns[1], p999, failures, late, imbalance };
}

/** Simulates how policies distribute requests. The result is the same every time. @returns {Outcome[]} */
export function measureLoad() {
  console.error("load");
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/load does not compile");
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const script = join(folder, "bench", "load", "simulation.lua");
  const { ok, output } = runQuietly("luajit", ["-e", path, script]);
  if (!ok) throw new Error(`the simulation failed: ${output}`);
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const line of output.trim().split("\n")) {
    const setting = line.split("\t").slice(0, 4).join("\t");
    groups.set(setting, [...(groups.get(setting) ?? []), line]);
  }
  return [...groups.values()].map(outcomeOf);
}

/** @param {Outcome[]} outcomes */
export function loadTable(outcomes) {
  return table(
    [
      "policy, simulated",
      "gateways",
      "situation",
      "load",
      "50 %",
      "99 %",
      "min–max of the seeds",
      "99.9 %",
      "failed",
      "late",
      "max ÷ mean",
    ],
    outcomes.map(({ situation, policy, gateways, load, p50, p99, p99s, p999, failures, late, imbalance }) =>
      [
        policy,
        gateways,
        situation,
        load,
        p50.toFixed(0),
        p99.toFixed(0),
        `${Math.min(...p99s).toFixed(0)}–${Math.max(...p99s).toFixed(0)}`,
        p999.toFixed(0),
        failures.toFixed(0),
        late.toFixed(0),
        imbalance.toFixed(2),
      ].join(" | "),
    ),
  );
}

/** Judges the model by what was published, and the method by the goals. @param {Outcome[]} outcomes */
export function judgeLoad(outcomes) {
  return outcomes.flatMap(({ situation, policy, gateways, load, p99, failures }) => {
    const place = [0.7, 0.9, 1.05].indexOf(load);
    const what = `load: ${policy}, ${gateways} gateways, load ${load}`;
    if (situation !== "published")
      return policy === METHOD ? [judge(`${what}, ${situation}: failed`, failures, MOST_FAILURES)] : [];
    const published = PUBLISHED[policy]?.[place];
    if (published !== undefined)
      return [judge(`${what}: difference from the published 99 %`, Math.abs(p99 / published - 1), TOLERANCE)];
    const goal = policy === METHOD && gateways === GATEWAYS ? GOALS[place] : Infinity;
    return goal === Infinity ? [] : [judge(`${what}: 99 %, ms`, p99, goal)];
  });
}
