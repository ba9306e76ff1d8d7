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
 * What it costs a worker to follow one change.
 *
 * @typedef {object} ChangeRow
 * @property {string} label
 * @property {string} method
 * @property {Summary} cost microseconds of the worker for a change, means of the batches
 * @property {number} worst microseconds, the most that one change has cost
 * @property {number} request microseconds for a request when nothing has changed for this worker
 */

export const SERVERS = 1000;
/** The upstream that the worker serves, and one that is its like but has no requests. */
const SERVED = "app";
const UNSERVED = "other";
const HEAVIEST = 10;
/** Both workers have had connections by then, unless the kernel is not fair at all. */
const MOST_CONNECTIONS = 100;

/** @type {Method[]} */
const measured = [
  methods.roundRobin,
  methods.leastConn,
  methods.random,
  methods.hashConsistent("$connection_requests"),
  methods.ipHash,
];

/** A whole number from 0 up to, not including, `end`. @param {number} end */
function draw(end) {
  return Math.floor(Math.random() * end);
}

/** @typedef {{ label: string, run: (api: Client, servers: string, spare: string) => Promise<void> }} Change */

/** @param {number} index */
function weightOf(index) {
  return 1 + (index % HEAVIEST);
}

/**
 * The changes of one upstream, in this order: what is added is deleted.
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
        // Any but the one that it has.
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
 * A connection for changes to one worker, and one for requests to the other: what the write itself costs is not in the
 * latter's time.
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
 * What the first request after each change costs.
 * @param {Pair} pair
 * @param {Change[]} changes
 * @param {string} upstream that is changed
 * @param {string} spare the address to add
 * @param {number} count
 * @returns {Promise<number[][]>} microseconds, of each change
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
 * Changes of the upstream that is served, and beside them the same of the one that is not: a worker does nothing for
 * those, so that the difference is what following takes. Garbage that it leaves is paid for within the batch.
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
  // A connection to every server, and LuaJIT's compiled code.
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
 * What one change among many servers costs a worker that follows it, another one having written it.
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
