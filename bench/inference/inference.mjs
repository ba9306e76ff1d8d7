import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { judge } from "../budgets.mjs";
import { table } from "../markdown.mjs";
import { drawPlot } from "./plot.mjs";

/**
 * What clients of an upstream of examples/inference have seen. Times to the first token are in milliseconds.
 *
 * @typedef {object} Measured
 * @property {string} upstream
 * @property {number} requests
 * @property {number} failed
 * @property {number} p50
 * @property {number} p90
 * @property {number} p99
 * @property {number} cached the part of the tokens of prompts that was in a cache
 */

const folder = join(root, "examples", "inference");

/** Bounds of the upstream "prefix", relative to round robin: its median time, and the tokens it computes. */
const MOST_TIME = 0.5;
const MOST_COMPUTED = 0.5;

/**
 * Runs the example, and draws its plot.
 * @param {import("../parts.mjs").Options} options
 * @returns {Measured[]}
 */
export function measureInference({ seconds, writes }) {
  console.error("inference");
  const parameters = ["run.mjs", "--json", "--seconds", String(seconds > 1 ? 10 : 6)];
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the example has failed: ${stderr}`);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => ({ ...JSON.parse(line), times: undefined }));
  if (writes) writeFileSync(join(folder, "comparison.svg"), drawPlot(rows));
  return rows;
}

/** @param {Measured[]} rows */
export function inferenceTable(rows) {
  return table(
    ["upstream", "requests", "failed", "50 %, ms", "90 %, ms", "99 %, ms", "cached, %"],
    rows.map(({ upstream, requests, failed, p50, p90, p99, cached }) =>
      [upstream, requests, failed, ...[p50, p90, p99, cached * 100].map((value) => value.toFixed(0))].join(
        " | ",
      ),
    ),
  );
}

/** @param {Measured[]} rows */
export function judgeInference(rows) {
  const of = (/** @type {string} */ name) => rows.find(({ upstream }) => upstream === name);
  const [prefix, turns] = [of("prefix"), of("round_robin")];
  if (prefix === undefined || turns === undefined) return [];
  const what = "inference: prefix ÷ round_robin";
  return [
    judge(`${what}, 50 % of the times to the first token`, prefix.p50 / turns.p50, MOST_TIME),
    judge(`${what}, computed tokens`, (1 - prefix.cached) / (1 - turns.cached), MOST_COMPUTED),
  ];
}
