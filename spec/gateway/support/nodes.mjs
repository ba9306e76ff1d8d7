/** Servers that register themselves once a second. */
import { setTimeout as sleep } from "node:timers/promises";
import { atEnd } from "./cleanup.mjs";
import { sluice, someAddress } from "./upstreams.mjs";

export const nodeOf = (name, upstream = "app") => `${sluice(upstream)}/nodes/${name}`;

/** Nodes that renew their registrations once a second, spread over the second. */
export class Nodes {
  #isOver = false;
  /** Unexpected answers. @type {string[]} */
  failures = [];
  /**
   * Number of registrations that created a server, except those of nodes that renewed too late themselves.
   * Their registrations expire rightly on a busy machine.
   */
  created = 0;
  renewed = 0;
  /**
   * The longest time between two answers to one node, in milliseconds. Above the ttl the node may be removed.
   */
  longestGap = 0;

  /**
   * @param {import("./api.mjs").Api} api
   * @param {number} count
   * @param {object} [options]
   * @param {number} [options.first] the number of the first node
   * @param {string} [options.ttl]
   */
  constructor(api, count, { first = 0, ttl = "3s" } = {}) {
    this.api = api;
    this.ttl = ttl;
    this.milliseconds = parseFloat(ttl) * 1000;
    this.numbers = Array.from({ length: count }, (_, index) => first + index);
    this.running = Promise.all(this.numbers.map((number, index) => this.#live(number, index / count)));
  }

  /** @param {number} number @param {number} phase of the second */
  async #live(number, phase) {
    await sleep(phase * 1000);
    let answered = Infinity;
    /** Time of the previous registration's request. */
    let sent = Infinity;
    while (!this.#isOver) {
      const began = performance.now();
      await this.#register(number, sent);
      sent = began;
      this.longestGap = Math.max(this.longestGap, performance.now() - answered);
      answered = performance.now();
      await sleep(Math.max(0, 1000 - (performance.now() - began)));
    }
  }

  /**
   * Registers a node. If the connection breaks, the node tries again at once.
   * @param {number} number
   * @param {number} sent time of the previous registration's request
   */
  async #register(number, sent) {
    for (let attempt = 0; attempt < 3 && !this.#isOver; attempt += 1) {
      try {
        const body = { server: someAddress(number), ttl: this.ttl, meta: { zone: "a" } };
        const { status, text } = await this.api.put(nodeOf(`n${number}`), body);
        const wasLate = performance.now() - sent >= this.milliseconds;
        if (status === 201) this.created += wasLate ? 0 : 1;
        else if (status === 200) this.renewed += 1;
        else this.failures.push(`${status} ${text}`);
        return;
      } catch {
        await sleep(50);
      }
    }
    if (!this.#isOver) this.failures.push(`n${number} reaches nobody`);
  }

  async stop() {
    this.#isOver = true;
    await this.running;
  }
}

/**
 * @param {import("node:test").TestContext} context
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {number} count
 * @param {{ first?: number, ttl?: string }} [options]
 */
export function startNodes(context, gateway, count, options) {
  const nodes = new Nodes(gateway.api, count, options);
  atEnd(context, () => nodes.stop());
  return nodes;
}
