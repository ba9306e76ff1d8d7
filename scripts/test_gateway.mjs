/** The specs with a real gateway: node:test, one file at a time where each loads the machine. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";

/** A file that hangs is ended after this long, so that the run says which it was. */
const fileTimeout = 20 * 60 * 1000;

/** Of specs that wait most of their time, so many files run at once. */
const WAITING_AT_ONCE = 3;

/**
 * Those that load the machine, or must not be disturbed.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runGatewaySpecs(fileNamePart) {
  return runNodeSpecs(["gateway"], fileNamePart);
}

/**
 * Those that wait most of their time: for registries, for loads to have an effect, for other programs.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runWaitingSpecs(folders, fileNamePart) {
  return runNodeSpecs(folders, fileNamePart, WAITING_AT_ONCE);
}

/**
 * Runs the specs of some folders, and shows what node:test says.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @param {number} [concurrency] how many files at once
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runNodeSpecs(folders, fileNamePart, concurrency = 1) {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, "spec", folder))
      .filter((name) => name.endsWith(".test.mjs") && name.includes(fileNamePart))
      .sort()
      .map((name) => join("spec", folder, name)),
  );
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };

  const report = join(root, "build", "gateway.tap");
  mkdirSync(join(root, "build"), { recursive: true });
  rmSync(report, { force: true });
  const options = [
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${fileTimeout}`,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${report}`,
  ];
  const { status } = spawnSync(process.execPath, [...options, ...files], { cwd: root, stdio: "inherit" });
  return countsOf(existsSync(report) ? readFileSync(report, "utf8") : "", status);
}

/**
 * Reads the totals that node:test writes at the end, as in `# pass 12`.
 * @param {string} tap
 * @param {number | null} status how node ended
 * @returns {import("./test_parts.mjs").Counts}
 */
function countsOf(tap, status) {
  const total = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const counts = {
    passed: total("pass"),
    failed: total("fail") + total("cancelled"),
    skipped: total("skipped") + total("todo"),
  };
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
