import { cpus, getPriority } from "node:os";
import { table } from "../markdown.mjs";
import { summarize } from "../statistics.mjs";
import { DEADLINE } from "./plan.mjs";

/** @typedef {import("./confirm.mjs").Compared} Compared */
/** @typedef {import("./confirm.mjs").Confirmation} Confirmation */
/** @typedef {import("./confirm.mjs").Time} Time */

/** Where both are late, their ratio says nothing. @param {Time} time */
const isKnown = ({ real, mean }) => real < DEADLINE || mean < DEADLINE;
/** @param {Time} time */
const ratioOf = ({ real, mean }) => real / mean;

/** @param {Time} time */
function cells(time) {
  const { real, mean, min, max } = time;
  const spread = min === max ? "" : ` (${min.toFixed(0)}–${max.toFixed(0)})`;
  return [`${mean.toFixed(0)}${spread}`, real.toFixed(0), isKnown(time) ? ratioOf(time).toFixed(2) : ""];
}

/** @param {Compared[]} rows @param {"p50" | "p99"} name */
function ratioText(rows, name) {
  const { median, min, max } = summarize(
    rows
      .map((row) => row[name])
      .filter(isKnown)
      .map(ratioOf),
  );
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

/** Returns the methods, the shortest tail first. @param {Compared[]} rows @param {"real" | "mean"} which */
function orderText(rows, which) {
  const sorted = [...rows].sort((one, other) => one.p99[which] - other.p99[which]);
  return sorted.map(({ method }) => method).join(", ");
}

/** Tells whether the bench goes before other programs of the machine. */
function priorityText() {
  const nice = getPriority();
  return nice < 0 ? `, before which the bench had priority (nice −${-nice})` : "";
}

/** Describes how far the real times are from the simulated ones. @param {Confirmation} confirmation */
export function confirmationText({ rows, date, machineLoad }) {
  const delays = rows.map(({ delay }) => delay);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const some = rows.filter(({ load }) => load === 0.9);
  return [
    `Real ÷ simulated, median of the runs whose percentile is not late (smallest to largest): ${ratioText(rows, "p50")} for the ` +
      `50th percentile, ${ratioText(rows, "p99")} for the 99th. ${failed} requests failed.`,
    `By the 99th percentile at a load of 0.9, shortest first. Simulated: ${orderText(some, "mean")}. ` +
      `Real: ${orderText(some, "real")}.`,
    `Measured on ${date.slice(0, 10)}, with a load average of ${machineLoad.toFixed(1)} on ${cpus().length} ` +
      `processors at the start${priorityText()}. The client sent 99 % of the ` +
      `requests of a run at most ${Math.min(...delays).toFixed(1)} to ${Math.max(...delays).toFixed(1)} ms late.`,
  ].join("\n\n");
}

/** @param {Confirmation} confirmation */
export function confirmationTable({ rows }) {
  const heads = ["50 %, simulated", "real", "ratio", "99 %, simulated", "real", "ratio"];
  return table(
    ["method", "load", ...heads, "requests", "client late, ms"],
    rows.map(({ method, load, p50, p99, requests, delay }) =>
      [method, load, ...cells(p50), ...cells(p99), requests, delay.toFixed(1)].join(" | "),
    ),
  );
}
