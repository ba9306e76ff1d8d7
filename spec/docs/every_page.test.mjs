/** Checks that every page of the documentation has a spec, and that its links lead to existing targets. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { filesBelow } from "../../scripts/files.mjs";
import { notRun } from "./support/not_run.mjs";
import { pagePaths, readPage } from "./support/pages.mjs";

/**
 * Pages whose links are checked but whose blocks are not run here. spec/examples runs the examples' commands.
 */
const examples = filesBelow(join(root, "examples"))
  .map((path) => relative(root, path))
  .filter((path) => path.endsWith(".md"));

/** Returns the pages that the specs of this folder pass to testPage(). */
function testedPaths() {
  const specs = filesBelow(join(root, "spec", "docs")).filter((path) => path.endsWith(".test.mjs"));
  return specs.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/testPage\(\s*"([^"]+)"/g)].map(([, page]) => page),
  );
}

/**
 * Returns the problem of a link; undefined if its target exists or is on another site.
 * @param {string} page
 * @param {string} target
 */
function problemOf(page, target) {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [file, anchor] = target.split("#");
  const path = file === "" ? page : normalize(join(dirname(page), file));
  if (path.startsWith("..") || !existsSync(join(root, path))) return "there is no such file";
  if (anchor === undefined) return undefined;
  return readPage(path).anchors.has(anchor) ? undefined : "there is no such heading";
}

test("every page has a spec that runs its blocks", () => {
  assert.deepEqual(testedPaths().sort(), pagePaths().sort());
});

test("the list of blocks that are not run names pages that exist", () => {
  const paths = pagePaths();
  assert.deepEqual(
    notRun.filter(({ page }) => !paths.includes(page)),
    [],
  );
});

test("every link leads to an existing file and heading", () => {
  const problems = [...pagePaths(), ...examples, "CHANGELOG.md"].flatMap((path) =>
    readPage(path).links.flatMap(({ line, target }) => {
      const problem = problemOf(path, target);
      return problem === undefined ? [] : [`${path}:${line}: ${target}: ${problem}`];
    }),
  );
  assert.deepEqual(problems, []);
});
