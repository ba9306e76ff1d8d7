import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../../scripts/build.mjs";
import { root, runQuietly } from "../../scripts/command.mjs";
import { summarize } from "../statistics.mjs";
import { drawPlot } from "./plot.mjs";

/** @typedef {import("../statistics.mjs").Summary} Summary */

/**
 * A value of the simulation and its bound.
 *
 * @typedef {object} Measure
 * @property {string} what
 * @property {number} value
 * @property {number} bound
 * @property {string} unit
 * @property {boolean} isLeast true: `bound` is a lower bound; false: an upper bound
 */

/**
 * The values of one server, one per second.
 *
 * @typedef {object} Curve
 * @property {boolean} isLiar
 * @property {number[]} loads
 * @property {number[]} factors
 */

/**
 * @typedef {object} Scenario
 * @property {string} label
 * @property {number} servers
 * @property {Measure[]} measures
 * @property {Curve[]} curves empty when the scenario is not drawn
 */

/**
 * The CPU time of one update of all weights, in microseconds.
 *
 * @typedef {object} UpdateRow
 * @property {number} servers
 * @property {Summary} cost
 */

/** @typedef {{ scenarios: Scenario[], updates: UpdateRow[] }} Control */

const SERVERS = [1000, 3000];

const folder = join(root, "build", "bench");

/** @param {string} script @param {string[]} parameters */
function runLua(script, ...parameters) {
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const file = join(folder, "bench", "control", script);
  const { ok, output } = runQuietly("luajit", ["-e", path, file, ...parameters]);
  if (!ok) throw new Error(`${script} failed: ${output}`);
  return output.trim().split("\n");
}

/** @param {string} text */
function numbers(text) {
  return text.split(" ").map(Number);
}

/** @param {string[]} lines @returns {Scenario[]} */
function readScenarios(lines) {
  /** @type {Scenario[]} */
  const scenarios = [];
  for (const line of lines) {
    const [kind, ...fields] = line.split("\t");
    const last = scenarios[scenarios.length - 1];
    if (kind === "scenario") {
      scenarios.push({ label: fields[0], servers: Number(fields[1]), measures: [], curves: [] });
    } else if (kind === "measure") {
      const [what, value, bound, unit, side] = fields;
      last.measures.push({
        what,
        value: Number(value),
        bound: Number(bound),
        unit,
        isLeast: side === "least",
      });
    } else if (kind === "curve") {
      const [who, loads, factors] = fields;
      last.curves.push({ isLiar: who === "liar", loads: numbers(loads), factors: numbers(factors) });
    } else throw new Error(`unexpected line of the simulation: ${line}`);
  }
  return scenarios;
}

/** Runs a separate process for each number of servers. @param {number} servers @returns {UpdateRow} */
function measureUpdate(servers) {
  return { servers, cost: summarize(runLua("update.lua", String(servers)).map(Number)) };
}

/**
 * Simulates how weights follow loads, and draws bench/control/simulation.svg. Apart from the time of an
 * update, the result is the same every time.
 * @returns {Control}
 */
export function measureControl() {
  console.error("control");
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/control does not compile");
  const scenarios = readScenarios(runLua("simulation.lua"));
  writeFileSync(
    join(root, "bench", "control", "simulation.svg"),
    drawPlot(scenarios.filter(({ curves }) => curves.length > 0)),
  );
  return { scenarios, updates: SERVERS.map(measureUpdate) };
}
