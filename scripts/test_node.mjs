/** Selects the specs in JavaScript, which use real servers, and runs several files at the same time. */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { compileDescription } from "../spec/gateway/support/description.mjs";
import { root } from "./command.mjs";
import { buildImages } from "./docker/images.mjs";
import { addCounts } from "./test_parts.mjs";
import { runQueue } from "./test_queue.mjs";

/**
 * Files that run at the same time, for each core. Most files wait for most of their time: they use a core for
 * a third of it. No file needs an idle machine: tests that measure time have bounds that a busy machine meets
 * as well.
 */
const AT_ONCE_PER_CORE = 3;

/** Time-out of a file of spec/soak/, in milliseconds. */
const SOAK_TIMEOUT = 2 * 60 * 60 * 1000;

/** In containers each gateway needs more CPU time. */
const AT_ONCE_PER_CORE_IN_CONTAINERS = 2;

/** Upper bound for machines with many cores. More files at once would not end before the longest one. */
const MOST_AT_ONCE = 12;

/**
 * Upper bound on the number of failed files for a second run. If more files fail, Sluice or the machine is
 * broken.
 */
const MOST_RUN_AGAIN = 10;

/** The slowest files. They start first, so that none of them runs alone at the end. */
const longest = [
  "fuzz/fuzz",
  "discovery/etcd_faults",
  "packages/release_check",
  "cli/validate",
  "cli/import",
  "discovery/register",
  "discovery/consul",
  "discovery/dns",
  "discovery/etcd",
  "gateway/zero_stale",
  "discovery/file",
  "gateway/probes",
  "discovery/cluster",
  "gateway/max_conns",
  "gateway/slow_start",
  "discovery/kubernetes",
  "gateway/drain",
  "cli/connection",
  "cli/documents",
  "packages/npm",
  "gateway/failing_server",
  "gateway/least_time",
  "gateway/event_stream_limits",
  "control/autoscale_cluster",
  "discovery/lying_registry",
  "control/webhook_lives",
  "discovery/cluster_history",
  "discovery/long_lists",
  "discovery/cluster_writes",
  "dashboard/accessibility",
  "dashboard/actions",
  "dashboard/connection",
  "control/reports",
  "control/agents",
  "gateway/retries",
  "control/latency",
  "dashboard/scale",
  "monitoring/prometheus",
].map((name) => `spec/${name}.test.mjs`);

/** @param {string} path */
function rankOf(path) {
  const rank = longest.indexOf(path);
  return rank < 0 ? longest.length : rank;
}

/**
 * Returns the specs of folders and of those in them, the slowest first.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @returns {string[]} their paths
 */
function specsOf(folders, fileNamePart) {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, "spec", folder), { encoding: "utf8", recursive: true })
        .filter((name) => name.endsWith(".test.mjs") && name.includes(fileNamePart))
        .sort()
        .map((name) => join("spec", folder, name)),
    )
    .sort((one, other) => rankOf(one) - rankOf(other));
}

/**
 * Runs the specs of folders, several at the same time.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @param {(path: string) => boolean} [isWanted]
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runSpecs(folders, fileNamePart, isWanted = () => true) {
  const isInContainers = process.env.SLUICE_TEST_DRIVER === "container";
  if (isInContainers) buildImages();
  compileDescription();
  const perCore = isInContainers ? AT_ONCE_PER_CORE_IN_CONTAINERS : AT_ONCE_PER_CORE;
  const files = specsOf(folders, fileNamePart).filter(isWanted);
  return judge(await runQueue(files, Math.min(MOST_AT_ONCE, perCore * availableParallelism())));
}

/**
 * Runs the specs of the image, which are skipped where no Docker engine answers.
 * @param {string} fileNamePart
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runContainerSpecs(fileNamePart) {
  buildImages();
  return judge(await runOneByOne(specsOf(["container"], fileNamePart)));
}

/**
 * Runs the specs that take minutes.
 * @param {string} fileNamePart
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runSoakSpecs(fileNamePart) {
  // Some run for an hour, and a failure after that is no accident.
  const results = await runQueue(specsOf(["soak"], fileNamePart), 1, SOAK_TIMEOUT);
  return results.map(({ counts }) => counts).reduce(addCounts, { passed: 0, failed: 0, skipped: 0 });
}

/** @param {string[]} files */
const runOneByOne = (files) => runQueue(files, 1);

/**
 * Adds up results. Specs watch real processes in real time, and other load on the machine can disturb them.
 * Failed files are run a second time, alone, one after the other. The output names them in any case, because
 * the cause may be an intermittent fault. When a file fails again, the run has failed, and the other files
 * are not run again: a fault costs one more run of one file.
 * @param {import("./test_queue.mjs").Result[]} results
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
async function judge(results) {
  const total = results.map(({ counts }) => counts).reduce(addCounts, { passed: 0, failed: 0, skipped: 0 });
  const failed = results.filter(({ counts }) => counts.failed > 0).map(({ file }) => file);
  if (failed.length === 0) return total;
  console.log(`Failed: ${failed.join(", ")}`);
  if (failed.length > MOST_RUN_AGAIN) return total;

  console.log("Running again, alone");
  for (const file of failed) {
    const [{ counts }] = await runOneByOne([file]);
    const isMended = counts.failed === 0 && counts.passed > 0;
    console.log(`${file}: failed once, then ${isMended ? "passed" : "failed again"}`);
    if (!isMended) return total;
  }
  return { ...total, passed: total.passed + total.failed, failed: 0 };
}
