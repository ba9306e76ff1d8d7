/** Selects the specs in JavaScript, which use real servers, and runs several files at the same time. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { compileDescription } from "../spec/gateway/support/description.mjs";
import { root } from "./command.mjs";
import { buildImages } from "./docker/images.mjs";
import { addCounts } from "./test_parts.mjs";
import { runQueue } from "./test_queue.mjs";

/**
 * Files that run at the same time on a machine with two cores. Most files spend most of their time waiting.
 * No file needs an idle machine: tests that measure time have bounds that a busy machine meets as well.
 */
const AT_ONCE = 4;

/** In containers each gateway needs more CPU time. */
const AT_ONCE_IN_CONTAINERS = 3;

/**
 * Upper bound on the number of failed files for a second run. More failures at once are not due to the load
 * of the machine.
 */
const MOST_RUN_AGAIN = 3;

/** The slowest files. They start first, so that none of them runs alone at the end. */
const longest = [
  "discovery/etcd_faults",
  "gateway/zero_stale",
  "gateway/max_conns",
  "packages/release_check",
  "discovery/register",
  "discovery/consul",
  "discovery/dns",
  "discovery/etcd",
  "discovery/file",
  "gateway/probes",
  "gateway/slow_start",
  "discovery/cluster",
  "discovery/kubernetes",
  "gateway/drain",
  "gateway/roles",
  "control/agents",
  "gateway/least_time",
  "gateway/retries",
  "control/latency",
  "control/autoscale_cluster",
  "control/reports",
  "discovery/cluster_history",
  "discovery/lying_registry",
  "control/webhook_lives",
  "dashboard/scale",
  "dashboard/accessibility",
  "dashboard/actions",
  "monitoring/prometheus",
].map((name) => `spec/${name}.test.mjs`);

/** @param {string} path */
function rankOf(path) {
  const rank = longest.indexOf(path);
  return rank < 0 ? longest.length : rank;
}

/**
 * Returns the specs of folders, the slowest first.
 * @param {string[]} folders of spec/
 * @param {string} fileNamePart
 * @returns {string[]} their paths
 */
function specsOf(folders, fileNamePart) {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, "spec", folder))
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
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
export async function runSpecs(folders, fileNamePart) {
  const isInContainers = process.env.SLUICE_TEST_DRIVER === "container";
  if (isInContainers) buildImages();
  compileDescription();
  const atOnce = isInContainers ? AT_ONCE_IN_CONTAINERS : AT_ONCE;
  return judge(await runQueue(specsOf(folders, fileNamePart), atOnce));
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
  return judge(await runOneByOne(specsOf(["soak"], fileNamePart)));
}

/** @param {string[]} files */
const runOneByOne = (files) => runQueue(files, 1);

/**
 * Adds up results. Specs watch real processes in real time, and other load on the machine can disturb them. A
 * failed file is run a second time, alone. The output names it in any case, because the cause may be an
 * intermittent fault. A file that fails again counts as failed.
 * @param {import("./test_queue.mjs").Result[]} results
 * @returns {Promise<import("./test_parts.mjs").Counts>}
 */
async function judge(results) {
  const total = results.map(({ counts }) => counts).reduce(addCounts, { passed: 0, failed: 0, skipped: 0 });
  const failed = results.filter(({ counts }) => counts.failed > 0).map(({ file }) => file);
  if (failed.length === 0) return total;
  const names = failed.join(", ");
  console.log(`Failed: ${names}`);
  if (failed.length > MOST_RUN_AGAIN) return total;

  console.log("Running again, alone");
  const again = await runOneByOne(failed);
  const isMended = again.every(({ counts }) => counts.failed === 0 && counts.passed > 0);
  console.log(`${names}: failed once, then ${isMended ? "passed" : "failed again"}`);
  return isMended ? { ...total, passed: total.passed + total.failed, failed: 0 } : total;
}
