import { isWithin, valueText } from "./budgets.mjs";
import { SERVERS } from "./changes.mjs";
import { table } from "./markdown.mjs";
import { CASES } from "./picks.mjs";

/** @typedef {import("./statistics.mjs").Summary} Summary */
/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("./writes.mjs").WriteRow} WriteRow */
/** @typedef {import("./changes.mjs").ChangeRow} ChangeRow */
/** @typedef {import("./picks.mjs").PickRow} PickRow */
/** @typedef {import("./discovery.mjs").DiscoveryRow} DiscoveryRow */
/** @typedef {Awaited<ReturnType<typeof import("./state.mjs").measureState>>} State */
/** @typedef {import("./budgets.mjs").Verdict} Verdict */

const KIB = 1024;

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString("en-US");
}

/**
 * @param {Summary} summary
 * @param {number} digits
 */
function spread({ min, max }, digits) {
  return `${min.toFixed(digits)}–${max.toFixed(digits)}`;
}

/**
 * @param {Summary} ratio
 * @param {boolean} isBase
 */
function ratioCells(ratio, isBase) {
  return isBase ? "1.00 | " : `${ratio.median.toFixed(2)} | ${spread(ratio, 2)}`;
}

/**
 * Describes the machine, the programs and the run in one line.
 *
 * @param {ReturnType<typeof import("./machine.mjs").describeMachine>} machine
 * @param {string} date
 * @param {boolean} quick
 */
export function machineLine({ commit, server, haproxy, kernel, processors, processor }, date, quick) {
  const command = quick ? "npm run bench -- --quick" : "npm run bench";
  return (
    `Measured on ${date.slice(0, 10)} with \`${command}\`, commit ${commit}: ${server}, ` +
    `HAProxy ${haproxy ?? "not installed"}, Linux ${kernel}, ${processors} × ${processor}.`
  );
}

/** @param {Verdict[]} verdicts */
function verdictTable(verdicts) {
  return table(
    ["budget", "measured", "at most", "result"],
    verdicts.map((verdict) => {
      const { what, budget, met } = verdict;
      return [what, valueText(verdict), budget, met ? "met" : "**missed**"].join(" | ");
    }),
  );
}

/**
 * Returns the block of one part in docs/speed.md.
 * @param {string} machine
 * @param {{ text: string, verdicts: Verdict[] }} result
 */
export function partBlock(machine, { text, verdicts }) {
  return [machine, text, ...(verdicts.length > 0 ? [verdictTable(verdicts)] : [])].join("\n\n");
}

/** @param {Row[]} rows */
export function requestTable(rows) {
  return table(
    ["one request", "servers", "CPU, µs", "min–max", "ratio", "min–max", "requests/s"],
    rows.map(({ label, base, servers, cpu, ratio, requestsPerSecond }) => {
      const times = `${cpu.median.toFixed(1)} | ${spread(cpu, 1)} | ${ratioCells(ratio, label === base)}`;
      return `${label} | ${count(servers)} | ${times} | ${count(requestsPerSecond.median)}`;
    }),
  );
}

/** @param {ChangeRow[]} rows */
export function changeTable(rows) {
  return table(
    [
      `one change among ${count(SERVERS)} servers, live on a worker`,
      "method",
      "CPU, µs",
      "min–max",
      "worst, µs",
      "request without a change, µs",
    ],
    rows.map(({ label, method, cost, worst, request }) => {
      const costs = `${count(cost.median)} | ${spread(cost, 0)} | ${count(worst)}`;
      return `${label} | ${method} | ${costs} | ${count(request)}`;
    }),
  );
}

/** @param {PickRow[]} rows */
export function pickTable(rows) {
  return table(
    ["one pick, ns", ...CASES.map(({ servers, load }) => `${count(servers)} ${load}`)],
    rows.map(({ label, nanoseconds }) => [label, ...nanoseconds.map(count)].join(" | ")),
  );
}

/** @param {import("./picks.mjs").Accuracy[]} accuracy */
export function accuracyTable(accuracy) {
  return table(
    ["picks among 2,000 busy servers", "workers", "in flight each", "end at once", "within one request, %"],
    accuracy.map(({ method, workers, requests, burst, percent }) =>
      [method, workers, requests, burst, percent.toFixed(2)].join(" | "),
    ),
  );
}

