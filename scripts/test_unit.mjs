/** The unit specs: TypeScript, compiled to Lua together with src/, run by busted on LuaJIT. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compile } from "./build.mjs";
import { findProgram, root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

const folder = "build/spec";

/**
 * @param {string} fileNamePart
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runUnitSpecs(fileNamePart) {
  rmSync(join(root, folder), { recursive: true, force: true });
  if (!compile("tstl.spec.json", folder)) {
    console.log("the unit specs do not compile");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // The compiler writes name.spec.ts as name_spec.lua, and paths that begin at the repository's folder.
  const specs = filesBelow(join(root, folder, "spec/unit"))
    .filter((path) => path.endsWith("_spec.lua") && path.includes(fileNamePart, root.length))
    .map((path) => path.slice(root.length + 1));
  return specs.length === 0 ? { passed: 0, failed: 0, skipped: 0 } : runBusted(specs);
}

/**
 * Runs busted, shows what it prints, and counts.
 * @param {string[]} specs
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
async function runBusted(specs) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const busted = findProgram("busted") ?? "busted";
  const options = ["--output=TAP", "--verbose", `--lpath=${folder}/?.lua`];
  const child = spawn("luajit", [busted, ...options, "--", ...specs], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^ok \d+ - # SKIP/.test(line)) counts.skipped += 1;
    else if (/^ok \d+ /.test(line)) counts.passed += 1;
    else if (/^not ok \d+ /.test(line)) counts.failed += 1;
    // `--verbose` shows where a failure came from; the line it adds before each test says nothing more.
    if (!/^# \S+ @ \d+: /.test(line)) console.log(line);
  }
  const status = await ended;
  if (status !== 0 && counts.failed === 0) {
    console.log(`busted ended with ${status}`);
    counts.failed += 1;
  }
  return counts;
}
