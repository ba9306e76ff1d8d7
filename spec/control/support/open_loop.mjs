/** Clients that send requests at a fixed rate, whether or not earlier requests are answered. */
import { Agent, request } from "node:http";
import { atEnd } from "../../gateway/support/cleanup.mjs";

/** Interval at which due requests are sent, in milliseconds. */
const TICK = 5;

/**
 * A machine that is too slow for the rate would fall behind for ever. It therefore skips requests that have
 * been due for longer than this, in milliseconds, and requests while those of MOST_UNANSWERED_SECONDS are
 * unanswered.
 */
const LONGEST_DELAY = 250;
const MOST_UNANSWERED_SECONDS = 5;

/**
 * Returns the smallest value that is not exceeded by a fraction `part` of the values.
 * @param {number[]} values
 * @param {number} part
 */
export function quantile(values, part) {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)];
}

class OpenLoop {
  /**
   * The answers: the server, the time of the answer, and its latency in milliseconds since the request was
   * due.
   * @type {[string, number, number][]}
   */
  answers = [];
  /** Number of occurrences of each other outcome. @type {Map<string, number>} */
  errors = new Map();
  #agent = new Agent({ keepAlive: true });
  #began = performance.now();
  #sent = 0;
  #unanswered = 0;

  /** @param {{ port: number, path: string, rate: number }} target `rate`: requests per second */
  constructor(target) {
    this.target = target;
    this.timer = setInterval(() => this.#sendDue(), TICK);
  }

  #sendDue() {
    const now = performance.now();
    const { rate } = this.target;
    const gap = 1000 / rate;
    this.#sent = Math.max(this.#sent, Math.floor((now - LONGEST_DELAY - this.#began) / gap));
    for (; this.#began + this.#sent * gap <= now; this.#sent += 1)
      if (this.#unanswered < rate * MOST_UNANSWERED_SECONDS) this.#ask(this.#began + this.#sent * gap);
  }

  /** @param {number} due */
  #ask(due) {
    const fail = (/** @type {string} */ what) => this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
    const { port, path } = this.target;
    this.#unanswered += 1;
    const sent = request({ host: "127.0.0.1", port, path, agent: this.#agent }, (response) => {
      response.resume().on("error", () => fail("cut off"));
      response.on("end", () => {
        const now = performance.now();
        if (response.statusCode !== 200) fail(`status ${response.statusCode}`);
        else this.answers.push([String(response.headers["x-backend"]), now, now - due]);
      });
    });
    sent.on("error", (cause) => fail(cause.message));
    sent.on("close", () => (this.#unanswered -= 1)).end();
  }

  /** Returns the latencies of each server in the last `milliseconds`. @param {number} milliseconds */
  latencies(milliseconds) {
    const since = performance.now() - milliseconds;
    /** @type {Map<string, number[]>} */
    const found = new Map();
    for (const [server, at, latency] of this.answers) {
      if (at < since) continue;
      const known = found.get(server);
      if (known === undefined) found.set(server, [latency]);
      else known.push(latency);
    }
    return found;
  }

  stop() {
    clearInterval(this.timer);
    this.#agent.destroy();
  }
}

/**
 * @param {import("node:test").TestContext} context
 * @param {{ port: number, path: string, rate: number }} target
 */
export function startOpenLoop(context, target) {
  const loop = new OpenLoop(target);
  atEnd(context, () => loop.stop());
  return loop;
}
