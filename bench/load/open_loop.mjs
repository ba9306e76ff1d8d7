import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * An open loop: requests leave at planned times, whether earlier ones have been answered or not. Latencies
 * count from the planned time, so a late client makes them longer and does not hide anything.
 */

/**
 * Times in milliseconds.
 *
 * @typedef {object} Sent
 * @property {number} time the planned time, in seconds from the start
 * @property {number} delay of the client
 * @property {number} latency
 * @property {number} status 0: no answer
 */

/** @param {number} port @param {Agent} agent @param {number} work @returns {Promise<number>} the status */
function get(port, agent, work) {
  return new Promise((resolve) => {
    const sent = request(
      { port, host: "127.0.0.1", agent, headers: { "x-work": work.toFixed(6) } },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve(0));
      },
    );
    sent.on("error", () => resolve(0));
    sent.end();
  });
}

/**
 * Sends the requests of a plan, and waits for all answers.
 * @param {number} port of the gateway
 * @param {import("./plan.mjs").Plan["requests"]} requests
 * @param {number} start the time of the start, as `Date.now()` has it
 * @returns {Promise<Sent[]>}
 */
export async function sendRequests(port, requests, start) {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity });
  const origin = start - performance.timeOrigin;
  /** @type {Promise<Sent>[]} */
  const answers = [];
  for (const { time, work } of requests) {
    const planned = origin + time * 1000;
    while (performance.now() < planned) await sleep(planned - performance.now());
    const delay = performance.now() - planned;
    answers.push(
      get(port, agent, work).then((status) => ({
        ...{ time, delay, status },
        latency: performance.now() - planned,
      })),
    );
  }
  const all = await Promise.all(answers);
  agent.destroy();
  return all;
}
