import { join } from "node:path";
import { compile } from "../scripts/build.mjs";
import { root, runQuietly } from "../scripts/command.mjs";
import { measureGroup } from "./per_request.mjs";
import { median } from "./statistics.mjs";
import { nativeRoundRobin } from "./variants.mjs";

/**
 * The cost of the histograms of times.
 *
 * @typedef {object} PercentileCost
 * @property {number} nanoseconds of averages and histograms, for one request
 * @property {number} request CPU time of nginx's own request, in microseconds
 * @property {number} ratio of the two
 */

const folder = join(root, "build", "bench");

/** @type {import("./groups.mjs").Group} */
const NGINX = { part: "percentiles", servers: 4, keepalive: 128, variants: [nativeRoundRobin] };

/**
 * Measures the histograms in a process of their own, beside nginx's own request.
 * @param {import("./parts.mjs").Options} options
 * @returns {Promise<PercentileCost>}
 */
export async function measurePercentiles(options) {
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/times.ts does not compile");
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const { ok, output } = runQuietly("luajit", ["-e", path, join(folder, "bench", "times.lua")]);
  const samples = output.trim().split("\n").map(Number);
  if (!ok || samples.some(Number.isNaN)) throw new Error(`the histograms failed: ${output}`);
  const { rows } = await measureGroup(NGINX, options);
  const nanoseconds = median(samples);
  const request = rows[0].cpu.median;
  return { nanoseconds, request, ratio: nanoseconds / 1000 / request };
}
