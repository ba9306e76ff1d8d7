/** The tables and the budgets of the parts about many writers, servers and upstreams. */
import { judge } from "./budgets.mjs";
import { CHANGES, RELOAD, RELOAD_OF_TEN } from "./crowd.mjs";
import { table } from "./markdown.mjs";

/** @typedef {import("./budgets.mjs").Verdict} Verdict */
/** @typedef {Awaited<ReturnType<typeof import("./durable.mjs").measureDurable>>} Durable */
/** @typedef {import("./large.mjs").LargeRow} LargeRow */
/** @typedef {Awaited<ReturnType<typeof import("./crowd.mjs").measureCrowd>>} Crowd */

/** The writes of 64 writers, divided by those of one. At least. */
const GROUP_GOAL = 20;
/** CPU time of a request for an upstream of 20,000 servers, and the longest time of another one meanwhile. */
const LARGE_BUDGET = 500;
const LARGE_DELAY_BUDGET = 20;
/** CPU time of a worker that follows a change per millisecond, in percent of a processor. */
const FOLLOWING_BUDGET = 10;
/** The longest turn of a worker during a reload, in milliseconds of CPU time. */
const RELOAD_BUDGET = 20;

const diskOf = (/** @type {number} */ wait) => (wait > 0 ? `${wait} ms or more` : "as the disk");

/** @param {Durable} durable */
export function durableTable({ sync, rows }) {
  const heads = ["a sync", "writers", "workers", "writes/s", "ratio to one writer", "median, ms", "99 %, ms"];
  const cells = rows.map(({ wait, writers, workers, rate, ratio, p50, p99 }) =>
    [
      diskOf(wait),
      writers,
      workers,
      Math.round(rate.median).toLocaleString("en-US"),
      ratio.median.toFixed(1),
      p50.toFixed(1),
      p99.toFixed(1),
    ].join(" | "),
  );
  return `${table(heads, cells)}\n\nThe disk needs ${sync.toFixed(2)} ms to hold a line (median of \`fdatasync\`).`;
}

/** @param {Durable} durable @returns {Verdict[]} */
export function judgeDurable({ rows }) {
  return rows
    .filter(({ writers }) => writers === 64)
    .map(({ wait, workers, ratio }) => {
      const what = `64 writers, a sync ${diskOf(wait)}, ${workers} worker${workers > 1 ? "s" : ""}, at least`;
      return { what, value: ratio.median, budget: GROUP_GOAL, met: ratio.median >= GROUP_GOAL };
    });
}

/** @param {LargeRow[]} rows */
export function largeTable(rows) {
  const heads = ["20,000 servers", "CPU, ms", "time, ms", "longest other request, ms", "waited for CPU, ms"];
  const cells = rows.map(({ label, cpu, elapsed, longest, waited }) =>
    [label, ...[cpu, elapsed, longest, waited].map(({ median }) => median.toFixed(0))].join(" | "),
  );
  return table(heads, cells);
}

/** @param {LargeRow[]} rows @returns {Verdict[]} */
export function judgeLarge(rows) {
  return rows.flatMap(({ label, cpu, longest }) => [
    judge(`20,000 servers: ${label}, CPU, ms`, cpu.median, LARGE_BUDGET),
    judge(`20,000 servers: longest other request during ${label}, ms`, longest.median, LARGE_DELAY_BUDGET),
  ]);
}

/**
 * Returns the CPU time of the worker that follows changes, in percent of a processor, with its requests.
 * @param {Crowd} crowd
 */
function followingOf({ rows }) {
  const changes = rows.find(({ label }) => label === CHANGES);
  return changes === undefined ? 0 : (100 * changes.other) / changes.elapsed;
}

/** @param {Crowd} crowd */
export function crowdTable(crowd) {
  const { upstreams, start, memory, rows, made } = crowd;
  const heads = [
    `${upstreams.toLocaleString("en-US")} upstreams`,
    "time, ms",
    "CPU, ms",
    "other worker's CPU, ms",
    "answer, KB",
    "request: median, ms",
    "99 %",
    "longest",
    "waited for CPU, ms",
    "longest turn, ms of CPU",
  ];
  const cells = rows.map(({ label, elapsed, cpu, other, bytes, p50, p99, longest, waited, turn }) =>
    [
      label,
      elapsed.toFixed(0),
      cpu.toFixed(0),
      other.toFixed(0),
      bytes === 0 ? "" : Math.round(bytes / 1000).toLocaleString("en-US"),
      p50.toFixed(2),
      p99.toFixed(1),
      longest.toFixed(1),
      waited.toFixed(0),
      turn.toFixed(1),
    ].join(" | "),
  );
  const changes = rows.find(({ label }) => label === CHANGES);
  const rate = made / ((changes?.elapsed ?? 0) / 1000);
  const master = rows.find(({ label }) => label === RELOAD)?.master ?? 0;
  const sentences = [
    `Start: ${(start / 1000).toFixed(1)} s. RSS of a worker: ${memory.toFixed(0)} MB.`,
    `Changes: ${made}, ${rate.toFixed(0)} per second.`,
    `The worker that follows them took ${followingOf(crowd).toFixed(1)} % of a processor with its requests.`,
    `A reload took ${(master / 1000).toFixed(1)} s of the master's CPU time.`,
  ];
  return `${table(heads, cells)}\n\n${sentences.join(" ")}`;
}

/** @param {Crowd} crowd @returns {Verdict[]} */
export function judgeCrowd(crowd) {
  const size = `${crowd.upstreams.toLocaleString("en-US")} upstreams`;
  const turnOf = (/** @type {string} */ row) =>
    crowd.rows.find(({ label }) => label === row)?.turn ?? Infinity;
  return [
    judge(
      `${size}: a worker that follows the changes, with its requests, % of a processor`,
      followingOf(crowd),
      FOLLOWING_BUDGET,
    ),
    judge(`${size}: longest turn of a worker during a reload, ms`, turnOf(RELOAD), RELOAD_BUDGET),
    judge(`longest turn of a worker during a ${RELOAD_OF_TEN}, ms`, turnOf(RELOAD_OF_TEN), RELOAD_BUDGET),
  ];
}
