/** Clients of the API that add servers without pause, each on its own connection, and record the answers. */
import { Api } from "./api.mjs";
import { atEnd } from "./cleanup.mjs";
import { serversOf, someAddress } from "./upstreams.mjs";

/** Error codes of a connection whose worker was killed. */
const lostConnection = ["ECONNRESET", "ECONNREFUSED", "EPIPE"];

export class Writers {
  /** The ids of acknowledged servers, by address. @type {Map<string, number>} */
  acknowledged = new Map();
  /** All addresses that were sent, acknowledged or not. @type {Set<string>} */
  attempted = new Set();
  /** Unexpected answers. @type {string[]} */
  problems = [];
  #stopping = false;

  /**
   * @param {{ apiPort: number }} gateway
   * @param {{ count?: number, from?: number, keepAlive?: boolean }} [options]
   */
  constructor(gateway, { count = 8, from = 0, keepAlive = true } = {}) {
    this.next = from;
    this.finished = Promise.all(
      Array.from({ length: count }, () => this.#run(new Api({ port: gateway.apiPort, keepAlive }))),
    );
  }

  /** @param {Api} api */
  async #run(api) {
    while (!this.#stopping) {
      const server = someAddress((this.next += 1));
      this.attempted.add(server);
      try {
        const answer = await api.post(serversOf(), { server });
        if (answer.status === 201) this.acknowledged.set(server, answer.body.id);
        else this.problems.push(`${server}: ${answer.status} ${answer.text}`);
      } catch (cause) {
        if (!lostConnection.includes(cause.code)) this.problems.push(`${server}: ${cause.message}`);
      }
    }
    api.close();
  }

  async stop() {
    this.#stopping = true;
    await this.finished;
  }
}

/**
 * @param {import("node:test").TestContext} context
 * @param {{ apiPort: number }} gateway
 * @param {{ count?: number, from?: number, keepAlive?: boolean }} [options]
 */
export function startWriters(context, gateway, options) {
  const writers = new Writers(gateway, options);
  atEnd(context, () => writers.stop());
  return writers;
}
