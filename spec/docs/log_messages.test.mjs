/** Checks that docs/reference/log-messages.md has every message of the sources. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { filesBelow } from "../../scripts/files.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/log-messages.md");

/** Calls that log a text. */
const logged = [/"sluice: ([^"]*)"/g, /`sluice: ([^`]*)`/g];
/** Calls that refuse a request. Their texts are logged, too. */
const refusals = [/\brefuse(?:_mistake)?\([^`"\n]*"([^"]*)"/g, /\brefuse(?:_mistake)?\([^`"\n]*`([^`]*)`/g];

/** Returns the fixed parts of a template. @param {string} template */
function partsOf(template) {
  return template
    .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
    .map((part) => part.trim())
    .filter((part) => part.length > 3);
}

test("every message that the sources log is on the page", () => {
  const page = readFileSync(join(root, "docs/reference/log-messages.md"), "utf8");
  const sources = filesBelow(join(root, "src")).filter((file) => file.endsWith(".ts"));
  const found = sources.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const patterns = file.includes("/live/") ? [...logged, ...refusals] : logged;
    return patterns.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, template]) => ({ file: relative(root, file), template })),
    );
  });
  assert.ok(found.length > 30, `only ${found.length} messages were found`);
  const missing = found.filter(({ template }) => !partsOf(template).every((part) => page.includes(part)));
  assert.deepEqual(missing, []);
});
