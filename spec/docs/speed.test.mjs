/** docs/speed.md */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { replaceBlocks } from "../../bench/page.mjs";
import { parts } from "../../bench/parts.mjs";
import { root } from "../../scripts/command.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/speed.md");

test("the bench finds a block for each of its parts and replaces only that block", () => {
  const page = readFileSync(join(root, "docs", "speed.md"), "utf8");
  for (const part of Object.keys(parts)) {
    const [before, after] = page.split(new RegExp(`<!-- bench: ${part} -->[^]*<!-- end of ${part} -->`));
    const block = `<!-- bench: ${part} -->\n\nnew figures\n\n<!-- end of ${part} -->`;
    assert.equal(replaceBlocks(page, { [part]: "new figures" }), `${before}${block}${after}`);
  }
});

test("the bench refuses a part without a block on the page", () => {
  assert.throws(() => replaceBlocks("# Speed\n", { picks: "" }), /has no block for the part "picks"/);
});
