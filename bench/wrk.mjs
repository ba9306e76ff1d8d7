import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startClient } from "./processes.mjs";

const CONNECTIONS = 32;

/**
 * Reads how many requests `wrk` has made. Any status except 200 and any broken connection is a failed
 * measurement.
 * @param {string} text
 */
function readCount(text) {
  const bad = /Non-2xx.*|Socket errors.*/.exec(text);
  if (bad !== null) throw new Error(`a gateway failed under load: ${bad[0]}`);
  const count = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(count > 0)) throw new Error(`wrk counted no requests: ${text}`);
  return count;
}

/**
 * A `wrk` with one thread and 32 kept-alive connections, which works only during `work` and `finish`.
 */
export class Load {
  #text = "";
  /** Total working time in milliseconds. */
  worked = 0;

  /**
   * @param {number} port
   * @param {number} seconds the time after which `wrk` ends at the latest
   */
  constructor(port, seconds) {
    const options = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s"];
    this.child = startClient(["wrk", ...options, `http://127.0.0.1:${port}/`]);
    this.child.kill("SIGSTOP");
    this.child.stdout.setEncoding("utf8").on("data", (data) => (this.#text += data));
    this.ended = once(this.child, "close");
  }

  /**
   * Lets `wrk` work for some time.
   * @param {number} milliseconds
   */
  async work(milliseconds) {
    const started = performance.now();
    this.child.kill("SIGCONT");
    await sleep(milliseconds);
    this.child.kill("SIGSTOP");
    this.worked += performance.now() - started;
  }

  /** Lets `wrk` run to its end, and returns the number of its requests. */
  async finish() {
    const started = performance.now();
    this.child.kill("SIGCONT");
    const [status] = await this.ended;
    this.worked += performance.now() - started;
    if (status !== 0) throw new Error(`wrk ended with ${status}: ${this.#text}`);
    return readCount(this.#text);
  }
}
