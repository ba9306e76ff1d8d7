/**
 * Runs files of specs with node:test, several at the same time, and prints the output of each file when it
 * has ended. Each file runs as a program, because `node --test` would start an additional process for each
 * file.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "./command.mjs";
import { environmentWithServer } from "./setup.mjs";

/** Time-out of a file in milliseconds. It ends a file that hangs, so that the output names the file. */
const FILE_TIMEOUT = 20 * 60 * 1000;

/**
 * Totals that node:test prints after each file. They are removed, because the run ends with totals of all
 * files.
 */
const totals = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) .*\n/gm;

/**
 * @typedef {object} Result
 * @property {string} file
 * @property {import("./test_parts.mjs").Counts} counts
 */

/**
 * Runs files in the given order.
 * @param {string[]} files
 * @param {number} atOnce number of files that run at the same time
 * @param {number} [timeout] of a file, in milliseconds
 * @returns {Promise<Result[]>}
 */
export async function runQueue(files, atOnce, timeout = FILE_TIMEOUT) {
  const rest = [...files];
  /** @type {Result[]} */
  const results = [];
  const runRest = async () => {
    for (let file = rest.shift(); file !== undefined; file = rest.shift())
      results.push(await runFile(file, timeout));
  };
  await Promise.all(Array.from({ length: atOnce }, runRest));
  return results;
}

/**
 * @param {string} file
 * @param {number} timeout
 * @returns {Promise<Result>}
 */
async function runFile(file, timeout) {
  const folder = join(root, "build", "specs");
  const report = join(folder, `${file.replaceAll("/", "_")}.tap`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const options = [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${report}`,
  ];
  const began = performance.now();
  const child = spawn(process.execPath, [...options, file], {
    cwd: root,
    timeout,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...environmentWithServer(), ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
  });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.on("close", resolve).on("error", () => resolve(null)));
  const output = await text(child.stdout);
  const status = await ended;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${file}: ${seconds} s\n${output.replace(totals, "").trimEnd()}`);
  return { file, counts: countsOf(report, status) };
}

/**
 * Reads the totals that node:test writes at the end of its report, such as `# pass 12`.
 * @param {string} report the path of a file in TAP
 * @param {number | null} status the exit status of node
 * @returns {import("./test_parts.mjs").Counts}
 */
function countsOf(report, status) {
  let tap = "";
  try {
    tap = readFileSync(report, "utf8");
  } catch (cause) {
    console.log(`no report: ${cause.message}`);
  }
  const total = (/** @type {string} */ name) =>
    Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const counts = {
    passed: total("pass"),
    failed: total("fail") + total("cancelled"),
    skipped: total("skipped") + total("todo"),
  };
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
