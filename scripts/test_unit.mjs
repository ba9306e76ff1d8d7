/**
 * Runs the unit specs: TypeScript that is compiled to Lua together with src/ and runs in plain LuaJIT. Usage:
 * `npm run test:unit` or `npm run test:unit -- <part of a file's name>`. Needs only the npm packages and
 * LuaJIT.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { compile } from "./build.mjs";
import { isMain, root } from "./command.mjs";
import { filesBelow } from "./files.mjs";
import { ensureNodeModules, ensureTestTools, findLuaJit } from "./setup.mjs";
import { addCounts, endWith } from "./test_parts.mjs";

const folder = "build/spec";
const runner = join(folder, "spec/unit/support/runner.lua");

/**
 * Compiles the unit specs and runs the files whose paths contain a text.
 * @param {string} fileNamePart
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runUnitSpecs(fileNamePart) {
  rmSync(join(root, folder), { recursive: true, force: true });
  if (!compile("tstl.spec.json", folder)) {
    console.log("the unit specs do not compile");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // The compiler writes name.spec.ts as name_spec.lua.
  const specs = filesBelow(join(root, folder, "spec/unit"))
    .filter((path) => path.endsWith("_spec.lua") && path.includes(fileNamePart, root.length))
    .map((path) => path.slice(join(root, folder).length + 1, -".lua".length));
  return runSide(specs);
}

/**
 * Runs files, as many at the same time as there are processors.
 * @param {string[]} specs paths below the folder, without the ending
 */
async function runSide(specs) {
  const rest = [...specs];
  let total = { passed: 0, failed: 0, skipped: 0 };
  const runRest = async () => {
    for (let spec = rest.shift(); spec !== undefined; spec = rest.shift()) {
      const counts = await runFile(spec);
      total = addCounts(total, counts);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runRest));
  return total;
}

/**
 * Runs one file, and prints its failed specs.
 * @param {string} spec
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
async function runFile(spec) {
  // Random numbers differ in each run. To repeat a run: SLUICE_TEST_SEED=<seed> npm run test:unit
  const seed = process.env.SLUICE_TEST_SEED ?? String(Math.floor(Date.now() / 1000));
  const child = spawn(findLuaJit() ?? "luajit", [runner, spec.replaceAll("/", "."), seed], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, LUA_PATH: `${folder}/?.lua;${process.env.LUA_PATH ?? ""};` },
  });
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  const lines = await text(child.stdout);
  const status = await ended;

  const passed = lines.match(/^ok \d+ /gm)?.length ?? 0;
  const failed = lines.match(/^not ok \d+ /gm)?.length ?? 0;
  const isWhole = lines.includes(`\n1..${passed + failed}\n`) && status === (failed === 0 ? 0 : 1);
  if (isWhole && failed === 0) return { passed, failed, skipped: 0 };
  console.log(`${spec} (seed ${seed})`);
  console.log(lines.replace(/^ok .*\n/gm, ""));
  if (!isWhole) console.log(`${spec}: LuaJIT ended with ${status} before the last spec`);
  return { passed, failed: isWhole ? failed : failed + 1, skipped: 0 };
}

if (isMain(import.meta.url)) {
  ensureNodeModules();
  if (findLuaJit() === undefined) ensureTestTools(["luajit"]);
  endWith(await runUnitSpecs(process.argv[2] ?? ""));
}
