import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startClient } from "./processes.mjs";

/** @typedef {import("./configurations.mjs").Place} Place */
/** @typedef {import("./traffic.mjs").Traffic} Traffic */

/** Requests that a client sends over a connection with HTTP/2 without waiting for an answer. */
const STREAMS = 10;

/**
 * Reads how many requests `wrk` has made. Any status except 200 and any broken connection is a failed
 * measurement.
 * @param {string} text
 */
function countOfWrk(text) {
  const bad = /Non-2xx.*|Socket errors.*/.exec(text);
  if (bad !== null) throw new Error(`a gateway failed under load: ${bad[0]}`);
  return Number(/(\d+) requests in/.exec(text)?.[1]);
}

/** As `countOfWrk`. @param {string} text */
function countOfH2load(text) {
  const [, done, succeeded] = /(\d+) done, (\d+) succeeded/.exec(text) ?? [];
  if (done !== succeeded) throw new Error(`a gateway failed under load: ${text}`);
  return Number(done);
}

/**
 * Returns the command of the clients.
 * @param {Place} place
 * @param {number} seconds
 * @param {Traffic} traffic
 */
function commandOf({ port, secure }, seconds, { protocol, connections }) {
  const url = protocol === "HTTP/1.1" ? `http://127.0.0.1:${port}/` : `https://127.0.0.1:${secure?.port}/`;
  if (protocol === "HTTP/2")
    return ["h2load", "-t1", `-c${connections}`, `-m${STREAMS}`, "-D", String(seconds), url];
  return ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", url];
}

/**
 * A `wrk` or, for HTTP/2, an `h2load` with one thread and kept-alive connections, which works only during
 * `work` and `finish`.
 */
export class Load {
  #text = "";
  /** Total working time in milliseconds. */
  worked = 0;

  /**
   * @param {Place} place of the gateway
   * @param {number} seconds the time after which it ends at the latest
   * @param {Traffic} traffic
   */
  constructor(place, seconds, traffic) {
    this.read = traffic.protocol === "HTTP/2" ? countOfH2load : countOfWrk;
    this.child = startClient(commandOf(place, seconds, traffic));
    this.child.kill("SIGSTOP");
    this.child.stdout.setEncoding("utf8").on("data", (data) => (this.#text += data));
    this.ended = once(this.child, "close");
  }

  /**
   * Lets the clients work for some time.
   * @param {number} milliseconds
   */
  async work(milliseconds) {
    const started = performance.now();
    this.child.kill("SIGCONT");
    await sleep(milliseconds);
    this.child.kill("SIGSTOP");
    this.worked += performance.now() - started;
  }

  /** Lets the clients run to their end, and returns the number of its requests. */
  async finish() {
    const started = performance.now();
    this.child.kill("SIGCONT");
    const [status] = await this.ended;
    this.worked += performance.now() - started;
    if (status !== 0) throw new Error(`the clients ended with ${status}: ${this.#text}`);
    const count = this.read(this.#text);
    if (!(count > 0)) throw new Error(`the clients counted no requests: ${this.#text}`);
    return count;
  }
}
