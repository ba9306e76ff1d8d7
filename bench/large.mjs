import { once } from "node:events";
import { request } from "node:http";
import { openClient } from "./client.mjs";
import { atRest, schedule } from "./processes.mjs";
import { summarize } from "./statistics.mjs";
import { newStoringGateway } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */
/** @typedef {import("./statistics.mjs").Summary} Summary */

/**
 * What a request for one upstream with many servers costs.
 *
 * @typedef {object} LargeRow
 * @property {string} label
 * @property {Summary} cpu CPU time of the worker in milliseconds
 * @property {Summary} elapsed milliseconds until the end of the answer
 * @property {Summary} longest time of another request of the same worker meanwhile, in milliseconds
 * @property {Summary} waited milliseconds for which the worker waited for its processor
 */

const SERVERS = 20_000;
const MS = 1000;
const PATH = "/api/sluice/1/upstreams/large";
const OTHER = "/api/sluice/1/upstreams/other";

/** @param {number} weight */
function bodyOf(weight) {
  const servers = Array.from({ length: SERVERS }, (_, index) => ({
    server: `10.0.${index >> 8}.${index & 255}:8080`,
    weight,
  }));
  return JSON.stringify({ servers });
}

/** @param {Gateway} gateway @param {string} method @param {string} path @param {string} [body] */
async function send({ place: { apiPort } }, method, path, body) {
  const sent = request({ host: "127.0.0.1", port: apiPort, path, method, agent: false });
  sent.end(body);
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  if (response.statusCode >= 300) throw new Error(`${method} was answered with ${response.statusCode}`);
}

/** @param {Gateway} gateway @param {() => Promise<void>} work */
async function measure(gateway, work) {
  await atRest(gateway.pid);
  const client = await openClient(gateway.place.apiPort);
  let isOver = false;
  let longest = 0;
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now();
      await client.expect(200, "GET", OTHER);
      longest = Math.max(longest, performance.now() - began);
    }
  })();
  const before = schedule(gateway.pid);
  const began = performance.now();
  await work();
  const elapsed = performance.now() - began;
  isOver = true;
  await asking;
  client.close();
  const waited = (schedule(gateway.pid).waited - before.waited) / MS;
  return { elapsed, longest, waited };
}

/**
 * Returns the CPU time without other requests, in milliseconds.
 * @param {Gateway} gateway
 * @param {() => Promise<void>} work
 */
async function costOf({ pid }, work) {
  await atRest(pid);
  const { cpu } = schedule(pid);
  await work();
  const used = (schedule(pid).cpu - cpu) / MS;
  await atRest(pid);
  return used;
}

/** @param {{ rounds: number }} options @returns {Promise<LargeRow[]>} */
export async function measureLarge({ rounds }) {
  console.error("large: one upstream of 20,000 servers");
  const gateway = await newStoringGateway([]);
  gateway.launch();
  const api = await openClient(gateway.place.apiPort);
  await api.expect(201, "PUT", OTHER, { servers: [{ server: "127.0.0.1:9" }] });
  api.close();
  await gateway.findWorker();
  let weight = 1;
  await send(gateway, "PUT", PATH, bodyOf(weight));
  const works = {
    "PUT, all servers change": () => send(gateway, "PUT", PATH, bodyOf((weight = (weight % 2) + 1))),
    "PUT, nothing changes": () => send(gateway, "PUT", PATH, bodyOf(weight)),
    GET: () => send(gateway, "GET", PATH),
    "GET of the servers, NGINX Plus API": () => send(gateway, "GET", "/api/9/http/upstreams/large/servers"),
    "PATCH of a server": () =>
      send(gateway, "PATCH", "/api/9/http/upstreams/large/servers/5", `{"max_fails":${(weight += 2)}}`),
  };
  const rows = [];
  for (const [label, work] of Object.entries(works)) {
    const costs = [];
    const delays = [];
    for (let round = 0; round < rounds; round += 1) {
      costs.push(await costOf(gateway, work));
      delays.push(await measure(gateway, work));
    }
    rows.push({
      label,
      cpu: summarize(costs),
      elapsed: summarize(delays.map(({ elapsed }) => elapsed)),
      longest: summarize(delays.map(({ longest }) => longest)),
      waited: summarize(delays.map(({ waited }) => waited)),
    });
  }
  gateway.checkLog();
  await gateway.stop();
  return rows;
}
