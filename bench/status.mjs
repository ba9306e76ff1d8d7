import { once } from "node:events";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import { startBackend } from "./gateway.mjs";
import { atRest, schedule } from "./processes.mjs";
import { spreadTraffic } from "./spread_traffic.mjs";
import { summarize } from "./statistics.mjs";
import { createUpstreams, newStoringGateway } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * The cost of an answer with the status of the gateway or of an upstream.
 *
 * @typedef {object} StatusRow
 * @property {string} label
 * @property {number} bytes
 * @property {Summary} cpu CPU time of the worker in milliseconds
 * @property {number} interval seconds that the answer tells its client to wait, the median
 */

const UPSTREAMS = 10_000;
const SERVERS_PER_UPSTREAM = 2;
const SERVERS_OF_LARGE = 2000;
const SOME = 100;
const ANSWERS = 7;
const MS = 1000;
const LARGE = "large";

/**
 * @param {number} port
 * @param {string} path
 */
async function ask(port, path) {
  const request = get({ host: "127.0.0.1", port, path: `/api/sluice/1/${path}`, agent: false });
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  if (response.statusCode !== 200) throw new Error(`${path} was answered with ${response.statusCode}`);
  return { bytes: Buffer.byteLength(text), ...JSON.parse(text) };
}

/**
 * Measures answers, each after `prepare`.
 * @param {Gateway} gateway
 * @param {string} label
 * @param {(before: any) => string} pathOf the path of an answer after another one
 * @param {() => Promise<void>} [prepare]
 * @returns {Promise<StatusRow>}
 */
async function measure(gateway, label, pathOf, prepare = async () => {}) {
  console.error(`status: ${label}`);
  const { apiPort } = gateway.place;
  const rows = [];
  let before = await ask(apiPort, "status");
  for (let turn = 0; turn < ANSWERS; turn += 1) {
    await prepare();
    // Summaries that were shown within the last second count as changed.
    await sleep(1500);
    await atRest(gateway.pid);
    const from = schedule(gateway.pid).cpu;
    before = await ask(apiPort, pathOf(before));
    await atRest(gateway.pid);
    // The first answer is not counted: LuaJIT has compiled nothing yet.
    if (turn > 0) rows.push({ cpu: (schedule(gateway.pid).cpu - from) / MS, ...before });
  }
  return {
    label,
    bytes: rows[0].bytes,
    cpu: summarize(rows.map(({ cpu }) => cpu)),
    interval: summarize(rows.map(({ interval }) => interval)).median,
  };
}

/** Measures the cost of the status of 10,000 upstreams, and of one upstream with many servers. */
export async function measureStatus() {
  const backend = await startBackend(SERVERS_OF_LARGE);
  const gateway = await newStoringGateway([]);
  gateway.launch();
  const { apiPort, port } = gateway.place;
  await createUpstreams(apiPort, UPSTREAMS, backend.addresses.slice(0, SERVERS_PER_UPSTREAM));
  await gateway.findWorker();
  const changes = (/** @type {any} */ { now }) => `status?since=${now}`;
  const rows = [
    await measure(gateway, "all, without traffic", () => "status"),
    await measure(gateway, "changes, without traffic", changes),
    await measure(
      gateway,
      "all, after traffic to all",
      () => "status",
      () => spreadTraffic(port, UPSTREAMS, UPSTREAMS),
    ),
    await measure(gateway, `changes, after traffic to ${SOME}`, changes, () =>
      spreadTraffic(port, SOME, SOME),
    ),
    await measure(gateway, "changes, without traffic again", changes),
  ];
  const client = await openClient(apiPort);
  const servers = backend.addresses.map((server) => ({ server }));
  await client.expect(201, "PUT", `/api/sluice/1/upstreams/${LARGE}`, { servers });
  client.close();
  for (let turn = 0; turn < SERVERS_OF_LARGE; turn += 1)
    await fetch(`http://127.0.0.1:${port}/dynamic/?name=${LARGE}`);
  rows.push(
    await measure(gateway, `one upstream of ${SERVERS_OF_LARGE} servers`, () => `upstreams/${LARGE}/status`),
  );
  await gateway.stop();
  gateway.checkLog();
  await backend.stop();
  return rows;
}
