import { readFileSync } from "node:fs";
import { openClient } from "./client.mjs";
import { SERVERS_PER_UPSTREAM, trafficPath } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * Of one worker, in bytes.
 *
 * @typedef {object} Memory
 * @property {number} stored how many upstreams there are
 * @property {number} served to how many of them it has sent requests since it started
 * @property {number} rss
 * @property {number} pss
 * @property {number} luaHeap after a full collection
 * @property {number} counters pages that it has touched of the memory which all workers share, the dict left out
 */

/**
 * @param {number} pid
 * @param {string} field
 */
function rollup(pid, field) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
}

/**
 * The largest mapping that is shared and has no file: the counters, which are mapped for as many servers as could ever
 * fit, and take memory page by page as they are used.
 * @param {number} pid
 */
function counters(pid) {
  const text = readFileSync(`/proc/${pid}/smaps`, "utf8");
  const sizes = [...text.matchAll(/\/dev\/zero \(deleted\)\nSize: +(\d+) kB[^]*?\nRss: +(\d+) kB/g)];
  const [largest] = sizes.sort((one, other) => Number(other[1]) - Number(one[1]));
  return Number(largest[2]) * 1024;
}

/**
 * @param {Gateway} gateway
 * @returns {Promise<{ dictUsed: number, luaHeap: number }>}
 */
async function inside(gateway) {
  const client = await openClient(gateway.place.apiPort);
  const { body } = await client.expect(200, "GET", "/memory");
  client.close();
  const told = JSON.parse(body);
  return { dictUsed: told.dict_used, luaHeap: told.lua_heap };
}

/**
 * What the shared dict holds.
 * @param {Gateway} gateway
 */
export async function dictUsed(gateway) {
  return (await inside(gateway)).dictUsed;
}

/**
 * Sends a request to every server of the first upstreams.
 * @param {Gateway} gateway
 * @param {number} upstreams
 */
async function serve(gateway, upstreams) {
  const client = await openClient(gateway.place.port);
  for (let upstream = 0; upstream < upstreams; upstream += 1) {
    for (let server = 0; server < SERVERS_PER_UPSTREAM; server += 1) {
      await client.expect(200, "GET", trafficPath(upstream));
    }
  }
  client.close();
}

/**
 * How a worker's memory grows with the upstreams that it serves, from a new start on.
 * @param {import("./writes.mjs").Stored} stored
 * @param {number[]} steps how many upstreams to serve before each reading
 */
export async function measureMemory({ gateway, upstreams }, steps) {
  await gateway.stop();
  gateway.launch();
  await gateway.findWorker();
  /** @type {Memory[]} */
  const readings = [];
  for (const served of steps) {
    await serve(gateway, served);
    const { luaHeap } = await inside(gateway);
    const { pid } = gateway;
    const sizes = { rss: rollup(pid, "Rss"), pss: rollup(pid, "Pss"), luaHeap, counters: counters(pid) };
    readings.push({ stored: upstreams, served, ...sizes });
  }
  return readings;
}
