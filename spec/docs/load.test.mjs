/** docs/load.md */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BLOCKS, PLOTS } from "../../bench/load/page.mjs";
import { replaceBlocks } from "../../bench/page.mjs";
import { root } from "../../scripts/command.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/load.md");

const page = readFileSync(join(root, "docs", "load.md"), "utf8");

test("the simulation finds a block for each of its tables", () => {
  for (const block of BLOCKS) assert.match(replaceBlocks(page, { [block]: "new table" }), /new table/);
});

test("the page shows each plot of the simulation", () => {
  for (const plot of PLOTS) assert.ok(page.includes(`](load/${plot})`), plot);
});
