/** Tests that `npm run release:check` prints one line for each mismatch. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { filesBelow } from "../../scripts/files.mjs";
import { installedByLuarocks, packedByNpm } from "../../scripts/release.mjs";
import { fileProblems, statementProblems } from "../../scripts/release_check.mjs";
import { root } from "../../scripts/setup.mjs";
import { copyOfRepository, version } from "./support/installed.mjs";
import { replace, spoilable, spoiledFiles, spoiledStatements } from "./support/spoiled.mjs";

/** Generated folders, which a clone does not have. */
const made = [".git", ".sluice", "bin", "build", "dist", "node_modules"];

/**
 * @param {string[]} problems
 * @param {(string | RegExp)[]} lines
 */
function assertSaid(problems, lines) {
  assert.equal(problems.length, lines.length, problems.join("\n"));
  for (const [index, line] of lines.entries())
    if (typeof line === "string") assert.equal(problems[index], line);
    else assert.match(problems[index], line);
}

/**
 * Returns a tool that runs once for all copies with the same relevant files, because each run takes a second
 * or more.
 * @template {string[]} Args
 * @template Result
 * @param {(folder: string, ...args: Args) => Result} tool
 * @param {string} described the name of the file that controls the tool, or the end of the name
 * @param {string} below the folder with the files that the tool reads
 */
function once(tool, described, below) {
  /** @type {Map<string, Result>} */
  const known = new Map();
  return (/** @type {string} */ folder, /** @type {Args} */ ...args) => {
    const names = readdirSync(folder).filter((name) => name.endsWith(described));
    const texts = names.map((name) => readFileSync(join(folder, name), "utf8"));
    const files = filesBelow(join(folder, below)).map((path) => relative(folder, path));
    const key = JSON.stringify([...texts, ...files]);
    const result = known.get(key) ?? tool(folder, ...args);
    known.set(key, result);
    return result;
  };
}

const tools = {
  packedByNpm: once(packedByNpm, "package.json", "."),
  installedByLuarocks: once(installedByLuarocks, ".rockspec", "dist"),
};

for (const [name, problemsOf, spoiled] of [
  ["statementProblems", statementProblems, spoiledStatements],
  ["fileProblems", (folder) => fileProblems(folder, tools), spoiledFiles],
]) {
  for (const [what, spoil, lines] of spoiled) {
    test(`${name} reports a mismatch: ${what}`, (context) => {
      const folder = copyOfRepository(context, spoilable);
      spoil(folder);
      assertSaid(problemsOf(folder), lines);
    });
  }
}

test("the command builds dist/ and bin/ as npm does before packing, and fails when something does not match", (context) => {
  const names = readdirSync(root).filter((name) => !made.includes(name));
  const folder = copyOfRepository(context, names);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  replace("CHANGELOG.md", `## ${version}`, "## 9.9.9")(folder);
  // `npm test` has already built both with this command, which takes many seconds.
  const copying = `cp -R '${join(root, "dist")}' '${join(root, "bin")}' .`;
  replace("package.json", '"prepack": "node scripts/build.mjs"', `"prepack": "${copying}"`)(folder);
  const command = join(folder, "scripts/release_check.mjs");
  const { status, stderr } = spawnSync(process.execPath, [command], { cwd: folder, encoding: "utf8" });
  assert.equal(status, 1);
  assertSaid(stderr.trim().split("\n"), [
    `the version: package.json says "${version}", CHANGELOG.md's first heading says "9.9.9"`,
    "release:check: failed",
  ]);
  const filesOf = (repository) =>
    ["dist", "bin"].flatMap((name) =>
      filesBelow(join(repository, name)).map((path) => relative(repository, path)),
    );
  assert.deepEqual(filesOf(folder), filesOf(root));
});
