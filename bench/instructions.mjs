import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openClient, waitUntilServing } from "./client.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { table } from "./markdown.mjs";
import * as methods from "./methods.mjs";
import { summarize } from "./statistics.mjs";
import { nativeRoundRobin, onlyPicks, sluice, split } from "./variants.mjs";

/** @typedef {import("./variants.mjs").Variant} Variant */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * The instructions of user space per request, which `valgrind --tool=callgrind` counts. Unlike a time, the
 * count hardly depends on what else the machine does. It says nothing of the kernel and of caches. LuaJIT
 * compiles differently in each process, so that each row has several processes.
 */

const SERVERS = 4;
const CONNECTIONS = 8;
/** LuaJIT has compiled the paths of requests after this number. */
const WARM_UP_REQUESTS = 6000;
const COUNTED_REQUESTS = 3000;
/** Runs all timers. They depend on time, not on requests, so that their instructions are subtracted. */
const TIMERS = "ngx_event_expire_timers";
const KEY = "$connection_requests";

/** @type {Variant[]} */
const variants = [
  nativeRoundRobin,
  onlyPicks("Lua, only picks, empty log phase", "log_by_lua_block { local nothing }", nativeRoundRobin),
  ...[
    methods.roundRobin,
    methods.withZones(methods.roundRobin),
    methods.leastConn,
    methods.randomTwoLeastConn,
    methods.leastTime,
    methods.leastLoad,
    methods.hashConsistent(KEY),
    methods.withZones(methods.hashConsistent(KEY)),
  ].map((method) => sluice(method, nativeRoundRobin)),
  split("split in turn", {}, nativeRoundRobin),
  split("split by a key", { by: KEY }, nativeRoundRobin),
];

/**
 * @typedef {object} Row
 * @property {string} label
 * @property {Summary} instructions per request, without timers
 */

/** @param {number} port @param {number} requests */
async function sendRequests(port, requests) {
  let left = requests;
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => openClient(port)));
  await Promise.all(
    clients.map(async (client) => {
      while ((left -= 1) >= 0) await client.expect(200, "GET", "/");
      client.close();
    }),
  );
}

/** Reads the instructions of a whole profile, and of its timers. @param {string} file */
function readProfile(file) {
  const total = Number(/^totals: (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1]);
  const inclusive = execFileSync("callgrind_annotate", ["--inclusive=yes", "--threshold=100", file], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const timers = new RegExp(`^ *([\\d,]+) .*:${TIMERS}\\b`, "m").exec(inclusive)?.[1].replaceAll(",", "");
  if (!(total > 0)) throw new Error(`callgrind has counted nothing: ${file}`);
  return total - Number(timers ?? 0);
}

/**
 * Counts the instructions of one process.
 * @param {Variant} variant
 * @param {string[]} addresses
 */
async function countOnce({ program, configuration }, addresses) {
  const gateway = await newGateway(program, configuration, addresses, 128);
  const file = join(gateway.place.folder, "callgrind.out");
  const options = ["--tool=callgrind", "--quiet", `--callgrind-out-file=${file}`, "--instr-atstart=no"];
  const child = gateway.launch(["valgrind", ...options], ["-g", "master_process off;"]);
  const { port } = gateway.place;
  const control = (/** @type {string[]} */ ...order) =>
    execFileSync("callgrind_control", [...order, String(child.pid)], { stdio: "ignore" });
  await waitUntilServing(port);
  await sendRequests(port, WARM_UP_REQUESTS);
  control("-i", "on");
  await sendRequests(port, COUNTED_REQUESTS);
  control("-i", "off");
  control("-d", "counted");
  // Under valgrind, nginx without timers can miss a signal that it should handle.
  await gateway.stop("SIGKILL");
  gateway.checkLog();
  return readProfile(`${file}.1`) / COUNTED_REQUESTS;
}

/**
 * Counts the instructions of each row.
 * @param {{ rounds: number }} options
 * @returns {Promise<Row[]>}
 */
export async function countInstructions({ rounds }) {
  const backend = await startBackend(SERVERS);
  /** @type {number[][]} */
  const counts = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, variant] of variants.entries()) {
      counts[index].push(await countOnce(variant, backend.addresses));
    }
    console.error(`instructions: round ${round + 1} of ${rounds}`);
  }
  await backend.stop();
  return variants.map(({ label }, index) => ({ label, instructions: summarize(counts[index]) }));
}

/** @param {Row[]} rows */
export function instructionTable(rows) {
  const count = (/** @type {number} */ value) => Math.round(value).toLocaleString("en-US");
  const [native] = rows;
  return table(
    ["one request, 4 servers", "instructions", "min–max", "more than nginx"],
    rows.map(({ label, instructions: { median, min, max } }) =>
      [label, count(median), `${count(min)}–${count(max)}`, count(median - native.instructions.median)].join(
        " | ",
      ),
    ),
  );
}
