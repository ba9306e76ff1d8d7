/**
 * `npm run bench`: measures the cost of this build next to nginx's own `upstream` in the same run. Prints
 * Markdown tables and writes them, with the machine and the date, into docs/speed.md; all figures go to
 * bench/results.json.
 *
 * `--quick` measures fewer rounds. `--print` leaves docs/speed.md, docs/load.md and their plots as they are.
 * Names of parts measure only those parts: `npm run bench -- methods picks`. The part `inference` also draws
 * the plot of its example, and `load`, unless it is quick, writes docs/load.md and its plots. A missed budget
 * is reported and does not change the exit status; a measurement that fails ends the run with status 1.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { root, stop } from "../scripts/command.mjs";
import { ensureServer, ensureTestTools } from "../scripts/setup.mjs";
import { verdictLine } from "./budgets.mjs";
import { describeMachine } from "./machine.mjs";
import { checkPage, writePage } from "./page.mjs";
import { parts } from "./parts.mjs";
import { machineLine, partBlock } from "./report.mjs";

/** @typedef {import("./parts.mjs").Options} Options */

/** @typedef {Omit<Options, "writes">} Amounts */
/** @type {Amounts} */
const FULL = {
  rounds: 7,
  seconds: 2,
  starts: 5,
  batches: 15,
  batchSize: 300,
  changes: 25,
  discoveries: 200,
  seeds: 5,
  crowd: { upstreams: 100_000, seconds: 60 },
};
/** @type {Amounts} */
const QUICK = {
  rounds: 3,
  seconds: 1,
  starts: 3,
  batches: 5,
  batchSize: 100,
  changes: 10,
  discoveries: 50,
  seeds: 1,
  crowd: { upstreams: 20_000, seconds: 10 },
};

function readOptions() {
  const names = Object.keys(parts);
  try {
    const { values, positionals } = parseArgs({
      options: { quick: { type: "boolean" }, print: { type: "boolean" } },
      allowPositionals: true,
    });
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`unknown part "${unknown}", expected ${names.join(", ")}`);
    return {
      ...values,
      wanted: names.filter((name) => positionals.length === 0 || positionals.includes(name)),
    };
  } catch (cause) {
    return stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
  }
}

async function main() {
  const { quick = false, print = false, wanted } = readOptions();
  if (!print) checkPage(wanted);
  ensureTestTools(["luajit", "cjson", "wrk", "valgrind"]);
  ensureServer();
  if (!build()) stop("bench: src/ does not compile");

  const options = { ...(quick ? QUICK : FULL), writes: !print };
  const machine = describeMachine();
  const date = new Date().toISOString();
  console.log(`${machineLine(machine, date, quick)}\n`);
  /** @type {Record<string, import("./parts.mjs").Result>} */
  const results = {};
  for (const name of wanted) {
    results[name] = await parts[name](options);
    console.log(`${results[name].text}\n`);
  }
  const verdicts = Object.values(results).flatMap((result) => result.verdicts);
  console.log(verdicts.map(verdictLine).join("\n"));

  const measured = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
  const figures = { date, machine, options, ...measured, budgets: verdicts };
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(figures, undefined, 2)}\n`);
  if (print) return;
  const head = machineLine(machine, date, quick);
  await writePage(
    Object.fromEntries(Object.entries(results).map(([name, result]) => [name, partBlock(head, result)])),
  );
}

try {
  await main();
} catch (cause) {
  stop(`bench: ${cause instanceof Error ? cause.message : cause}`);
}