/** @param {import("./probes.mjs").ProbeCost} cost */
export function probeLine({ servers, interval, perSecond, failed, percent, idlePercent, microseconds }) {
  return (
    `${count(servers)} servers, each checked every ${interval} s: ${count(perSecond)} checks/s, ${failed} failed, ` +
    `${percent.toFixed(1)} % of one core (${microseconds.toFixed(1)} µs a check); without checks ` +
    `${idlePercent.toFixed(2)} %.`
  );
}

/** @param {import("./percentiles.mjs").PercentileCost} cost */
export function percentileLine({ nanoseconds, request, ratio }) {
  return (
    `Averages and histograms of times: ${nanoseconds.toFixed(1)} ns for one request, ${ratio.toFixed(4)} of nginx's ` +
    `own request (${request.toFixed(1)} µs).`
  );
}

/** @param {DiscoveryRow[]} rows */
export function discoveryTable(rows) {
  return table(
    [
      "from a registry's change to the first request at the new server",
      "changes",
      "median, ms",
      "99 %, ms",
      "most, ms",
    ],
    rows.map(({ label, changes, median, p99, max }) =>
      [label, count(changes), ...[median, p99, max].map((value) => value.toFixed(1))].join(" | "),
    ),
  );
}

/** @param {import("./scrape.mjs").ScrapeRow[]} rows */
export function scrapeTable(rows) {
  return table(
    [
      `one scrape of the metrics of ${count(rows[0].servers)} servers`,
      "samples",
      "MB",
      "CPU, s",
      "min–max",
      "time, s",
    ],
    rows.map(({ label, samples, bytes, cpu, elapsed }) => {
      const size = `${count(samples)} | ${(bytes / 1e6).toFixed(1)}`;
      return `${label} | ${size} | ${cpu.median.toFixed(3)} | ${spread(cpu, 3)} | ${elapsed.toFixed(2)}`;
    }),
  );
}

/** Returns a value with its bound. @param {import("./control/control.mjs").Measure} measure */
function measureText(measure) {
  const { what, value, bound, unit, isLeast } = measure;
  const missed = isWithin(measure) ? "" : " **missed**";
  return `${what} ${value.toFixed(1)} ${unit} (${isLeast ? "≥" : "≤"} ${Number(bound.toFixed(1))})${missed}`;
}

/** @param {import("./control/control.mjs").Control} control */
export function controlTables({ scenarios, updates }) {
  const simulated = table(
    ["weights by load, simulated", "servers", "measured (bound)"],
    scenarios.map(({ label, servers, measures }) =>
      [label, count(servers), measures.map(measureText).join(", ")].join(" | "),
    ),
  );
  const timed = table(
    ["one update of all weights, µs", "median", "min–max"],
    updates.map(({ servers, cost }) =>
      [`${count(servers)} servers`, count(cost.median), spread(cost, 0)].join(" | "),
    ),
  );
  return `${simulated}\n\n${timed}`;
}

/** @param {WriteRow[]} rows */
function writeTable(rows) {
  const fewest = Math.min(...rows.map(({ upstreams }) => upstreams));
  return table(
    ["one write", "upstreams", "time, µs", "99 %, µs", "ratio", "min–max", "CPU, µs", "ratio", "min–max"],
    rows.map(({ label, upstreams, elapsed, slowest, elapsedRatio, cpu, cpuRatio }) => {
      const isBase = upstreams === fewest;
      const times = `${count(elapsed.median)} | ${count(slowest)} | ${ratioCells(elapsedRatio, isBase)}`;
      return `${label} | ${count(upstreams)} | ${times} | ${count(cpu.median)} | ${ratioCells(cpuRatio, isBase)}`;
    }),
  );
}

/** @param {State} state */
function startTable({ starts, serversPerUpstream }) {
  return table(
    ["start, until the first request is answered", "servers", "ms"],
    starts.map(
      ({ upstreams, milliseconds }) =>
        `${count(upstreams)} upstreams in the saved state | ${count(upstreams * serversPerUpstream)} | ${count(milliseconds)}`,
    ),
  );
}

