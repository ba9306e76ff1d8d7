import { openClient, waitUntilServing } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import * as methods from "./methods.mjs";
import { atRest, schedule } from "./processes.mjs";
import { median, summarize } from "./statistics.mjs";

/** @typedef {import("./client.mjs").Client} Client */
/** @typedef {import("./statistics.mjs").Summary} Summary */
/** @typedef {methods.Method} Method */
/** @typedef {configurations.Place} Place */

/**
 * The cost for a worker of following one change.
 *
 * @typedef {object} ChangeRow
 * @property {string} label
 * @property {string} method
 * @property {Summary} cost CPU time of the worker per change in microseconds, means of the batches
 * @property {number} worst the most expensive single change, in microseconds
 * @property {number} request CPU time of a request when nothing has changed for this worker, in microseconds
 */

export const SERVERS = 1000;
/** The upstream that the worker serves, and an equal one that gets no requests. */
const SERVED = "app";
const UNSERVED = "other";
const HEAVIEST = 10;
/** Upper bound on the connections opened until the second worker accepts one. */
const MOST_CONNECTIONS = 100;

/** @type {Method[]} */
const measured = [
  methods.roundRobin,
  methods.leastConn,
  methods.random,
  methods.hashConsistent("$connection_requests"),
  methods.ipHash,
];

/** Returns a random whole number from 0 to `end` - 1. @param {number} end */
function draw(end) {
  return Math.floor(Math.random() * end);
}

/**
 * @typedef {{ label: string, run: (api: Client, servers: string, spare: string) => Promise<void> }} Change
 */

/** @param {number} index */
function weightOf(index) {
  return 1 + (index % HEAVIEST);
}

/**
 * Returns the changes of one upstream. They run in this order: the last one deletes the server that was
 * added.
 * @returns {Change[]}
 */
function newChanges() {
  const weights = Array.from({ length: SERVERS }, (_, index) => weightOf(index));
  let added = 0;
  return [
    {
      label: "weight",
      run: async (api, servers) => {
        const id = draw(SERVERS);
        // Any weight except the current one.
        weights[id] = weightOf(weights[id] + draw(HEAVIEST - 1));
        await api.expect(200, "PATCH", `${servers}/${id}`, { weight: weights[id] });
      },
    },
    {
      label: "add",
      run: async (api, servers, spare) => {
        const { body } = await api.expect(201, "POST", servers, { server: spare });
        added = JSON.parse(body).id;
      },
    },
    {
      label: "delete",
      run: async (api, servers) => {
        await api.expect(200, "DELETE", `${servers}/${added}`);
      },
    },
  ];
}

/** @param {Client} client */
async function workerBehind(client) {
  return Number((await client.expect(200, "GET", "/worker")).body);
}

/**
 * Opens a connection for changes to one worker and a connection for requests to the other one, so that the
 * time of the second worker does not include the write itself.
 * @param {Place} place
 */
async function openPair({ port, apiPort }) {
  const api = await openClient(apiPort);
  const writer = await workerBehind(api);
  for (let attempt = 0; attempt < MOST_CONNECTIONS; attempt += 1) {
    const traffic = await openClient(port);
    const worker = await workerBehind(traffic);
    if (worker !== writer) return { api, traffic, worker };
    traffic.close();
  }
  throw new Error("no connection came to the second worker");
}

/** @typedef {Awaited<ReturnType<typeof openPair>>} Pair */

/**
 * Measures the first request after each change.
 * @param {Pair} pair
 * @param {Change[]} changes
 * @param {string} upstream the one to change
 * @param {string} spare the address to add
 * @param {number} count
 * @returns {Promise<number[][]>} microseconds for each change
 */
async function runBatch({ api, traffic, worker }, changes, upstream, spare, count) {
  const servers = `/api/9/http/upstreams/${upstream}/servers`;
  /** @type {number[][]} */
  const costs = changes.map(() => []);
  for (let turn = 0; turn < count; turn += 1) {
    for (const [index, { run }] of changes.entries()) {
      await run(api, servers, spare);
      await atRest(worker);
      const before = schedule(worker).cpu;
      await traffic.expect(200, "GET", "/");
      await atRest(worker);
      costs[index].push(schedule(worker).cpu - before);
    }
  }
  return costs;
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Makes the same changes to the served upstream and to the other one. A worker does nothing for the other
 * one, so the difference is the cost of following a change. Garbage collection is included, because it
 * happens within the batch.
 * @param {Pair} pair
 * @param {Method} method
 * @param {string} spare
 * @param {{ batches: number, changes: number }} options
 * @returns {Promise<ChangeRow[]>}
 */
async function measureMethod(pair, { name }, spare, options) {
  const changes = { [SERVED]: newChanges(), [UNSERVED]: newChanges() };
  const batch = (/** @type {string} */ upstream) =>
    runBatch(pair, changes[upstream], upstream, spare, options.changes);
  // Opens a connection to every server and lets LuaJIT compile.
  for (let server = 0; server < 2 * SERVERS; server += 1) await pair.traffic.expect(200, "GET", "/");
  await batch(SERVED);
  const batches = [];
  for (let round = 0; round < options.batches; round += 1) {
    batches.push({ unserved: await batch(UNSERVED), served: await batch(SERVED) });
  }
  return changes[SERVED].map(({ label }, index) => {
    const request = median(batches.map(({ unserved }) => mean(unserved[index])));
    const costs = batches.map(({ served, unserved }) => mean(served[index]) - mean(unserved[index]));
    const worst = Math.max(...batches.flatMap(({ served }) => served[index])) - request;
    return { label, method: name, cost: summarize(costs), worst, request };
  });
}

/**
 * Measures the cost of one change among many servers for a worker that follows it. Another worker writes the
 * change.
 * @param {{ batches: number, changes: number }} options
 * @returns {Promise<ChangeRow[]>}
 */
export async function measureChanges(options) {
  const backend = await startBackend(SERVERS + 1);
  const spare = backend.addresses[SERVERS];
  const servers = backend.addresses
    .slice(0, SERVERS)
    .map((server, index) => ({ server, weight: weightOf(index) }));
  const rows = [];
  for (const method of measured) {
    console.error(`changes: ${method.name}`);
    const upstream = { ...method.config, servers };
    const configuration = (/** @type {Place} */ place) =>
      configurations.sluice(
        { ...place, sharedDict: "32m", workers: 2 },
        { [SERVED]: upstream, [UNSERVED]: upstream },
      );
    const gateway = await newGateway("nginx", configuration, backend.addresses, 2 * SERVERS);
    gateway.launch();
    await waitUntilServing(gateway.place.port);
    const pair = await openPair(gateway.place);
    rows.push(...(await measureMethod(pair, method, spare, options)));
    pair.api.close();
    pair.traffic.close();
    gateway.checkLog();
    await gateway.stop();
  }
  await backend.stop();
  return rows;
}
