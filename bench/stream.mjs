import { once } from "node:events";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import { schedule } from "./processes.mjs";
import { quantile, summarize } from "./statistics.mjs";
import { createUpstreams, newStoringGateway, upstreamName } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * The cost of clients that follow the event stream while nothing happens.
 *
 * @typedef {object} StreamRow
 * @property {number} streams
 * @property {Summary} percent CPU time of the worker in percent of one core, what it does anyway included
 */

/**
 * @typedef {object} StreamCost
 * @property {StreamRow[]} rows
 * @property {number} messages
 * @property {number} median milliseconds from the answer to a change until a client has its message
 * @property {number} p99
 * @property {number} max
 */

const COUNTS = [0, 1, 64];
const ROUNDS = 5;
const SECONDS = 2;
const MESSAGES = 300;
/** Longest pause between two changes in milliseconds, so that they fall at any moment of the poll. */
const LONGEST_PAUSE = 60;
const SETTLING_MS = 300;

/** Opens a stream. @param {number} port */
async function openStream(port) {
  const request = get({ host: "127.0.0.1", port, path: "/api/sluice/1/events/stream", agent: false });
  const [response] = await once(request, "response");
  if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`);
  response.setEncoding("utf8");
  await once(response, "data");
  return response;
}

/**
 * @param {Gateway} gateway
 * @returns {Promise<number>} percent of one core
 */
async function measureIdle({ pid }) {
  const before = schedule(pid).cpu;
  await sleep(SECONDS * 1000);
  return (schedule(pid).cpu - before) / 1e4 / SECONDS;
}

/**
 * Measures the time until a client has the message about a change, for many changes.
 * @param {Gateway} gateway
 * @param {import("node:http").IncomingMessage} stream of the client
 * @returns {Promise<number[]>} milliseconds
 */
async function measureLatency({ place: { apiPort } }, stream) {
  const client = await openClient(apiPort);
  const times = [];
  for (let number = 0; number < MESSAGES; number += 1) {
    await sleep(Math.random() * LONGEST_PAUSE);
    const arrival = once(stream, "data").then(() => performance.now());
    const path = `/api/9/http/upstreams/${upstreamName(0)}/servers/0`;
    await client.expect(200, "PATCH", path, { weight: 2 + (number % 2) });
    const answered = performance.now();
    times.push(Math.max(0, (await arrival) - answered));
  }
  client.close();
  return times;
}

/** Measures the event stream. @returns {Promise<StreamCost>} */
export async function measureStreams() {
  console.error("stream");
  const gateway = await newStoringGateway([]);
  gateway.launch();
  const { apiPort } = gateway.place;
  await createUpstreams(apiPort, 10, ["127.0.0.1:9"]);
  await gateway.findWorker();
  const rows = [];
  const open = [];
  for (const streams of COUNTS) {
    while (open.length < streams) open.push(await openStream(apiPort));
    await sleep(SETTLING_MS);
    const percents = [];
    while (percents.length < ROUNDS) percents.push(await measureIdle(gateway));
    rows.push({ streams, percent: summarize(percents) });
  }
  const times = await measureLatency(gateway, open[0]);
  for (const stream of open) stream.destroy();
  await gateway.stop();
  gateway.checkLog();
  return {
    rows,
    messages: times.length,
    median: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: Math.max(...times),
  };
}
