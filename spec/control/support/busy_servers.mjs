/**
 * Application servers with real work and limited capacity, which report their load in one of several ways.
 * They run in a separate process.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMain } from "../../../scripts/command.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { nodeOf } from "../../gateway/support/nodes.mjs";
import { forgetGroup, isRunning, signal, startGroup } from "../../gateway/support/processes.mjs";
import { sluice } from "../../gateway/support/upstreams.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/**
 * @typedef {object} Wanted
 * @property {string} upstream
 * @property {string} door
 * @property {number} [id] of the server, for `push`
 * @property {string} host
 * @property {number} port
 * @property {number} agentPort
 * @property {number} capacity requests per second
 */

/** The number of simultaneous requests that do not wait. */
const BURST = 4;
/** Upper bound on the wait of a request, in seconds. Further requests are refused. */
const LONGEST_QUEUE = 3;
/**
 * The cost of a request in addition to its wait: the input of a hash, and the time of a database query in
 * milliseconds.
 */
const WORK = Buffer.alloc(32 * 1024, "work");
const DATABASE = 25;
const REPORT_EVERY = 200;

class BusyServer {
  #tokens = BURST;
  #filled = performance.now();
  /** @type {(() => void)[]} */
  #queue = [];
  /** Times at which requests of the last second ended. @type {number[]} */
  #done = [];

  /** @param {Wanted} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    this.address = `${wanted.host}:${wanted.port}`;
    this.server = createServer((request, response) => this.#answer(request, response));
    this.server.keepAliveTimeout = 600_000;
  }

  /** Returns the load of the last second. */
  load() {
    const since = performance.now() - 1000;
    while (this.#done[0] < since) this.#done.shift();
    const rps = this.#done.length;
    return { utilization: Math.min(1, rps / this.wanted.capacity), rps };
  }

  /** Lets as many waiting requests continue as there are tokens. */
  #next() {
    const now = performance.now();
    const { capacity } = this.wanted;
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filled) / 1000) * capacity);
    this.#filled = now;
    while (this.#tokens >= 1 && this.#queue.length > 0) {
      this.#tokens -= 1;
      this.#queue.shift()?.();
    }
    if (this.#queue.length > 0) setTimeout(() => this.#next(), ((1 - this.#tokens) / capacity) * 1000);
  }

  /** @returns {Promise<void>} */
  #turn() {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      if (this.#queue.length === 1) this.#next();
    });
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    if (request.url === "/health") {
      response.end(JSON.stringify({ status: "ok", load: this.load() }));
      return;
    }
    response.setHeader("X-Backend", this.address);
    if (this.#queue.length >= this.wanted.capacity * LONGEST_QUEUE) {
      response.writeHead(503).end();
      return;
    }
    await this.#turn();
    createHash("sha256").update(WORK).digest("hex");
    await sleep(DATABASE);
    this.#done.push(performance.now());
    if (this.wanted.door === "header") {
      const { utilization, rps } = this.load();
      const metrics = `TEXT application_utilization=${utilization.toFixed(3)},rps_fractional=${rps}`;
      response.setHeader("endpoint-load-metrics", metrics);
    }
    response.end("done");
  }

  /** Starts the reports that are not part of answers. @param {Api} api */
  async open(api) {
    const { host, port, door, agentPort, upstream, id } = this.wanted;
    await new Promise((resolve) => this.server.listen(port, host, () => resolve(undefined)));
    if (door === "agent") {
      const answer = (/** @type {import("node:net").Socket} */ socket) => {
        const free = Math.round((1 - this.load().utilization) * 100);
        socket.on("error", () => {}).end(`up ${free}%\n`);
      };
      await new Promise((resolve) =>
        createListener(answer).listen(agentPort, host, () => resolve(undefined)),
      );
    }
    const registration = { server: this.address, ttl: "60s" };
    const node = nodeOf(host, upstream);
    if (door === "node") await api.expect(201, "PUT", node, registration);
    /** @type {Record<string, () => Promise<unknown>>} */
    const senders = {
      push: () => api.post(`${sluice(upstream)}/servers/${id}/report`, this.load()),
      node: () => api.post(`${node}/report`, this.load()),
      renewal: () => api.put(node, { ...registration, report: this.load() }),
    };
    // The gateway may have ended already.
    if (senders[door] !== undefined) setInterval(() => senders[door]().catch(() => {}), REPORT_EVERY);
  }
}

if (isMain(import.meta.url)) {
  /** @type {{ apiPort: number, servers: Wanted[] }} */
  const { apiPort, servers } = JSON.parse(process.argv[2]);
  const api = new Api({ port: apiPort });
  for (const wanted of servers) await new BusyServer(wanted).open(api);
  console.error("ready");
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(), 1000);
}

/**
 * Starts busy servers, which end with the test. The gateway that receives their reports must run.
 * @param {import("node:test").TestContext} context
 * @param {number} apiPort
 * @param {Wanted[]} servers
 */
export async function startBusyServers(context, apiPort, servers) {
  const child = startGroup(process.execPath, [
    fileURLToPath(import.meta.url),
    JSON.stringify({ apiPort, servers }),
  ]);
  const pid = Number(child.pid);
  let text = "";
  atEnd(context, async () => {
    const wasRunning = isRunning(pid);
    signal(-pid, "SIGKILL");
    await waitFor("the servers have ended", () => !isRunning(pid));
    forgetGroup(pid);
    if (!wasRunning) throw new Error(`the servers have ended unexpectedly: ${text}`);
  });
  child.stderr?.setEncoding("utf8").on("data", (piece) => (text += piece));
  await waitFor("the servers serve", () => {
    if (child.exitCode !== null) throw new Error(`the servers have ended: ${text}`);
    return text.includes("ready");
  });
}
