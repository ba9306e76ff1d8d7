import { join } from "node:path";
import { compile } from "../scripts/build.mjs";
import { root, runQuietly } from "../scripts/command.mjs";
import { toLua } from "../spec/gateway/support/nginx_conf.mjs";
import * as methods from "./methods.mjs";
import { median } from "./statistics.mjs";

/** @typedef {methods.Method} Method */

/**
 * The time of the choice of a server, in nanoseconds.
 *
 * @typedef {object} PickRow
 * @property {string} label
 * @property {number[]} nanoseconds in the order of `CASES`
 */

/**
 * The cases for each method. Busy: every worker has requests in flight at every server, in different numbers.
 */
export const CASES = [4, 100, 2000].flatMap((servers) =>
  /** @type {const} */ (["idle", "busy"]).map((load) => ({ servers, load })),
);

const KEY = "$arg_key";
const WORKERS = 4;
const REQUESTS_EACH = 20;

/** @type {{ method: Method, workers: number }[]} */
const rows = [
  methods.roundRobin,
  methods.leastConn,
  methods.leastTime,
  methods.leastTimeInflight,
  methods.leastLoad,
  methods.random,
  methods.randomTwoLeastConn,
  methods.randomTwoLeastTime,
  methods.hash(KEY),
  methods.hashConsistent(KEY),
  methods.hashBounded(KEY),
  methods.ipHash,
  methods.withZones(methods.roundRobin),
  methods.withZones(methods.hashConsistent(KEY)),
]
  .map((method) => ({ method, workers: WORKERS }))
  .concat({ method: methods.leastConn, workers: 16 });

const folder = join(root, "build", "bench");

/**
 * Runs a separate process for each case, so that LuaJIT's compiled code belongs to one method.
 * @param {Method} method
 * @param {(typeof CASES)[number]} place
 * @param {number} workers
 */
function measurePick({ name, config, zone = "" }, { servers, load }, workers) {
  const script = join(folder, "bench", "pick.lua");
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  const parameters = [toLua(config), String(servers), load, String(workers), zone];
  const { ok, output } = runQuietly("luajit", ["-e", path, script, ...parameters]);
  const samples = output.trim().split("\n").map(Number);
  if (!ok || samples.some(Number.isNaN)) throw new Error(`the pick of ${name} failed: ${output}`);
  return median(samples);
}

/**
 * How close picks among 2,000 busy servers are to the least.
 *
 * @typedef {object} Accuracy
 * @property {string} method
 * @property {number} workers
 * @property {number} requests in flight at each server
 * @property {number} burst the number of requests that end at once, before as many begin
 * @property {number} percent of the picks, at most one request above the server with the least
 */

/** @returns {Accuracy[]} */
export function measureAccuracy() {
  console.error("accuracy of picks");
  const script = join(folder, "bench", "pick_accuracy.lua");
  const path = `package.path = "${folder}/?.lua;" .. package.path`;
  return ["least_conn", "least_time"].flatMap((method) =>
    [4, 16].flatMap((workers) =>
      [1, 100].map((burst) => {
        const parameters = [method, "2000", String(REQUESTS_EACH), String(workers), String(burst)];
        const { ok, output } = runQuietly("luajit", ["-e", path, script, ...parameters]);
        const percent = Number(output.trim());
        if (!ok || Number.isNaN(percent)) throw new Error(`the accuracy of ${method} failed: ${output}`);
        return { method, workers, requests: REQUESTS_EACH, burst, percent };
      }),
    ),
  );
}

/** @returns {PickRow[]} */
export function measurePicks() {
  console.error("picks");
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/pick.ts does not compile");
  return rows.map(({ method, workers }) => ({
    label: `${method.name}, ${workers} workers`,
    nanoseconds: CASES.map((place) => measurePick(method, place, workers)),
  }));
}
