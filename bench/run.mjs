/**
 * `npm run bench`: what this build costs, beside nginx's own `upstream` in the same run. Prints Markdown tables and
 * writes bench/results.json. `--quick` measures less; names of parts after it measure only those: `npm run bench --
 * methods picks`.
 *
 * A budget that is missed is reported and changes nothing else; a measurement that fails ends the run with status 1.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { root, stop } from "../scripts/command.mjs";
import { ensureServer, ensureTestTools } from "../scripts/setup.mjs";
import { judgeAll, verdictLine } from "./budgets.mjs";
import { measureChanges } from "./changes.mjs";
import { measureControl } from "./control/control.mjs";
import { measureDiscovery } from "./discovery.mjs";
import { groups } from "./groups.mjs";
import { describeMachine } from "./machine.mjs";
import { measureGroup } from "./per_request.mjs";
import { measurePicks } from "./picks.mjs";
import {
  changeTable,
  controlTables,
  discoveryTable,
  pickTable,
  requestTable,
  stateTables,
} from "./report.mjs";
import { measureProbes, probeLine } from "./probes.mjs";
import { measureState } from "./state.mjs";

/** Requests beside others', with reports of loads, by each method, and among many servers; changes that a worker follows; picks, checks, registries, weights by load, writes, starts, memory. */
const PARTS = [
  "overhead",
  "reports",
  "methods",
  "many",
  "changes",
  "picks",
  "probes",
  "discovery",
  "control",
  "state",
];

const FULL = { rounds: 7, seconds: 2, starts: 5, batches: 15, batchSize: 300, changes: 25, discoveries: 200 };
const QUICK = { rounds: 3, seconds: 1, starts: 3, batches: 5, batchSize: 100, changes: 10, discoveries: 50 };

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      options: { quick: { type: "boolean" } },
      allowPositionals: true,
    });
    const unknown = positionals.find((part) => !PARTS.includes(part));
    if (unknown !== undefined) throw new Error(`there is no part "${unknown}": ${PARTS.join(", ")}`);
    return { quick: values.quick, parts: positionals.length > 0 ? positionals : PARTS };
  } catch (cause) {
    return stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** @param {string} text */
function say(text) {
  console.log(`${text}\n`);
}

/**
 * Measures the groups of a part.
 * @param {string} part
 * @param {{ rounds: number, seconds: number }} options
 */
async function measureRequests(part, options) {
  const measured = [];
  for (const group of groups.filter((one) => one.part === part)) {
    measured.push(await measureGroup(group, options));
  }
  say(requestTable(measured.flatMap(({ rows }) => rows)));
  for (const { servers, rounds } of measured) {
    if (rounds.quiet === rounds.total) continue;
    const { total, quiet, used } = rounds;
    say(
      `${servers} servers: other processes disturbed ${total - quiet} of ${total} rounds; ${used} are used.`,
    );
  }
  return measured;
}

async function main() {
  const { quick, parts } = readOptions();
  const options = quick ? QUICK : FULL;
  ensureTestTools(["luajit", "cjson", "wrk"]);
  ensureServer();
  if (!build()) stop("bench: src/ does not compile");

  const machine = describeMachine();
  say(
    `${machine.server}, HAProxy ${machine.haproxy ?? "not installed: its row is left out"}, ` +
      `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}`,
  );
  const requests = [];
  for (const part of ["overhead", "reports", "methods", "many"]) {
    if (parts.includes(part)) requests.push(...(await measureRequests(part, options)));
  }
  const changes = parts.includes("changes") ? await measureChanges(options) : [];
  if (changes.length > 0) say(changeTable(changes));
  const picks = parts.includes("picks") ? measurePicks() : [];
  if (picks.length > 0) say(pickTable(picks));
  const probes = parts.includes("probes") ? await measureProbes() : undefined;
  if (probes !== undefined) say(probeLine(probes));
  const discovery = parts.includes("discovery") ? [await measureDiscovery(options)] : [];
  if (discovery.length > 0) say(discoveryTable(discovery));
  const control = parts.includes("control") ? measureControl() : undefined;
  if (control !== undefined) say(controlTables(control));
  const state = parts.includes("state") ? await measureState(options) : undefined;
  if (state !== undefined) say(stateTables(state));

  const rows = requests.flatMap((group) => group.rows);
  const budgets = judgeAll(rows, changes, state?.writes ?? [], probes, discovery, control);
  say(budgets.map(verdictLine).join("\n"));
  const date = new Date().toISOString();
  const measured = { requests, changes, picks, probes, discovery, control, state };
  const results = { date, machine, options, ...measured, budgets };
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(results, undefined, 2)}\n`);
}

try {
  await main();
} catch (cause) {
  stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
}
