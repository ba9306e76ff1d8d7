/** Runs the tests part by part and prints the totals in one last line. */
import { join } from "node:path";
import { root, run, stop } from "./command.mjs";

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/** @typedef {(fileNamePart: string) => Counts | Promise<Counts>} RunSpecs */

/** @param {Counts} some @param {Counts} more @returns {Counts} */
export function addCounts(some, more) {
  return {
    passed: some.passed + more.passed,
    failed: some.failed + more.failed,
    skipped: some.skipped + more.skipped,
  };
}

/**
 * Reads the command line: `<command> [-- <part> [part of a file's name]]`.
 * @param {string} command
 * @param {Record<string, RunSpecs>} parts
 * @param {Record<string, RunSpecs>} [all] the parts to run when the command line names none
 * @returns {[wanted: Record<string, RunSpecs>, fileNamePart: string]}
 */
export function chooseParts(command, parts, all = parts) {
  const [name, fileNamePart = ""] = process.argv.slice(2);
  if (name === undefined) return [all, ""];
  if (Object.hasOwn(parts, name)) return [{ [name]: parts[name] }, fileNamePart];
  const names = Object.keys(parts).join("|");
  return stop(`there are no ${name} tests: ${command} [-- ${names} [part of a file's name]]`);
}

/**
 * Builds dist/, runs each part in turn, and ends with a line such as `12 passed, 0 failed`.
 * @param {Record<string, RunSpecs>} parts
 * @param {string} fileNamePart
 * @param {boolean} [needsDist] false: dist/ is not built
 */
export async function runParts(parts, fileNamePart, needsDist = true) {
  let total = { passed: 0, failed: 0, skipped: 0 };
  // Running the build as a command also tests the command, which `npm run build` and npm's prepack use.
  if (needsDist && !run(process.execPath, [join(root, "scripts", "build.mjs")])) {
    console.log("dist/ could not be built: no test was run");
    total.failed += 1;
  } else {
    for (const [name, runSpecs] of Object.entries(parts)) {
      console.log(`== ${name} tests`);
      const counts = await runSpecs(fileNamePart);
      if (counts.passed + counts.failed + counts.skipped === 0) {
        console.log(`no ${name} test was run`);
        counts.failed += 1;
      }
      console.log(`== ${name} tests: ${counts.passed} passed, ${counts.failed} failed`);
      total = addCounts(total, counts);
    }
  }
  endWith(total);
}

/**
 * Prints the totals in one line, and sets the exit status of this script accordingly.
 * @param {Counts} total
 */
export function endWith({ passed, failed, skipped }) {
  if (passed + failed + skipped === 0) {
    console.log("no test was run");
    failed = 1;
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed === 0 ? 0 : 1;
}
