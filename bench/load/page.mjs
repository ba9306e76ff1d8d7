/**
 * docs/load.md and its plots: text written by people, with blocks that `npm run bench -- load` replaces.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { writeBlocks } from "../page.mjs";
import { judgeMethod } from "./goals.mjs";
import { drawPlots } from "./plots.mjs";
import { goalTable, modelTable, numberTables, summaryTable } from "./tables.mjs";

const PAGE = join("docs", "load.md");
const PLOTS = join(root, "docs", "load");

/** @param {import("./load.mjs").Outcome[]} outcomes */
export async function writeLoadPage(outcomes) {
  mkdirSync(PLOTS, { recursive: true });
  for (const [name, plot] of Object.entries(drawPlots(outcomes))) writeFileSync(join(PLOTS, name), plot);
  await writeBlocks(PAGE, {
    summary: summaryTable(outcomes),
    goals: goalTable(judgeMethod(outcomes)),
    model: modelTable(outcomes),
    numbers: numberTables(outcomes),
  });
}
