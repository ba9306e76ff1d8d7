/** docs/reliability.md */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { MUTATIONS } from "../simulation/mutations.mjs";
import { SCENARIOS } from "../simulation/simulate.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/reliability.md");

test("the page lists each known fault and each scenario of the simulation", () => {
  const page = readFileSync(join(root, "docs", "reliability.md"), "utf8");
  for (const { name, about } of MUTATIONS)
    assert.ok(page.includes(`\`${name}\``) && page.includes(about), name);
  for (const scenario of SCENARIOS) assert.ok(page.includes(`\`${scenario}\``), scenario);
});
