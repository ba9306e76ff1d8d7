import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import { masterOf, measure, WORKERS } from "./crowd_row.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { TURNS_DICT, TURNS_LOCATION, WATCH_TURNS } from "./longest_turn.mjs";
import { childrenOf } from "./processes.mjs";
import { saveState } from "./saved.mjs";
import { median } from "./statistics.mjs";
import { trafficPath, upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

export const CHANGES = "a change per millisecond";
export const RELOAD = "reload";
export const RELOAD_OF_TEN = "reload, 10,000 upstreams of 10 servers";
const UPSTREAMS_OF_TEN = 10_000;
const SERVERS = 2;
const SERVED = 50;
const SHARED_DICT = "256m";
const MS = 1000;
/** Each job of a new worker has looked at all upstreams after this time, in seconds. */
const JOBS_SECONDS = 5;
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

/** Makes a gateway. @param {string[]} addresses */
function newCrowd(addresses) {
  const more = { directives: TURNS_DICT, worker: WATCH_TURNS, location: TURNS_LOCATION };
  return newGateway(
    "nginx",
    (place) => configurations.sluice({ ...place, ...more, workers: WORKERS, sharedDict: SHARED_DICT }, {}),
    addresses,
    64,
  );
}

/** @param {Gateway} gateway @param {string} label @param {number} served */
function measureReload(gateway, label, served) {
  return measure(gateway, label, served, () => reload(gateway), JOBS_SECONDS);
}

/** Measures a reload with 10,000 upstreams of 10 servers, all of which get requests. */
async function measureReloadOfTen() {
  const backend = await startBackend(10);
  const gateway = await newCrowd(backend.addresses);
  saveState(join(gateway.place.folder, "state"), UPSTREAMS_OF_TEN, (index) => ({
    name: upstreamName(index),
    servers: backend.addresses,
  }));
  await measureStarts(gateway, 1);
  const row = await measureReload(gateway, RELOAD_OF_TEN, UPSTREAMS_OF_TEN);
  gateway.checkLog();
  await gateway.stop();
  await backend.stop();
  return row;
}

/** Returns the memory of the largest worker, in MB. @param {Gateway} gateway */
function memoryOf(gateway) {
  const sizes = childrenOf(masterOf(gateway)).map((pid) =>
    Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
  );
  return Math.max(...sizes) / 1024;
}

/**
 * Measures many upstreams of 2 servers, and a reload with fewer of 10 servers.
 * @param {{ starts: number, seconds: number, crowd: { upstreams: number, seconds: number } }} options
 *   `crowd`: the upstreams, and how long they are changed
 */
export async function measureCrowd({ starts, seconds, crowd }) {
  const { upstreams } = crowd;
  const backend = await startBackend(SERVERS);
  const gateway = await newCrowd(backend.addresses);
  saveState(join(gateway.place.folder, "state"), upstreams, (index) => ({
    name: upstreamName(index),
    servers: index < SERVED ? backend.addresses : [0, 1].map((server) => address(index, server)),
  }));
  const start = await measureStarts(gateway, starts);
  const memory = memoryOf(gateway);
  const get = (/** @type {string} */ label, /** @type {string} */ path) =>
    measure(gateway, label, SERVED, () => send(gateway, "GET", `/api${path}`));
  const rows = [
    await measure(gateway, "nothing", SERVED, () => sleep(seconds * MS).then(() => 0)),
    await get("all upstreams", "/sluice/1/upstreams"),
    await get("the dashboard's overview", "/sluice/1/status"),
    await get("all upstreams, NGINX Plus API", "/9/http/upstreams"),
    await get("metrics", "/metrics"),
  ];
  let made = 0;
  rows.push(
    await measure(gateway, CHANGES, SERVED, async () => {
      made = await changeOften(gateway, upstreams, crowd.seconds);
      return 0;
    }),
    await measureReload(gateway, RELOAD, SERVED),
  );
  gateway.checkLog();
  await gateway.stop();
  await backend.stop();
  rows.push(await measureReloadOfTen());
  return { upstreams, start, memory, rows, made };
}
