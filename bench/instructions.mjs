import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { findServers, versionOf } from "../scripts/server.mjs";
import { openClient, waitUntilServing } from "./client.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { table } from "./markdown.mjs";
import * as methods from "./methods.mjs";
import { readProfile } from "./profile.mjs";
import { summarize } from "./statistics.mjs";
import { nativeRoundRobin, nativeTuned, onlyPicks, sluice, sluiceTuned, split } from "./variants.mjs";

/** @typedef {import("./variants.mjs").Variant} Variant */
/** @typedef {import("./statistics.mjs").Summary} Summary */
/** @typedef {import("./profile.mjs").Parts} Parts */
/** @typedef {import("../scripts/server.mjs").Server} Server */

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
  nativeTuned,
  sluiceTuned,
];

/**
 * @typedef {object} Row
 * @property {string} label
 * @property {Summary} instructions per request, without timers
 * @property {Parts} parts of the process with the median, or of the one below it
 */

/**
 * @typedef {object} Platform
 * @property {string} version
 * @property {Row[]} rows
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

/**
 * Counts the instructions of one process.
 * @param {Server} server
 * @param {Variant} variant
 * @param {string[]} addresses
 */
async function countOnce(server, { program, configuration }, addresses) {
  const gateway = await newGateway(program, configuration, addresses, 128, { server });
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
  return readProfile(`${file}.1`, COUNTED_REQUESTS);
}

/** @param {string} label @param {Parts[]} profiles @returns {Row} */
function rowOf(label, profiles) {
  const sorted = [...profiles].sort((one, other) => one.total - other.total);
  const instructions = summarize(sorted.map(({ total }) => total));
  return { label, instructions, parts: sorted[Math.floor((sorted.length - 1) / 2)] };
}

/** @param {Server} server @param {number} rounds @returns {Promise<Platform>} */
async function countOn(server, rounds) {
  const version = versionOf(server);
  const backend = await startBackend(SERVERS);
  /** @type {Parts[][]} */
  const profiles = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, variant] of variants.entries()) {
      profiles[index].push(await countOnce(server, variant, backend.addresses));
    }
    console.error(`instructions: ${version}, round ${round + 1} of ${rounds}`);
  }
  await backend.stop();
  return { version, rows: variants.map(({ label }, index) => rowOf(label, profiles[index])) };
}

/**
 * Counts the instructions of each row, with each server of this machine that can run Sluice.
 * @param {{ rounds: number }} options
 * @returns {Promise<Platform[]>}
 */
export async function countInstructions({ rounds }) {
  const platforms = [];
  for (const server of findServers()) platforms.push(await countOn(server, rounds));
  return platforms;
}

const count = (/** @type {number} */ value) => Math.round(value).toLocaleString("en-US");

/** @param {Platform} platform */
function totalTable({ version, rows }) {
  const [native] = rows;
  return table(
    [`one request, 4 servers, ${version}`, "instructions", "min–max", "more than nginx"],
    rows.map(({ label, instructions: { median, min, max } }) =>
      [label, count(median), `${count(min)}–${count(max)}`, count(median - native.instructions.median)].join(
        " | ",
      ),
    ),
  );
}

/** @param {Platform} platform */
function partTable({ version, rows }) {
  return table(
    [
      `parts of one request, ${version}`,
      "nginx",
      "balance",
      "log",
      "calling Lua",
      "setting the peer",
      "variables",
      "Lua",
    ],
    rows.map(({ label, parts: { nginx, balance, log, glue, peer, variables, lua } }) =>
      [label, ...[nginx, balance, log, glue, peer, variables, lua].map(count)].join(" | "),
    ),
  );
}

/** @param {Platform[]} platforms */
export function instructionTables(platforms) {
  return platforms.flatMap((platform) => [totalTable(platform), partTable(platform)]).join("\n\n");
}
