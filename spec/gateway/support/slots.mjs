/**
 * Servers that work on a limited number of requests at a time, and clients that do not wait for each other.
 */
import { Agent, createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { atEnd } from "./cleanup.mjs";

/**
 * Starts a server that queues requests while all of its slots are busy. It does not notice when a client
 * gives up, as most applications.
 * @param {import("node:test").TestContext} context
 * @param {number} slots
 * @param {number} work time in a slot, in milliseconds
 */
export async function startSlots(context, slots, work) {
  /** @type {(() => void)[]} */
  const waiting = [];
  const state = { busy: 0, most: 0, work, address: "" };
  const server = createServer((_, response) => {
    const begin = () => {
      state.busy += 1;
      setTimeout(() => {
        state.busy -= 1;
        response.end("done");
        waiting.shift()?.();
      }, state.work);
    };
    if (state.busy < slots) begin();
    else waiting.push(begin);
    state.most = Math.max(state.most, state.busy + waiting.length);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  atEnd(context, () => {
    waiting.length = 0;
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  state.address = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return state;
}

/**
 * What became of some requests. Times in milliseconds.
 *
 * @typedef {object} Figures
 * @property {number} sent
 * @property {number} perSecond answers in time
 * @property {number} p50
 * @property {number} p99
 * @property {Record<string, number>} others the numbers of other outcomes, by status or problem
 */

/** Sends requests at random moments with a mean rate, whether or not earlier ones have an answer. */
export class OpenLoad {
  /** @type {number[]} */
  #times = [];
  /** @type {Record<string, number>} */
  #others = {};
  #sent = 0;
  #began = performance.now();
  #stopped = false;
  #agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  /**
   * @param {number} port
   * @param {number} rate requests per second
   * @param {number} deadline in milliseconds; an answer after it counts as "late"
   */
  constructor(port, rate, deadline) {
    this.port = port;
    this.rate = rate;
    this.deadline = deadline;
    this.finished = this.#run();
  }

  async #run() {
    let due = performance.now();
    while (!this.#stopped) {
      due += (-Math.log(1 - Math.random()) * 1000) / this.rate;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      this.#send();
    }
    this.#agent.destroy();
  }

  #send() {
    const began = performance.now();
    this.#sent += 1;
    /** @param {string} outcome */
    const note = (outcome) => {
      this.#others[outcome] = (this.#others[outcome] ?? 0) + 1;
    };
    const sent = request({ host: "127.0.0.1", port: this.port, agent: this.#agent }, (response) => {
      response.resume().on("end", () => {
        const time = performance.now() - began;
        if (response.statusCode !== 200) note(String(response.statusCode));
        else if (time > this.deadline) note("late");
        else this.#times.push(time);
      });
    });
    sent.on("error", () => this.#stopped || note("error")).end();
  }

  /** Forgets what has happened so far. */
  reset() {
    this.#times = [];
    this.#others = {};
    this.#sent = 0;
    this.#began = performance.now();
  }

  /** @returns {Figures} since the last `reset` */
  figures() {
    const sorted = [...this.#times].sort((one, other) => one - other);
    const seconds = (performance.now() - this.#began) / 1000;
    return {
      sent: this.#sent,
      perSecond: sorted.length / seconds,
      p50: sorted[Math.floor(sorted.length * 0.5)] ?? NaN,
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? NaN,
      others: { ...this.#others },
    };
  }

  async stop() {
    this.#stopped = true;
    await this.finished;
  }
}
