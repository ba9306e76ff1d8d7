import { join } from "node:path";
import { root, runQuietly } from "../../scripts/command.mjs";

/** The plan of a run that real processes and the simulation share. Times are in seconds. */

/**
 * @typedef {object} Plan
 * @property {{ slots: number, speed: number }[]} servers
 * @property {{ time: number, index: number, factor: number }[]} noise factors of the servers' speeds
 * @property {{ time: number, work: number }[]} requests
 */

/**
 * @typedef {object} Setting
 * @property {number} load
 * @property {number} warmUp
 * @property {number} measured
 */

/** The time that a late request counts as, in milliseconds. */
export const DEADLINE = 5000;

const folder = join(root, "build", "bench");

/** @param {string} command @param {Setting} setting @param {string[]} more */
function runScript(command, { load, warmUp, measured }, ...more) {
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const script = join(folder, "bench", "load", "confirm.lua");
  const parameters = [command, ...[load, warmUp, measured].map(String), ...more];
  const { ok, output } = runQuietly("luajit", ["-e", path, script, ...parameters]);
  if (!ok) throw new Error(`the simulation failed: ${output}`);
  return output
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
}

/** Returns what happens in a run. @param {Setting} setting @returns {Plan} */
export function makePlan(setting) {
  const lines = runScript("plan", setting).map(([kind, ...fields]) => ({ kind, fields: fields.map(Number) }));
  const of = (/** @type {string} */ wanted) =>
    lines.filter(({ kind }) => kind === wanted).map(({ fields }) => fields);
  return {
    servers: of("server").map(([slots, , speed]) => ({ slots, speed })),
    noise: of("noise").map(([time, index, factor]) => ({ time, index, factor })),
    requests: of("request").map(([time, work]) => ({ time, work })),
  };
}

/**
 * Simulates a policy with the requests of the plan, several times with other random numbers of the policy.
 * @param {Setting} setting @param {string} policy
 * @returns {{ p50: number[], p99: number[] }} in milliseconds
 */
export function simulate(setting, policy) {
  const rows = runScript("run", setting, policy).map((fields) => fields.map(Number));
  return { p50: rows.map(([p50]) => p50), p99: rows.map(([, p99]) => p99) };
}
