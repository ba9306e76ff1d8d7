/** A proxy between a client and a server that can cut connections or accept none. */
import { connect, createServer } from "node:net";
import { atEnd } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";

export class TcpProxy {
  /**
   * The connections, each with the beginning of its last request and whether it was answered.
   * @type {Map<import("node:net").Socket, { request: string, isAnswered: boolean }>}
   */
  #clients = new Map();
  #refuses = false;

  /** @param {number} port @param {number} target the server's port */
  constructor(port, target) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.target = target;
    this.server = createServer((client) => this.#accept(client));
  }

  /** @param {import("node:net").Socket} client */
  #accept(client) {
    client.on("error", () => {});
    if (this.#refuses) {
      client.destroy();
      return;
    }
    const known = { request: "", isAnswered: false };
    this.#clients.set(client, known);
    const server = connect(this.target, "127.0.0.1").on("error", () => {});
    client.on("data", (bytes) => Object.assign(known, { request: String(bytes), isAnswered: false }));
    server.on("data", () => (known.isAnswered = true));
    client.pipe(server).pipe(client);
    server.on("close", () => client.destroy());
    client.on("close", () => {
      server.destroy();
      this.#clients.delete(client);
    });
  }

  /**
   * Returns the number of connections with an unfinished answer to a request for a path.
   * @param {string} path
   */
  answering(path) {
    const known = [...this.#clients.values()];
    return known.filter(({ request, isAnswered }) => isAnswered && request.includes(path)).length;
  }

  /** Ends all connections. */
  cut() {
    for (const socket of this.#clients.keys()) socket.destroy();
    this.#clients.clear();
  }

  /** Ends all connections, and accepts no new ones. */
  refuse() {
    this.#refuses = true;
    this.cut();
  }

  accept() {
    this.#refuses = false;
  }
}

/**
 * Starts a proxy that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {number} target
 */
export async function startTcpProxy(context, target) {
  const proxy = new TcpProxy(await freePort(), target);
  await new Promise((resolve, reject) => {
    proxy.server.once("error", reject).listen(proxy.port, "127.0.0.1", () => resolve(undefined));
  });
  atEnd(context, () => {
    proxy.server.close();
    proxy.refuse();
  });
  return proxy;
}
