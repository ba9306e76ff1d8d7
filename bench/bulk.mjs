import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import { startBackend } from "./gateway.mjs";
import { atRest, schedule } from "./processes.mjs";
import { quantile, summarize } from "./statistics.mjs";
import { newStoringGateway, SERVERS_PER_UPSTREAM, upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * The cost of one change of many upstreams.
 *
 * @typedef {object} BulkRow
 * @property {string} label
 * @property {Summary} cpu CPU time of the worker in milliseconds
 * @property {Summary} elapsed milliseconds until the end of the answer
 */

/**
 * The times of other requests of the same worker, each sent when the one before was answered.
 *
 * @typedef {object} DelayRow
 * @property {string} label
 * @property {number} median milliseconds
 * @property {number} p99
 * @property {Summary} longest of each round
 * @property {Summary} waited milliseconds of a round for which the worker waited for its processor
 */

const UPSTREAMS = 1000;
const CHANGES = "/api/sluice/1/changes";
const SERVED = "served";
const MS = 1000;
const SETTLING_MS = 1000;
/** Requests before the measurement, so that LuaJIT has compiled their code. */
const WARM_UP = 500;

/** Returns the body of a change. @param {(index: number) => unknown} upstream */
function bodyOf(upstream) {
  const names = Array.from({ length: UPSTREAMS }, (_, index) => [upstreamName(index), upstream(index)]);
  return JSON.stringify({ upstreams: Object.fromEntries(names) });
}

/** Returns the body that gives each server a weight. @param {number} weight */
function weighted(weight) {
  return bodyOf((index) => ({
    method: "least_conn",
    servers: Array.from({ length: SERVERS_PER_UPSTREAM }, (_, server) => ({
      server: `10.${index >> 8}.${index & 255}.${server + 1}:8080`,
      weight,
    })),
  }));
}

/** Makes a change. @param {Gateway} gateway @param {string} body */
async function post({ place: { apiPort } }, body) {
  const sent = request({ host: "127.0.0.1", port: apiPort, path: CHANGES, method: "POST", agent: false });
  sent.end(body);
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`a change was answered with ${response.statusCode}`);
}

/** @param {Gateway} gateway @param {string} body */
async function costOf(gateway, body) {
  await atRest(gateway.pid);
  const { cpu } = schedule(gateway.pid);
  const began = performance.now();
  await post(gateway, body);
  const elapsed = performance.now() - began;
  await atRest(gateway.pid);
  return { cpu: (schedule(gateway.pid).cpu - cpu) / MS, elapsed };
}

/**
 * Measures changes that follow each other: one of each kind in each round.
 * @param {Gateway} gateway
 * @param {Record<string, (round: number) => string>} bodies by label
 * @param {number} rounds
 * @returns {Promise<BulkRow[]>}
 */
async function measureCosts(gateway, bodies, rounds) {
  const costs = new Map(Object.keys(bodies).map((label) => [label, /** @type {any[]} */ ([])]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [label, body] of Object.entries(bodies)) {
      const cost = await costOf(gateway, body(round));
      // The first round is not counted: LuaJIT has compiled nothing yet.
      if (round > 0) costs.get(label)?.push(cost);
      // The journal may be compacted now.
      await sleep(SETTLING_MS);
    }
  }
  return [...costs].map(([label, all]) => ({
    label,
    cpu: summarize(all.map(({ cpu }) => cpu)),
    elapsed: summarize(all.map(({ elapsed }) => elapsed)),
  }));
}

/**
 * Sends requests one after another until `work` has ended and its effects are over. Returns their times.
 * @param {() => Promise<unknown>} send
 * @param {() => Promise<unknown>} work
 */
async function timesDuring(send, work) {
  let isOver = false;
  const times = [];
  const ended = work().then(() => (isOver = true));
  while (!isOver) {
    const began = performance.now();
    await send();
    times.push(performance.now() - began);
  }
  await ended;
  return times;
}

/**
 * @param {Gateway} gateway
 * @param {string} label
 * @param {() => Promise<unknown>} send
 * @param {(round: number) => Promise<unknown>} work
 * @param {number} rounds
 * @returns {Promise<DelayRow>}
 */
async function measureDelays(gateway, label, send, work, rounds) {
  console.error(`bulk: ${label}`);
  const all = [];
  const waited = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = schedule(gateway.pid).waited;
    all.push(await timesDuring(send, () => work(round)));
    waited.push((schedule(gateway.pid).waited - before) / MS);
    await sleep(SETTLING_MS);
  }
  const times = all.flat();
  return {
    label,
    median: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: summarize(all.map((some) => Math.max(...some))),
    waited: summarize(waited),
  };
}

/**
 * Measures what a change of 1,000 upstreams costs, and how it delays other requests of the same worker.
 * @param {{ rounds: number }} options
 */
export async function measureBulk({ rounds }) {
  const backend = await startBackend(1);
  const gateway = await newStoringGateway(backend.addresses);
  gateway.launch();
  const api = await openClient(gateway.place.apiPort);
  const path = `/api/sluice/1/upstreams/${SERVED}`;
  await api.expect(201, "PUT", path, { servers: [{ server: backend.addresses[0] }] });
  await gateway.findWorker();
  const traffic = await openClient(gateway.place.port);
  const sends = {
    "proxied request": () => traffic.expect(200, "GET", `/dynamic/?name=${SERVED}`),
    "GET of an upstream": () => api.expect(200, "GET", path),
  };
  for (const send of Object.values(sends)) for (let sent = 0; sent < WARM_UP; sent += 1) await send();
  console.error("bulk: costs");
  const costs = await measureCosts(
    gateway,
    {
      create: () => weighted(1),
      "change all servers": (round) => weighted(2 + (round % 2)),
      "change nothing": (round) => weighted(2 + (round % 2)),
      delete: () => bodyOf(() => null),
    },
    rounds,
  );
  await post(gateway, weighted(1));
  await sleep(SETTLING_MS);
  const change = async (/** @type {number} */ round) => {
    await post(gateway, weighted(2 + (round % 2)));
    await sleep(SETTLING_MS);
  };
  const alone = () => sleep(2 * SETTLING_MS);
  const delays = [];
  for (const [label, send] of Object.entries(sends)) {
    delays.push(await measureDelays(gateway, `${label}, without a change`, send, alone, rounds));
    delays.push(await measureDelays(gateway, `${label}, during a change`, send, change, rounds));
  }
  traffic.close();
  api.close();
  await gateway.stop();
  gateway.checkLog();
  await backend.stop();
  return { costs, delays };
}
