/** Writes the figures of the simulation to docs/reliability.md. */
import { join } from "node:path";
import { writeBlocks } from "../../../bench/page.mjs";

/** @typedef {import("../../simulation/simulate.mjs").Run} Run */

/** @param {number | undefined} value */
const shown = (value) => (value === undefined || value === 0 ? "–" : value.toLocaleString("en"));

/** @param {Map<string, Run>} runs by scenario @returns {string} */
export function blockOf(runs) {
  const all = [...runs.values()];
  const total = all.reduce((sum, run) => sum + run.runs, 0);
  const failed = all.reduce((sum, run) => sum + run.failures.length, 0);
  const seconds = all.reduce((sum, run) => sum + run.seconds, 0);
  const names = [...new Set(all.flatMap(({ counts }) => [...counts.keys()]))].toSorted();
  const rows = [
    ["happened", ...runs.keys()],
    ["---", ...all.map(() => "---:")],
    ["seeds", ...all.map((run) => shown(run.runs))],
    ["seconds", ...all.map((run) => shown(Math.round(run.seconds)))],
    ...names.map((name) => [name.replaceAll("_", " "), ...all.map(({ counts }) => shown(counts.get(name)))]),
  ];
  const head = `${shown(total)} seeds in ${(seconds / 60).toFixed(1)} minutes. Failed: ${failed}.`;
  return `${head}\n\n${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`;
}

/** @param {Map<string, Run>} runs by scenario */
export async function writeSimulationPage(runs) {
  await writeBlocks(join("docs", "reliability.md"), { simulation: blockOf(runs) });
}
