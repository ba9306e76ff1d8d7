/**
 * Real servers for a plan, in a process of their own: each has slots and a queue in the order of arrival, and
 * waits instead of computing, so that servers do not slow each other down.
 */
import { once } from "node:events";
import { createServer } from "node:http";

/** @typedef {Omit<import("./plan.mjs").Plan, "requests">} Plan */

/**
 * @typedef {object} Server
 * @property {number} slots
 * @property {number} speed
 * @property {number} noise the present factor of the speed
 * @property {number} busy
 * @property {(() => void)[]} queue
 */

/** The header with which the gateway passes on the work of a request, in seconds at speed 1. */
const WORK = "x-work";

/**
 * Starts a service. The timer of Node rounds down to milliseconds, so the time is rounded up; with the delay
 * of the timer itself, a service takes about 1 ms more, as in the model.
 * @param {Server} server @param {number} work @param {() => void} answer
 */
function begin(server, work, answer) {
  server.busy += 1;
  const time = (work / (server.speed * server.noise)) * 1000;
  setTimeout(() => {
    server.busy -= 1;
    answer();
    server.queue.shift()?.();
  }, Math.ceil(time));
}

/** @param {Server} server */
async function listen(server) {
  const http = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const answer = () => {
      response.setHeader("x-in-flight", server.busy + server.queue.length);
      response.end("ok");
    };
    const serve = () => begin(server, Number(request.headers[WORK] ?? 0), answer);
    if (server.busy < server.slots) serve();
    else server.queue.push(serve);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return /** @type {import("node:net").AddressInfo} */ (http.address()).port;
}

/** @param {Plan} plan */
async function serve({ servers, noise }) {
  const fleet = servers.map(({ slots, speed }) => ({ slots, speed, noise: 1, busy: 0, queue: [] }));
  process.on("message", (start) => {
    for (const { time, index, factor } of noise) {
      const set = () => (fleet[index].noise = factor);
      const delay = Number(start) + time * 1000 - Date.now();
      if (time === 0) set();
      else setTimeout(set, delay);
    }
  });
  process.send?.(await Promise.all(fleet.map(listen)));
}

process.once("disconnect", () => process.exit());
process.once("message", (plan) => serve(/** @type {Plan} */ (plan)));
