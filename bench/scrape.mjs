import { once } from "node:events";
import { get } from "node:http";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { atRest, schedule } from "./processes.mjs";
import { spreadTraffic } from "./spread_traffic.mjs";
import { summarize } from "./statistics.mjs";
import { createUpstreams } from "./stored.mjs";

/** @typedef {configurations.Place} Place */
/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * The cost of the metrics of all servers.
 *
 * @typedef {object} ScrapeRow
 * @property {string} label
 * @property {number} servers
 * @property {number} samples
 * @property {number} bytes
 * @property {Summary} cpu CPU time of the worker in seconds
 * @property {number} elapsed seconds until the answer was complete, the median
 */

const UPSTREAMS = 40;
const SERVERS_PER_UPSTREAM = 250;
/** Requests of each server before the first scrape, about. */
const REQUESTS_PER_SERVER = 20;
const SCRAPES = 5;
const MS = 1000;

/** @type {Record<string, string>} options of `api.metrics` in Lua, by label */
const CASES = {
  "each server": "{}",
  "each server, with status codes": "{ codes = true }",
  "only upstreams": "{ per_server = false }",
};

/**
 * @param {string} options
 * @returns {(place: Place) => string}
 */
function configuration(options) {
  return (place) =>
    configurations
      .sluice({ ...place, addresses: [], sharedDict: "64m" }, {})
      .replace("setup({", `setup({ api = { metrics = ${options} },`);
}

/**
 * Scrapes once. Returns how much there was.
 * @param {number} port
 */
async function scrape(port) {
  const request = get({ host: "127.0.0.1", port, path: "/api/metrics" });
  const [response] = await once(request, "response");
  if (response.statusCode !== 200) throw new Error(`a scrape was answered with ${response.statusCode}`);
  let bytes = 0;
  let samples = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) samples += 1;
  }
  return { bytes, samples };
}

/**
 * @param {string} label
 * @param {string} options
 * @param {string[]} addresses
 * @returns {Promise<ScrapeRow>}
 */
async function measureCase(label, options, addresses) {
  console.error(`scrape: ${label}`);
  const gateway = await newGateway("nginx", configuration(options), [], 512);
  gateway.launch();
  const { apiPort, port } = gateway.place;
  await createUpstreams(apiPort, UPSTREAMS, addresses);
  await gateway.findWorker();
  await spreadTraffic(port, UPSTREAMS, UPSTREAMS * addresses.length * REQUESTS_PER_SERVER);
  const rows = [];
  for (let turn = 0; turn <= SCRAPES; turn += 1) {
    await atRest(gateway.pid);
    const before = schedule(gateway.pid).cpu;
    const began = performance.now();
    const size = await scrape(apiPort);
    const elapsed = (performance.now() - began) / MS;
    await atRest(gateway.pid);
    // The first scrape is not counted: LuaJIT has compiled nothing yet.
    if (turn > 0) rows.push({ ...size, elapsed, cpu: (schedule(gateway.pid).cpu - before) / 1e6 });
  }
  await gateway.stop();
  gateway.checkLog();
  return {
    label,
    servers: UPSTREAMS * addresses.length,
    samples: rows[0].samples,
    bytes: rows[0].bytes,
    cpu: summarize(rows.map(({ cpu }) => cpu)),
    elapsed: summarize(rows.map(({ elapsed }) => elapsed)).median,
  };
}

/** Measures the cost of a scrape of 10,000 servers, all of which have traffic. */
export async function measureScrapes() {
  const backend = await startBackend(SERVERS_PER_UPSTREAM);
  const rows = [];
  for (const [label, options] of Object.entries(CASES)) {
    rows.push(await measureCase(label, options, backend.addresses));
  }
  await backend.stop();
  return rows;
}
