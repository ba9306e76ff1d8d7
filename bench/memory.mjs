import { readFileSync } from "node:fs";
import { openClient } from "./client.mjs";
import { SERVERS_PER_UPSTREAM, trafficPath } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * The memory of one worker, in bytes.
 *
 * @typedef {object} Memory
 * @property {number} stored number of upstreams in the store
 * @property {number} served number of upstreams that the worker has served since it started
 * @property {number} rss
 * @property {number} pss
 * @property {number} luaHeap after a full garbage collection
 * @property {number} counters touched pages of the mapped memory, without the shared dict
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
 * Returns the touched size of the largest anonymous shared mapping. That is the mapped memory: it has room
 * for as many servers as fit into the dict, and a page takes memory when it is first touched.
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
 * Returns the number of used bytes of the shared dict.
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
 * Measures how a worker's memory grows with the number of upstreams that it serves, after a new start.
 * @param {import("./writes.mjs").Stored} stored
 * @param {number[]} steps number of upstreams to serve before each reading
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
