import { openClient } from "./client.mjs";
import { schedule } from "./processes.mjs";
import { quantile, ratios, shuffled, summarize } from "./statistics.mjs";
import { upstreamName } from "./stored.mjs";

/** @typedef {import("./client.mjs").Client} Client */
/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */
/** @typedef {{ gateway: Gateway, upstreams: number }} Stored a gateway and how many upstreams it stores */
/** @typedef {(client: Client, upstream: string) => Promise<void>} Write */

/**
 * The cost of one kind of write in one gateway.
 *
 * @typedef {object} WriteRow
 * @property {string} label
 * @property {number} upstreams
 * @property {Summary} elapsed microseconds until the answer, medians of the batches
 * @property {number} slowest the 99th percentile of all writes, in microseconds
 * @property {Summary} cpu CPU time of the worker in microseconds, means of the batches
 * @property {Summary} elapsedRatio ratio to the first gateway, batch by batch
 * @property {Summary} cpuRatio
 */

const SERVERS = "/api/9/http/upstreams";
/** LuaJIT has compiled the path of a write after this number. Before, a write takes about twice as long. */
const WARM_UP_WRITES = 3000;

let turn = 0;

/** Returns a weight that differs from the last one and has three digits. */
function newWeight() {
  turn = (turn + 1) % 900;
  return 100 + turn;
}

/** @type {Record<string, Write>} */
const writes = {
  "PATCH weight": async (client, upstream) => {
    await client.expect(200, "PATCH", `${SERVERS}/${upstream}/servers/0`, { weight: newWeight() });
  },
  "POST and DELETE": async (client, upstream) => {
    const { body } = await client.expect(201, "POST", `${SERVERS}/${upstream}/servers`, {
      server: "127.9.9.9:9",
    });
    await client.expect(200, "DELETE", `${SERVERS}/${upstream}/servers/${JSON.parse(body).id}`);
  },
};

/** @typedef {{ times: number[], cpu: number }} Batch */

/**
 * Writes to random upstreams.
 * @param {Stored} stored
 * @param {Write} write
 * @param {number} count
 * @returns {Promise<Batch>}
 */
async function runBatch({ gateway, upstreams }, write, count) {
  const client = await openClient(gateway.place.apiPort);
  const times = [];
  const before = schedule(gateway.pid).cpu;
  while (times.length < count) {
    const upstream = upstreamName(Math.floor(Math.random() * upstreams));
    const started = performance.now();
    await write(client, upstream);
    times.push((performance.now() - started) * 1000);
  }
  const cpu = (schedule(gateway.pid).cpu - before) / count;
  client.close();
  return { times, cpu };
}

/**
 * Measures a write in gateways that store different numbers of upstreams. The others are compared with the
 * first.
 * @param {Stored[]} gateways
 * @param {{ batches: number, batchSize: number }} options
 * @returns {Promise<WriteRow[]>}
 */
export async function measureWrites(gateways, { batches, batchSize }) {
  const rows = [];
  for (const [label, write] of Object.entries(writes)) {
    console.error(`writes: ${label}`);
    /** @type {Map<Stored, Batch[]>} */
    const done = new Map(gateways.map((stored) => [stored, []]));
    for (const stored of gateways) await runBatch(stored, write, WARM_UP_WRITES);
    for (let batch = 0; batch < batches; batch += 1) {
      for (const [stored, results] of shuffled([...done]))
        results.push(await runBatch(stored, write, batchSize));
    }
    const measured = [...done].map(([{ upstreams }, results]) => ({
      upstreams,
      elapsed: results.map(({ times }) => quantile(times, 0.5)),
      slowest: quantile(
        results.flatMap(({ times }) => times),
        0.99,
      ),
      cpu: results.map(({ cpu }) => cpu),
    }));
    for (const { upstreams, elapsed, slowest, cpu } of measured) {
      rows.push({
        label,
        upstreams,
        elapsed: summarize(elapsed),
        slowest,
        cpu: summarize(cpu),
        elapsedRatio: ratios(elapsed, measured[0].elapsed),
        cpuRatio: ratios(cpu, measured[0].cpu),
      });
    }
  }
  return rows;
}