/** @param {State} state */
function memoryTable({ memory }) {
  return table(
    ["memory of a worker: upstreams stored", "served", "RSS, KiB", "PSS, KiB", "Lua, KiB", "counters, KiB"],
    memory.map(({ stored, served, rss, pss, luaHeap, counters }) =>
      [stored, served, rss / KIB, pss / KIB, luaHeap / KIB, counters / KIB].map(count).join(" | "),
    ),
  );
}

/** Returns the memory that a server needs, in each of three places. @param {State} state */
function bytesPerServer({ memory, serversPerUpstream, dictPerServer, sharedDict }) {
  const last = memory[memory.length - 1];
  const first = memory.find(({ stored }) => stored === last.stored) ?? last;
  const servers = last.served * serversPerUpstream;
  const lua = (last.luaHeap - first.luaHeap) / servers;
  const counters = (last.counters - first.counters) / servers;
  return [
    `A server takes ${count(dictPerServer)} bytes of the shared dict (here ${sharedDict}) and, once it is served,`,
    `${count(counters)} bytes of the counters' shared memory and ${count(lua)} bytes of Lua memory in each worker`,
    `(${serversPerUpstream} servers per upstream; the memory of the upstream is divided among them).`,
  ].join("\n");
}

/** @param {State} state */
export function stateTables(state) {
  const tables = [writeTable(state.writes), startTable(state), memoryTable(state), bytesPerServer(state)];
  return tables.join("\n\n");
}

/**
 * @param {import("./status.mjs").StatusRow[]} rows
 * @returns {string}
 */
export function statusTable(rows) {
  return table(
    ["one answer", "MB", "CPU, ms", "min–max", "then wait for, s"],
    rows.map(({ label, bytes, cpu, interval }) => {
      const size = (bytes / 1e6).toFixed(2);
      return `${label} | ${size} | ${cpu.median.toFixed(1)} | ${spread(cpu, 1)} | ${interval.toFixed(1)}`;
    }),
  );
}

/** @param {import("./stream.mjs").StreamCost} cost */
export function streamTables({ rows, messages, median, p99, max }) {
  const idle = table(
    ["clients of the event stream", "CPU of the worker, % of one core", "min–max"],
    rows.map(({ streams, percent }) => `${streams} | ${percent.median.toFixed(2)} | ${spread(percent, 2)}`),
  );
  const times = table(
    ["from the answer to a change until a client has the message", "median, ms", "p99", "max"],
    [`${count(messages)} changes | ${median.toFixed(0)} | ${p99.toFixed(0)} | ${max.toFixed(0)}`],
  );
  return [idle, times].join("\n\n");
}

/**
 * @param {import("./dashboard.mjs").DashboardCost} cost
 * @returns {string}
 */
export function dashboardLine({ upstreams, opened, percent }) {
  const time = `${opened.median.toFixed(2)} s (${spread(opened, 2)})`;
  return `The dashboard shows ${count(upstreams)} upstreams after ${time}. An open page takes ${percent.toFixed(2)} % of a worker.`;
}

/**
 * @param {{ costs: import("./bulk.mjs").BulkRow[], delays: import("./bulk.mjs").DelayRow[] }} bulk
 * @returns {string}
 */
export function bulkTables({ costs, delays }) {
  const cost = table(
    ["one change of 1,000 upstreams of 10 servers", "CPU of the worker, ms", "min–max", "answered after, ms"],
    costs.map(
      ({ label, cpu, elapsed }) =>
        `${label} | ${cpu.median.toFixed(0)} | ${spread(cpu, 0)} | ${elapsed.median.toFixed(0)}`,
    ),
  );
  const delay = table(
    [
      "times of requests, ms",
      "median",
      "p99",
      "longest of a round",
      "min–max",
      "worker waited for a processor",
    ],
    delays.map(({ label, median, p99, longest, waited }) =>
      [
        label,
        ...[median, p99, longest.median].map((value) => value.toFixed(1)),
        spread(longest, 1),
        waited.median.toFixed(0),
      ].join(" | "),
    ),
  );
  return [cost, delay].join("\n\n");
}
