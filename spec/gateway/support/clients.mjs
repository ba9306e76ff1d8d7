/** Clients with a kept connection each, so that it is known which worker serves them; and such as leave. */
import { Agent, request } from "node:http";
import { Api } from "./api.mjs";
import { atEnd } from "./cleanup.mjs";

/**
 * Connects clients, and asks once by each.
 * @param {import("node:test").TestContext} context
 * @param {number} port whose `listen` has `reuseport`: else one worker may get nearly all
 * @param {number} [count] all at one of four workers: once in 4^(count - 1) runs
 * @returns {Promise<[worker: string, clients: Api[]][]>} by the worker's pid, the one with most clients first
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
 * Begins a request whose client can leave.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 * @param {string} [path]
 */
export function begin(context, port, path = "/") {
  const agent = new Agent();
  const sent = request({ host: "127.0.0.1", port, path, agent });
  /** The status, and who answered; 0: there was no answer. @type {Promise<{ status: number, by: unknown }>} */
  const answer = new Promise((resolve) => {
    sent.on("error", () => resolve({ status: 0, by: undefined }));
    sent.on("response", (response) => {
      const { statusCode: status = 0, headers } = response.resume();
      response.on("close", () => resolve({ status, by: headers["x-backend"] }));
    });
  });
  sent.end();
  const leave = () => agent.destroy();
  atEnd(context, leave);
  return { answer, leave };
}
