/**
 * `npm run bench`: what this build costs, beside nginx's own `upstream` in the same run. Prints Markdown tables and
 * writes bench/results.json. `--quick` measures less; `--only requests` or `--only state` measures a part.
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
import { describeMachine } from "./machine.mjs";
import { measureGroup } from "./per_request.mjs";
import { requestTable, stateTables } from "./report.mjs";
import { measureState } from "./state.mjs";
import { groups } from "./variants.mjs";

const FULL = { rounds: 7, seconds: 2, starts: 5, batches: 15, batchSize: 300 };
const QUICK = { rounds: 3, seconds: 1, starts: 3, batches: 5, batchSize: 100 };

function readOptions() {
  try {
    const { values } = parseArgs({ options: { quick: { type: "boolean" }, only: { type: "string" } } });
    const { only } = values;
    if (only === undefined || only === "requests" || only === "state") return { quick: values.quick, only };
    throw new Error(`there is no part "${only}": requests, state`);
  } catch (cause) {
    return stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** @param {string} text */
function say(text) {
  console.log(`${text}\n`);
}

async function main() {
  const { quick, only } = readOptions();
  const options = quick ? QUICK : FULL;
  ensureTestTools(["wrk"]);
  ensureServer();
  if (!build()) stop("bench: src/ does not compile");

  const machine = describeMachine();
  say(
    `${machine.server}, HAProxy ${machine.haproxy ?? "not installed: its row is left out"}, ` +
      `Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}`,
  );
  const measured = [];
  for (const group of only === "state" ? [] : groups) measured.push(await measureGroup(group, options));
  const requests = measured.flatMap(({ rows }) => rows);
  if (requests.length > 0) say(requestTable(requests));
  for (const { servers, rounds } of measured) {
    if (rounds.quiet === rounds.total) continue;
    const { total, quiet, used } = rounds;
    say(
      `${servers} servers: other processes disturbed ${total - quiet} of ${total} rounds; ${used} are used.`,
    );
  }
  const state = only === "requests" ? undefined : await measureState(options);
  if (state !== undefined) say(stateTables(state));

  const budgets = judgeAll(requests, state?.writes ?? []);
  say(budgets.map(verdictLine).join("\n"));
  const results = { date: new Date().toISOString(), machine, options, requests: measured, state, budgets };
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(results, undefined, 2)}\n`);
}

try {
  await main();
} catch (cause) {
  stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
}
