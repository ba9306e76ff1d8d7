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

/** @returns {PickRow[]} */
export function measurePicks() {
  console.error("picks");
  if (!compile("bench/tsconfig.json", folder)) throw new Error("bench/pick.ts does not compile");
  return rows.map(({ method, workers }) => ({
    label: `${method.name}, ${workers} workers`,
    nanoseconds: CASES.map((place) => measurePick(method, place, workers)),
  }));
}
