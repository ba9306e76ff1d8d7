/** The specs in JavaScript, with real servers: node:test, one file at a time where each loads the machine. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";
import { buildImages } from "./docker/images.mjs";
import { addCounts } from "./test_parts.mjs";

/** A file that hangs is ended after this long, so that the run says which it was. */
const fileTimeout = 20 * 60 * 1000;

/** Of specs that wait most of their time, so many files run at once. */
const WAITING_AT_ONCE = 4;

/** Up to so many files that fail are run again; more failing at once are no matter of the machine's load. */
const MOST_RUN_AGAIN = 3;

/** Those of spec/gateway that do: they take a tenth to a third of a core. The others load the machine, or must not be disturbed. */
const waitingGatewaySpecs = [
  "bounded_load",
  "drain",
  "health_state",
  "health_status",
  "probe_results",
  "queue",
  "queue_changes",
].map((name) => `spec/gateway/${name}.test.mjs`);

/**
 * The specs of folders.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @returns {string[]} their paths
 */
function specsOf(folders, fileNamePart) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, "spec", folder))
      .filter((name) => name.endsWith(".test.mjs") && name.includes(fileNamePart))
      .sort()
      .map((name) => join("spec", folder, name)),
  );
}

/**
 * Those with a gateway that load the machine, or must not be disturbed.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runBusySpecs(fileNamePart) {
  if (process.env.SLUICE_TEST_DRIVER === "container") buildImages();
  return runFiles(specsOf(["gateway"], fileNamePart).filter((path) => !waitingGatewaySpecs.includes(path)));
}

/**
 * Those that wait most of their time: for registries, for loads to have an effect, for other programs.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runWaitingSpecs(folders, fileNamePart) {
  const waits = (path) => !path.startsWith("spec/gateway/") || waitingGatewaySpecs.includes(path);
  return runFiles(specsOf(folders, fileNamePart).filter(waits), WAITING_AT_ONCE);
}

/**
 * All with a gateway and nothing else.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runGatewaySpecs(fileNamePart) {
  const busy = runBusySpecs(fileNamePart);
  const waiting = runWaitingSpecs(["gateway"], fileNamePart);
  return addCounts(busy, waiting);
}

/**
 * Those of the image: they run where a Docker engine answers, and are reported as skipped where none does.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runContainerSpecs(fileNamePart) {
  buildImages();
  return runFiles(specsOf(["container"], fileNamePart));
}

/**
 * Those that take minutes.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runSoakSpecs(fileNamePart) {
  return runFiles(specsOf(["soak"], fileNamePart));
}

/**
 * Runs files of specs, and shows what node:test says. Specs watch real processes in real time, and another load on
 * the machine can disturb them. A file that fails is run a second time, alone, and a line names it: it may also show
 * an intermittent fault. A file that fails again has failed.
 * @param {string[]} files
 * @param {number} [concurrency] how many at once
 * @returns {import("./test_parts.mjs").Counts}
 */
function runFiles(files, concurrency = 1) {
  const first = runOnce(files, concurrency);
  const { failedFiles } = first;
  if (failedFiles.length === 0 || failedFiles.length > MOST_RUN_AGAIN) return first.counts;

  console.log(`Running again, alone: ${failedFiles.join(", ")}`);
  const again = runOnce(failedFiles, 1);
  const isMended = again.counts.failed === 0 && again.counts.passed > 0;
  console.log(`${failedFiles.join(", ")}: failed once, then ${isMended ? "passed" : "failed again"}`);
  if (!isMended) return first.counts;
  const { passed, failed, skipped } = first.counts;
  return { passed: passed + failed, failed: 0, skipped };
}

/**
 * @param {string[]} files
 * @param {number} concurrency
 * @returns {{ counts: import("./test_parts.mjs").Counts, failedFiles: string[] }}
 */
function runOnce(files, concurrency) {
  if (files.length === 0) return { counts: { passed: 0, failed: 0, skipped: 0 }, failedFiles: [] };

  const report = join(root, "build", "specs.tap");
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
  const tap = existsSync(report) ? readFileSync(report, "utf8") : "";
  return { counts: countsOf(tap, status), failedFiles: failedFilesOf(tap, files) };
}

/**
 * Reads which files have a test that failed: node:test writes where each test stands.
 * @param {string} tap
 * @param {string[]} files
 */
function failedFilesOf(tap, files) {
  const results = tap.split(/^ *(?=(?:not )?ok \d+ )/m).filter((result) => result.startsWith("not ok"));
  return files.filter((file) => results.some((result) => result.includes(`location: '${join(root, file)}:`)));
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
