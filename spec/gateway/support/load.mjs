/** Clients that send requests continuously and count the answers. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { atEnd } from "./cleanup.mjs";
import { waitFor } from "./wait.mjs";

/**
 * @typedef {object} Options
 * @property {number} port of the gateway
 * @property {number} [connections]
 * @property {boolean} [keepAlive] false: every request has its own connection
 * @property {string | ((number: number) => string)} [path] one path, or a function that returns the path of a
 *   request by its number
 * @property {number} [total] the number of requests after which the clients stop
 * @property {number} [pause] milliseconds between an answer and the connection's next request; absent: the
 *   clients do not pause, and use all available CPU time
 */

/** @param {Map<string, number>} map @param {string} key */
function count(map, key) {
  map.set(key, (map.get(key) ?? 0) + 1);
}

class Connection {
  /** Start of the last answered request. */
  answered = 0;

  /** @param {Load} load @param {Options} options */
  constructor(load, { port, keepAlive = true, path = "/" }) {
    this.load = load;
    this.target = { host: "127.0.0.1", port };
    this.pathOf = typeof path === "string" ? () => path : path;
    this.agent = new Agent({ keepAlive, maxSockets: 1 });
  }

  /** Sends one request. @param {number} number @returns {Promise<void>} */
  ask(number) {
    const started = performance.now();
    const path = this.pathOf(number);
    return new Promise((resolve) => {
      /** @param {string} problem */
      const fail = (problem) => {
        count(this.load.errors, problem);
        resolve();
      };
      const headers = { "X-Started": String(started) };
      const sent = request({ ...this.target, path, agent: this.agent, headers }, (response) => {
        response.resume();
        response.on("error", (cause) => fail(`answer cut off: ${cause.code}`));
        response.on("end", () => {
          this.load.answers += 1;
          count(this.load.workers, String(response.headers["x-worker"]));
          count(this.load.backends, String(response.headers["x-backend"]));
          if (response.statusCode !== 200) count(this.load.errors, `status ${response.statusCode}`);
          this.answered = started;
          resolve();
        });
      });
      sent.on("error", (cause) => fail(String(cause.code))).end();
    });
  }
}

export class Load {
  /** Number of started requests. */
  begun = 0;
  /** Number of answers with any status. */
  answers = 0;
  /** Number of occurrences of each error. @type {Map<string, number>} */
  errors = new Map();
  /** Numbers of answers by worker, and by application server. @type {Map<string, number>} */
  workers = new Map();
  /** @type {Map<string, number>} */
  backends = new Map();
  #stopping = false;

  /** @param {Options} options */
  constructor(options) {
    const total = options.total ?? Infinity;
    this.connections = Array.from({ length: options.connections ?? 32 }, () => new Connection(this, options));
    this.finished = Promise.all(this.connections.map((connection) => this.#run(connection, total, options)));
  }

  /** @param {Connection} connection @param {number} total @param {Options} options */
  async #run(connection, total, { pause = 0 }) {
    while (!this.#stopping && this.begun < total) {
      this.begun += 1;
      await connection.ask(this.begun);
      if (pause > 0) await sleep(pause);
    }
    connection.agent.destroy();
  }

  /**
   * Waits until each connection has an answer to a request that it began after this call. All earlier
   * requests have ended then.
   */
  async round() {
    const from = performance.now();
    await waitFor("every connection gets an answer", () =>
      this.connections.every(({ answered }) => answered > from),
    );
  }

  /** Stops, and waits for requests in flight. */
  async stop() {
    this.#stopping = true;
    await this.finished;
  }
}

/**
 * @param {import("node:test").TestContext} context
 * @param {Options} options
 */
export function startLoad(context, options) {
  const load = new Load(options);
  atEnd(context, () => load.stop());
  return load;
}

/**
 * Sends one request on a new connection.
 * @param {number} port
 * @param {string} [path]
 * @param {{ method?: string, headers?: Record<string, string>, body?: string }} [options]
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, text: string }>}
 */
export function ask(port, path = "/", { method = "GET", headers = {}, body } = {}) {
  const started = { "X-Started": String(performance.now()) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, agent: false };
    const sent = request({ ...options, headers: { ...started, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => (text += piece));
      response.on("error", reject).on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on("error", reject).end(body);
  });
}

/**
 * Sends a request for each path, ten at a time, each on a new connection.
 * @param {number} port
 * @param {string[]} paths
 * @returns {Promise<number[]>} the statuses, unordered
 */
export async function askAll(port, paths) {
  const rest = [...paths];
  const statuses = [];
  const client = async () => {
    for (let path = rest.pop(); path !== undefined; path = rest.pop()) {
      statuses.push((await ask(port, path)).status);
    }
  };
  await Promise.all(Array.from({ length: 10 }, client));
  return statuses;
}
