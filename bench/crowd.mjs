import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { schedule } from "./processes.mjs";
import { saveState } from "./saved.mjs";
import { measureStart } from "./start_time.mjs";
import { quantile } from "./statistics.mjs";
import { upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * What one action among many upstreams costs, and the times of requests of the same worker meanwhile.
 *
 * @typedef {object} CrowdRow
 * @property {string} label
 * @property {number} elapsed milliseconds
 * @property {number} cpu CPU time of the worker in milliseconds
 * @property {number} bytes of the answer; 0: none
 * @property {number} p50 of the requests, in milliseconds
 * @property {number} p99
 * @property {number} longest
 * @property {number} waited milliseconds for which the worker waited for its processor
 */

const UPSTREAMS = 100_000;
const SERVERS = 2;
const SERVED = 50;
const SHARED_DICT = "256m";
const MS = 1000;
const WARM_UP = 500;

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
 * Runs an action while one request follows another.
 * @param {Gateway} gateway
 * @param {string} label
 * @param {() => Promise<number>} action returns the bytes of its answer
 * @returns {Promise<CrowdRow>}
 */
async function measure(gateway, label, action) {
  console.error(`crowd: ${label}`);
  const traffic = await openClient(gateway.place.port);
  const ask = () =>
    traffic.expect(200, "GET", `/dynamic/?name=${upstreamName(Math.floor(Math.random() * SERVED))}`);
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
  const before = schedule(gateway.pid);
  const began = performance.now();
  const bytes = await action();
  const elapsed = performance.now() - began;
  isOver = true;
  await asking;
  const after = schedule(gateway.pid);
  traffic.close();
  return {
    label,
    elapsed,
    bytes,
    cpu: (after.cpu - before.cpu) / MS,
    waited: (after.waited - before.waited) / MS,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: Math.max(...times),
  };
}

/**
 * Makes a change of a random upstream each millisecond.
 * @param {Gateway} gateway
 * @param {number} seconds
 */
async function changeOften(gateway, seconds) {
  const client = await openClient(gateway.place.apiPort);
  const began = performance.now();
  let made = 0;
  while (performance.now() < began + seconds * MS) {
    const name = upstreamName(Math.floor(Math.random() * UPSTREAMS));
    await client.expect(200, "PATCH", `/api/9/http/upstreams/${name}/servers/0`, { weight: 2 + (made % 90) });
    made += 1;
    const ahead = made - (performance.now() - began);
    if (ahead >= 1) await sleep(ahead);
  }
  client.close();
  return made;
}

/** Returns the memory of the worker, in MB. @param {Gateway} gateway */
function memoryOf({ pid }) {
  return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Measures 100,000 upstreams of 2 servers. @param {{ starts: number, seconds: number }} options */
export async function measureCrowd({ starts, seconds }) {
  const backend = await startBackend(SERVERS);
  const gateway = await newGateway(
    "nginx",
    (place) => configurations.sluice({ ...place, sharedDict: SHARED_DICT }, {}),
    backend.addresses,
    64,
  );
  saveState(join(gateway.place.folder, "state"), UPSTREAMS, (index) => ({
    name: upstreamName(index),
    servers: index < SERVED ? backend.addresses : [0, 1].map((server) => address(index, server)),
  }));
  console.error("crowd: starts");
  const start = await measureStart(gateway, 1, starts);
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
    await measure(gateway, "a change per millisecond", async () => {
      made = await changeOften(gateway, 5 * seconds);
      return 0;
    }),
    await measure(gateway, "reload", async () => {
      process.kill(Number(readFileSync(join(gateway.place.folder, "nginx.pid"), "utf8")), "SIGHUP");
      await sleep(3 * MS);
      return 0;
    }),
  );
  gateway.checkLog();
  await gateway.stop();
  await backend.stop();
  return { start, memory, rows, made };
}
