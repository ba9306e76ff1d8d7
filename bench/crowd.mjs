import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import { newTraffic } from "./crowd_traffic.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { childrenOf, schedule } from "./processes.mjs";
import { saveState } from "./saved.mjs";
import { median, quantile } from "./statistics.mjs";
import { trafficPath, upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * What one action among many upstreams costs, and the times of requests of both workers meanwhile.
 *
 * @typedef {object} CrowdRow
 * @property {string} label
 * @property {number} elapsed milliseconds
 * @property {number} cpu CPU time in milliseconds of the busier worker, which does what is asked for
 * @property {number} other CPU time in milliseconds of the other worker, which follows and serves requests
 * @property {number} master CPU time in milliseconds of the master, which only works in a reload
 * @property {number} bytes of the answer; 0: none
 * @property {number} count of the requests
 * @property {number} p50 of the requests, in milliseconds
 * @property {number} p99
 * @property {number} longest
 * @property {number} waited milliseconds for which the workers waited for their processor
 */

export const CHANGES = "a change per millisecond";
export const RELOAD = "reload";
const SERVERS = 2;
const SERVED = 50;
const SHARED_DICT = "256m";
const MS = 1000;
const WARM_UP = 500;
const WORKERS = 2;
/** The time that a start or a reload may take on a busy machine, in seconds. */
const LONGEST_START = 300;

/** Returns an address that nobody has. @param {number} index @param {number} server */
function address(index, server) {
  return `10.${(index >> 14) & 255}.${(index >> 6) & 255}.${((index & 63) << 1) + server + 1}:8080`;
}

/** @param {Gateway} gateway @param {string} method @param {string} path @param {unknown} [body] */
async function send({ place: { apiPort } }, method, path, body) {
  const sent = request({ host: "127.0.0.1", port: apiPort, path, method, agent: false });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(sent, "response");
  let bytes = 0;
  response.on("data", (/** @type {Buffer} */ data) => (bytes += data.length));
  await once(response, "end");
  if (response.statusCode !== 200)
    throw new Error(`${method} ${path} was answered with ${response.statusCode}`);
  return bytes;
}

/** @param {Gateway} gateway */
function masterOf({ place }) {
  return Number(readFileSync(join(place.folder, "nginx.pid"), "utf8"));
}

/**
 * Runs an action while one request follows another.
 * @param {Gateway} gateway
 * @param {string} label
 * @param {() => Promise<number>} action returns the bytes of its answer
 * @returns {Promise<CrowdRow>}
 */
async function measure(gateway, label, action) {
  console.error(`crowd: ${label}`);
  const { ask, close } = await newTraffic(gateway, WORKERS, SERVED);
  for (let sent = 0; sent < WARM_UP; sent += 1) await ask();
  let isOver = false;
  /** @type {number[]} */
  const times = [];
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now();
      await ask();
      times.push(performance.now() - began);
      await sleep(1);
    }
  })();
  const master = masterOf(gateway);
  const before = new Map([master, ...childrenOf(master)].map((pid) => [pid, schedule(pid)]));
  const used = (/** @type {number} */ pid, /** @type {"cpu" | "waited"} */ what) =>
    (schedule(pid)[what] - (before.get(pid)?.[what] ?? 0)) / MS;
  const began = performance.now();
  const bytes = await action();
  const elapsed = performance.now() - began;
  isOver = true;
  await asking;
  const workers = childrenOf(master);
  const [cpu, other] = workers.map((pid) => used(pid, "cpu")).sort((one, two) => two - one);
  const waited = workers.reduce((sum, pid) => sum + used(pid, "waited"), 0);
  close();
  return {
    label,
    elapsed,
    bytes,
    cpu,
    other,
    waited,
    master: used(master, "cpu"),
    count: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: Math.max(...times),
  };
}

/**
 * Makes a change of a random upstream each millisecond.
 * @param {Gateway} gateway
 * @param {number} upstreams
 * @param {number} seconds
 */
async function changeOften(gateway, upstreams, seconds) {
  const client = await openClient(gateway.place.apiPort);
  const began = performance.now();
  let made = 0;
  while (performance.now() < began + seconds * MS) {
    const name = upstreamName(Math.floor(Math.random() * upstreams));
    await client.expect(200, "PATCH", `/api/9/http/upstreams/${name}/servers/0`, { weight: 2 + (made % 90) });
    made += 1;
    const ahead = made - (performance.now() - began);
    if (ahead >= 1) await sleep(ahead);
  }
  client.close();
  return made;
}

/** Replaces the workers, and returns when the old ones are gone. @param {Gateway} gateway */
async function reload(gateway) {
  const master = masterOf(gateway);
  const old = childrenOf(master);
  process.kill(master, "SIGHUP");
  const deadline = performance.now() + LONGEST_START * MS;
  for (;;) {
    const now = childrenOf(master);
    if (now.length === WORKERS && !now.some((pid) => old.includes(pid))) return 0;
    if (performance.now() > deadline) throw new Error("the old workers do not end");
    await sleep(20);
  }
}

/**
 * Starts the gateway repeatedly. Returns the median of the milliseconds until a request is answered.
 * @param {Gateway} gateway
 * @param {number} starts
 */
async function measureStarts(gateway, starts) {
  const times = [];
  for (let turn = 0; turn < starts; turn += 1) {
    console.error("crowd: start");
    await gateway.stop();
    const began = performance.now();
    gateway.launch();
    const client = await openClient(gateway.place.port, "127.0.0.1", LONGEST_START);
    await client.expect(200, "GET", trafficPath(0));
    times.push(performance.now() - began);
    client.close();
  }
  return median(times);
}

/** Returns the memory of the largest worker, in MB. @param {Gateway} gateway */
function memoryOf(gateway) {
  const sizes = childrenOf(masterOf(gateway)).map((pid) =>
    Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
  );
  return Math.max(...sizes) / 1024;
}

/**
 * Measures many upstreams of 2 servers.
 * @param {{ starts: number, seconds: number, crowd: { upstreams: number, seconds: number } }} options
 *   `crowd`: the upstreams, and how long they are changed
 */
export async function measureCrowd({ starts, seconds, crowd }) {
  const { upstreams } = crowd;
  const backend = await startBackend(SERVERS);
  const gateway = await newGateway(
    "nginx",
    (place) => configurations.sluice({ ...place, workers: WORKERS, sharedDict: SHARED_DICT }, {}),
    backend.addresses,
    64,
  );
  saveState(join(gateway.place.folder, "state"), upstreams, (index) => ({
    name: upstreamName(index),
    servers: index < SERVED ? backend.addresses : [0, 1].map((server) => address(index, server)),
  }));
  const start = await measureStarts(gateway, starts);
  const memory = memoryOf(gateway);
  const get = (/** @type {string} */ label, /** @type {string} */ path) =>
    measure(gateway, label, () => send(gateway, "GET", `/api${path}`));
  const rows = [
    await measure(gateway, "nothing", () => sleep(seconds * MS).then(() => 0)),
    await get("all upstreams", "/sluice/1/upstreams"),
    await get("the dashboard's overview", "/sluice/1/status"),
    await get("all upstreams, NGINX Plus API", "/9/http/upstreams"),
    await get("metrics", "/metrics"),
  ];
  let made = 0;
  rows.push(
    await measure(gateway, CHANGES, async () => {
      made = await changeOften(gateway, upstreams, crowd.seconds);
      return 0;
    }),
    await measure(gateway, RELOAD, () => reload(gateway)),
  );
  gateway.checkLog();
  await gateway.stop();
  await backend.stop();
  return { upstreams, start, memory, rows, made };
}
