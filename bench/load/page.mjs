/**
 * docs/load.md and its plots: text written by people, with blocks that `npm run bench -- load` replaces, and
 * one of `npm run bench -- confirm`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { writeBlocks } from "../page.mjs";
import { confirmationTable, confirmationText } from "./confirm_table.mjs";
import { judgeMethod } from "./goals.mjs";
import { drawPlot, PLOTS } from "./plots.mjs";
import { goalTable, modelTable, numberTables, summaryTable } from "./tables.mjs";

const PAGE = join("docs", "load.md");
const FOLDER = join(root, "docs", "load");

/** @typedef {import("./load.mjs").Outcome} Outcome */

/** The blocks of the page. @type {Record<string, (outcomes: Outcome[]) => string>} */
const TABLES = {
  summary: summaryTable,
  goals: (outcomes) => goalTable(judgeMethod(outcomes)),
  model: modelTable,
  numbers: numberTables,
};

const CONFIRMATION = "confirmation";

/** The names of the blocks, and of the files with plots. */
export const BLOCKS = [...Object.keys(TABLES), CONFIRMATION];
export { PLOTS };

/** @param {Outcome[]} outcomes */
export async function writeLoadPage(outcomes) {
  mkdirSync(FOLDER, { recursive: true });
  for (const name of PLOTS) writeFileSync(join(FOLDER, name), drawPlot(name, outcomes));
  await writeBlocks(
    PAGE,
    Object.fromEntries(Object.entries(TABLES).map(([name, make]) => [name, make(outcomes)])),
  );
}

/** @param {import("./confirm.mjs").Confirmation} confirmation */
export async function writeConfirmation(confirmation) {
  const content = `${confirmationText(confirmation)}\n\n${confirmationTable(confirmation)}`;
  await writeBlocks(PAGE, { [CONFIRMATION]: content });
}
