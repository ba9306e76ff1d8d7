/**
 * Clients with one kept-alive connection each, so that their worker is known, and clients that close their
 * connection.
 */
import { Agent, request } from "node:http";
import { Api } from "./api.mjs";
import { atEnd } from "./cleanup.mjs";

/**
 * Connects clients, each of which sends one request.
 * @param {import("node:test").TestContext} context
 * @param {number} port whose `listen` has `reuseport`; otherwise one worker may accept nearly all connections
 * @param {number} [count] the probability that all are at one of four workers is 4^(1 - count)
 * @returns {Promise<[worker: string, clients: Api[]][]>} by the worker's pid, the worker with most clients
 *   first
 */
export async function clientsByWorker(context, port, count = 48) {
  /** @type {Map<string, Api[]>} */
  const clients = new Map();
  for (let number = 0; number < count; number += 1) {
    const client = new Api({ port, keepAlive: true });
    atEnd(context, () => client.close());
    const worker = String((await client.get("/")).headers["x-worker"]);
    clients.set(worker, [...(clients.get(worker) ?? []), client]);
  }
  return [...clients].toSorted(([, a], [, b]) => b.length - a.length);
}

/**
 * @typedef {object} Ending
 * @property {number} status 0: there was no answer
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {unknown} by the application server that answered
 * @property {number} at the time of the end, by `performance.now()`
 */

/**
 * Begins a request whose client can close its connection.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 * @param {string} [path]
 * @param {{ length?: number }} [options] `length`: Content-Length of a body that the test sends later
 */
export function begin(context, port, path = "/", { length } = {}) {
  const method = length === undefined ? "GET" : "POST";
  const headers = length === undefined ? {} : { "Content-Length": String(length) };
  const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: new Agent() });
  /** @type {Promise<Ending>} */
  const ending = new Promise((resolve) => {
    const end = (status = 0, headers = {}) =>
      resolve({ status, headers, by: headers["x-backend"], at: performance.now() });
    sent.on("error", () => end());
    sent.on("response", (response) => {
      response.resume().on("close", () => end(response.statusCode, response.headers));
    });
  });
  if (length === undefined) sent.end();
  else sent.flushHeaders();
  const leave = () => sent.destroy();
  atEnd(context, leave);
  return { ending, leave, send: (/** @type {string} */ body) => sent.end(body) };
}
