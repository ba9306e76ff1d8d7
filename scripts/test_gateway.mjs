/** The specs with a real gateway: node:test, one file at a time where each loads the machine. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";

/** A file that hangs is ended after this long, so that the run says which it was. */
const fileTimeout = 20 * 60 * 1000;

/**
 * @param {string} fileNamePart
 * @returns {Promise<import("./test.mjs").Counts>}
 */
export async function runGatewaySpecs(fileNamePart) {
  return runNodeSpecs("spec/gateway", fileNamePart);
}

/**
 * Those of discovery wait most of their time, so several run at once.
 * @param {string} fileNamePart
 * @returns {Promise<import("./test.mjs").Counts>}
 */
export async function runDiscoverySpecs(fileNamePart) {
  return runNodeSpecs("spec/discovery", fileNamePart, 3);
}

/**
 * Those of reports and control, as those of discovery.
 * @param {string} fileNamePart
 * @returns {Promise<import("./test.mjs").Counts>}
 */
export async function runControlSpecs(fileNamePart) {
  return runNodeSpecs("spec/control", fileNamePart, 3);
}

/**
 * Runs the specs of a folder, and shows what node:test says.
 * @param {string} folder
 * @param {string} fileNamePart
 * @param {number} [concurrency] how many files at once
 * @returns {import("./test.mjs").Counts}
 */
export function runNodeSpecs(folder, fileNamePart, concurrency = 1) {
  const files = readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".test.mjs") && name.includes(fileNamePart))
    .sort()
    .map((name) => join(folder, name));
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
 * @returns {import("./test.mjs").Counts}
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
