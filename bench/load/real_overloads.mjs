import { waitUntilServing } from "../client.mjs";
import { sluice } from "../configurations.mjs";
import { newGateway } from "../gateway.mjs";
import { quantile } from "../statistics.mjs";
import { sendRequests } from "./open_loop.mjs";
import { runQuietly } from "./quiet.mjs";
import { startServers } from "./start_servers.mjs";

/**
 * Overloads of real processes: nginx with several workers, servers with slots in a process of their own, and
 * a client that does not wait for answers. Times are in seconds, unless a name says otherwise.
 */

/**
 * @typedef {object} Real
 * @property {string} limit "none", "adaptive" or "adaptive, queue"
 * @property {number} load as a multiple of what all servers can serve
 * @property {number} goodput answers in time, as a part of what all servers can serve
 * @property {number} p50 of these answers, in milliseconds
 * @property {number} p99
 * @property {number} refused as a part of the requests
 * @property {number} failed errors and late answers, as a part of the requests
 * @property {number} delay of the client, the 99th percentile in milliseconds
 */

/** Two processors can bear these servers at twice their capacity, which is 200 requests per second. */
export const SETTING = { servers: 4, slots: 4, work: 0.08 };
export const LOADS = [0.8, 1, 2];
const DEADLINE = 1;
const WORKERS = 4;
/** A limit needs up to 30 s for a start in an overload. */
const FULL = { warmUp: 30, measured: 30 };
const QUICK = { warmUp: 20, measured: 10 };
/** The time from the order to start until the start, in milliseconds. */
const AHEAD = 200;
const CAPACITY = (SETTING.servers * SETTING.slots) / SETTING.work;
/** As in the simulation: no retries, and a server does not notice when a client gives up. */
const DIRECTIVES = `proxy_read_timeout ${DEADLINE}s; proxy_next_upstream off;`;
/** What a request gets that finds all servers at their limits: without a queue, and with a full one. */
const REFUSALS = [502, 503];

/** The upstream without its servers, their limit, and more directives. */
const KINDS = {
  none: { upstream: {}, max_conns: 0, directives: DIRECTIVES },
  adaptive: { upstream: {}, max_conns: "adaptive", directives: DIRECTIVES },
  "adaptive, queue": {
    upstream: { queue: { size: 4, timeout: "100ms" } },
    max_conns: "adaptive",
    directives: `${DIRECTIVES} access_by_lua_block { require("resty.sluice").access("app") }`,
  },
};
/** @typedef {(typeof KINDS)[keyof typeof KINDS]} Kind */

/** Returns a generator of numbers from 0 to 1 that are the same in each run. */
function newRandom() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Plans requests at random moments with random work. @param {number} load @param {number} seconds */
function planRequests(load, seconds) {
  const random = newRandom();
  const exponential = (/** @type {number} */ mean) => -Math.log(random()) * mean;
  const requests = [];
  for (let time = 0; time < seconds; time += exponential(1 / (load * CAPACITY)))
    requests.push({ time, work: exponential(SETTING.work) });
  return requests;
}

/** @param {Kind} kind @param {number[]} ports */
async function startGateway({ upstream, max_conns, directives }, ports) {
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const servers = addresses.map((server) => ({ server, max_conns, max_fails: 0 }));
  const gateway = await newGateway(
    "nginx",
    (place) =>
      sluice(
        { ...place, sharedDict: "32m", workers: WORKERS, directives },
        { app: { method: "least_conn", ...upstream, servers } },
      ),
    addresses,
    1024,
  );
  gateway.launch();
  await waitUntilServing(gateway.place.port);
  return gateway;
}

/**
 * Plays an overload with new processes.
 * @param {Kind} kind
 * @param {number} load
 * @param {typeof FULL} times
 */
async function play(kind, load, { warmUp, measured }) {
  const fleet = Array.from({ length: SETTING.servers }, () => ({ slots: SETTING.slots, speed: 1 }));
  const servers = await startServers({ servers: fleet, noise: [] });
  const gateway = await startGateway(kind, servers.ports);
  const requests = planRequests(load, warmUp + measured);
  const all = await sendRequests(gateway.place.port, requests, Date.now() + AHEAD);
  await gateway.stop();
  await servers.stop();
  const sent = all.filter(({ time }) => time >= warmUp);
  return {
    sent,
    delay: quantile(
      sent.map((one) => one.delay),
      0.99,
    ),
  };
}

/**
 * @param {keyof typeof KINDS} limit
 * @param {number} load
 * @param {typeof FULL} times
 * @returns {Promise<Real>}
 */
async function measure(limit, load, times) {
  const { sent, delay } = await runQuietly(() => play(KINDS[limit], load, times));
  const inTime = sent.filter(({ status, latency }) => status === 200 && latency <= DEADLINE * 1000);
  const refused = sent.filter(({ status }) => REFUSALS.includes(status)).length;
  const latencies = inTime.length > 0 ? inTime.map(({ latency }) => latency) : [0];
  return {
    limit,
    load,
    goodput: inTime.length / times.measured / CAPACITY,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    refused: refused / sent.length,
    failed: (sent.length - inTime.length - refused) / sent.length,
    delay,
  };
}

/** Measures overloads of real processes. @param {boolean} isQuick @returns {Promise<Real[]>} */
export async function measureRealOverloads(isQuick) {
  const rows = [];
  for (const limit of /** @type {(keyof typeof KINDS)[]} */ (Object.keys(KINDS)))
    for (const load of LOADS) {
      console.error(`overload of real processes: ${limit}, ${load}`);
      rows.push(await measure(limit, load, isQuick ? QUICK : FULL));
    }
  return rows;
}
