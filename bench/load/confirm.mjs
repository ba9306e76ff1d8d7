import { loadavg } from "node:os";
import { waitUntilServing } from "../client.mjs";
import { sluice } from "../configurations.mjs";
import { newGateway } from "../gateway.mjs";
import { quantile, summarize } from "../statistics.mjs";
import { sendRequests } from "./open_loop.mjs";
import { DEADLINE, makePlan, simulate } from "./plan.mjs";
import { runQuietly } from "./quiet.mjs";
import { compileSimulation } from "./runs.mjs";
import { startServers } from "./start_servers.mjs";

/**
 * The shape of the simulation, confirmed with real processes: nginx with several workers, servers in a
 * process of their own, and a client that does not wait for answers. The simulation has the same requests,
 * with the same work at the same times, and the same noise.
 */

/** @typedef {import("./plan.mjs").Setting} Setting */

/**
 * Percentiles of a method at a load, in milliseconds.
 *
 * @typedef {object} Compared
 * @property {string} method
 * @property {number} load
 * @property {Time} p50
 * @property {Time} p99
 * @property {number} requests
 * @property {number} failed requests without an answer, or with an error
 * @property {number} delay of the real client, the 99th percentile
 */

/** @typedef {{ real: number, mean: number, min: number, max: number }} Time real, and simulated */

/**
 * `machineLoad`: at the start.
 * @typedef {{ rows: Compared[], date: string, machineLoad: number }} Confirmation
 */

const WORKERS = 4;
const LOADS = [0.7, 0.9, 1.05];
/** Times in seconds. */
const FULL = { warmUp: 1.5, measured: 5 };
const QUICK = { warmUp: 1, measured: 2 };
/** The time from the order to start until the start, in milliseconds. */
const AHEAD = 200;
/** As in the simulation: no retries, and an answer that takes 5 s is given up and counts as 5 s. */
const DIRECTIVES = "proxy_read_timeout 5s; proxy_next_upstream off;";
const LATE = 504;

/** The methods, with their names in the simulation. @type {Record<string, object>} */
const METHODS = {
  round_robin: { method: "round_robin" },
  "random two least_conn": { method: "random", random: { two: "least_conn" } },
  least_conn: { method: "least_conn" },
  least_time: { method: "least_time", least_time: { measure: "last_byte" } },
  least_load: {
    method: "least_load",
    least_load: { report: { in_flight: "$upstream_http_x_in_flight" } },
  },
};

/** @param {object} config @param {number[]} ports */
async function startGateway(config, ports) {
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const servers = addresses.map((server) => ({ server, max_fails: 0 }));
  const gateway = await newGateway(
    "nginx",
    (place) =>
      sluice(
        { ...place, sharedDict: "32m", workers: WORKERS, directives: DIRECTIVES },
        { app: { ...config, servers } },
      ),
    addresses,
    1024,
  );
  gateway.launch();
  await waitUntilServing(gateway.place.port);
  return gateway;
}

/** Plays a plan with new real processes. @param {Setting} setting @param {object} config */
async function play(setting, config) {
  const plan = makePlan(setting);
  const servers = await startServers(plan);
  const gateway = await startGateway(config, servers.ports);
  const start = Date.now() + AHEAD;
  servers.start(start);
  const sent = await sendRequests(gateway.place.port, plan.requests, start);
  await gateway.stop();
  await servers.stop();
  const measured = sent.filter(({ time }) => time >= setting.warmUp);
  const delays = measured.map((one) => one.delay);
  return { sent: measured, delay: quantile(delays, 0.99) };
}

/** @param {Setting} setting @param {string} method @returns {Promise<Compared>} */
async function compare(setting, method) {
  const { sent, delay } = await runQuietly(() => play(setting, METHODS[method]));
  const answered = sent.filter(({ status }) => status === 200 || status === LATE);
  const latencies = answered.map(({ latency }) => Math.min(latency, DEADLINE));
  const simulated = simulate(setting, method);
  const time = (/** @type {"p50" | "p99"} */ name, /** @type {number} */ part) => {
    const values = simulated[name];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { ...summarize(values), mean, real: quantile(latencies, part) };
  };
  return {
    ...{ method, load: setting.load, requests: sent.length, failed: sent.length - answered.length },
    ...{ p50: time("p50", 0.5), p99: time("p99", 0.99) },
    delay,
  };
}

/**
 * Runs each method with real processes and in the simulation.
 * @param {boolean} isQuick true: one load, and shorter
 * @returns {Promise<Confirmation>}
 */
export async function measureConfirmation(isQuick) {
  console.error("confirm");
  compileSimulation();
  const [machineLoad] = loadavg();
  const rows = [];
  for (const method of Object.keys(METHODS))
    for (const load of isQuick ? [0.9] : LOADS)
      rows.push(await compare({ load, ...(isQuick ? QUICK : FULL) }, method));
  return { rows, date: new Date().toISOString(), machineLoad };
}
