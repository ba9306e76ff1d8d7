import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openClient } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newFolder, newGateway } from "./gateway.mjs";
import { median, quantile, summarize } from "./statistics.mjs";
import { upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * Writes that the disk must hold before they are acknowledged.
 *
 * @typedef {object} DurableRow
 * @property {number} wait milliseconds that each sync takes at least; 0: as long as the disk needs
 * @property {number} workers
 * @property {number} writers each has one write under way
 * @property {Summary} rate writes in a second, of the rounds
 * @property {number} p50 milliseconds until the answer
 * @property {number} p99
 * @property {Summary} ratio rate divided by that of one writer in the same round
 */

const WRITERS = [1, 8, 64];
const WORKERS = [1, 2];
/** A disk of this machine may be much faster than that of a cloud. */
const WAITS = [0, 5];
const SYNCS = 200;
/** The size of the lines that a write appends, in bytes. */
const LINE_BYTES = 400;

/** Returns how long the disk needs to hold a line, in milliseconds: the median. */
export function syncTime() {
  const file = openSync(join(newFolder(), "file"), "w");
  const line = Buffer.alloc(LINE_BYTES, "x");
  const times = Array.from({ length: SYNCS }, () => {
    const began = performance.now();
    writeSync(file, line);
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  return median(times);
}

/**
 * Changes weights, each writer those of its own upstream.
 * @param {Gateway} gateway
 * @param {number} writers
 * @param {number} seconds
 */
async function runRound({ place: { apiPort } }, writers, seconds) {
  const clients = await Promise.all(Array.from({ length: writers }, () => openClient(apiPort)));
  /** @type {number[]} */
  const times = [];
  const began = performance.now();
  const end = began + seconds * 1000;
  await Promise.all(
    clients.map(async (client, index) => {
      const path = `/api/9/http/upstreams/${upstreamName(index)}/servers/0`;
      for (let weight = 1, now = began; now < end; weight = 3 - weight) {
        await client.expect(200, "PATCH", path, { weight });
        const done = performance.now();
        times.push(done - now);
        now = done;
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  for (const client of clients) client.close();
  return { rate: times.length / elapsed, times };
}

/**
 * Returns Lua code that makes each asynchronous sync end no earlier than after `wait` milliseconds, as on a
 * slower disk.
 * @param {number} wait
 */
const slowSyncs = (wait) => `
    local aio = require("resty.sluice.store.disk.aio")
    local now = require("resty.sluice.lib.clock").kernel_now
    local begin, outcome, ends = aio.begin_sync, aio.end_of_sync, {}
    aio.begin_sync = function(fd)
      local id = begin(fd)
      if id ~= nil then ends[id] = now() + ${wait / 1000} end
      return id
    end
    aio.end_of_sync = function(id, may_wait)
      if now() < ends[id] then return nil end
      local code = outcome(id, may_wait)
      if code ~= nil then ends[id] = nil end
      return code
    end`;

/**
 * @param {number} wait
 * @param {number} workers
 * @param {number} rounds
 * @param {number} seconds
 * @returns {Promise<DurableRow[]>}
 */
async function measureWorkers(wait, workers, rounds, seconds) {
  console.error(`durable writes: ${workers} worker${workers > 1 ? "s" : ""}, ${wait} ms`);
  const configuration = (/** @type {import("./configurations.mjs").Place} */ place) => {
    const text = configurations.sluice(
      { ...place, workers, sharedDict: "16m", options: { fsync: true } },
      {},
    );
    const start = "init_by_lua_block {";
    return wait > 0 ? text.replace(start, () => start + slowSyncs(wait)) : text;
  };
  const gateway = await newGateway("nginx", configuration, [], 1);
  gateway.launch();
  const api = await openClient(gateway.place.apiPort);
  for (let index = 0; index < Math.max(...WRITERS); index += 1) {
    const path = `/api/sluice/1/upstreams/${upstreamName(index)}`;
    await api.expect(201, "PUT", path, { servers: [{ server: "127.0.0.1:9", weight: 3 }] });
  }
  api.close();
  await runRound(gateway, Math.max(...WRITERS), seconds);
  const all = WRITERS.map((writers) => ({ writers, done: /** @type {any[]} */ ([]) }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { writers, done } of all) done.push(await runRound(gateway, writers, seconds));
  }
  gateway.checkLog();
  await gateway.stop();
  return all.map(({ writers, done }) => {
    const times = done.flatMap((one) => one.times);
    const rates = done.map(({ rate }) => rate);
    return {
      wait,
      workers,
      writers,
      rate: summarize(rates),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      ratio: summarize(rates.map((rate, round) => rate / all[0].done[round].rate)),
    };
  });
}

/** @param {{ rounds: number, seconds: number }} options */
export async function measureDurable({ rounds, seconds }) {
  const sync = syncTime();
  const rows = [];
  for (const wait of WAITS) {
    for (const workers of WORKERS) rows.push(...(await measureWorkers(wait, workers, rounds, seconds)));
  }
  return { sync, rows };
}
