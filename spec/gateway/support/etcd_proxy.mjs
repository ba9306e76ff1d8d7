/** An HTTP proxy between a gateway and etcd that can lose answers and delay watches. */
import { createServer, request as send } from "node:http";
import { atEnd } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";

export class EtcdProxy {
  /** The actions before an answer is lost, by path. @type {Map<string, () => unknown>} */
  #losing = new Map();
  #isAway = false;
  #endsWatches = false;
  /** Number of requested watches. */
  watches = 0;
  /**
   * Delayed writes of watches to their readers; undefined: there is no delay.
   * @type {(() => void)[] | undefined}
   */
  #held;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();

  /** @param {number} port @param {string} target */
  constructor(port, target) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.target = target;
    this.server = createServer((request, response) => this.#forward(request, response));
    this.server.on("connection", (socket) => {
      if (this.#isAway) socket.destroy();
      this.#sockets.add(socket.on("close", () => this.#sockets.delete(socket)));
    });
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  #forward(request, response) {
    const path = String(request.url);
    const { method, headers } = request;
    const own = send(this.target + path, { method, headers }, async (answer) => {
      const before = this.#losing.get(path);
      if (before !== undefined) {
        this.#losing.delete(path);
        answer.resume();
        await before();
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.flushHeaders();
      const isWatch = path === "/v3/watch";
      if (isWatch) this.watches += 1;
      if (isWatch && this.#endsWatches) {
        own.destroy();
        response.end();
        return;
      }
      answer.on("data", (piece) => {
        if (isWatch && this.#held !== undefined) this.#held.push(() => response.write(piece));
        else response.write(piece);
      });
      answer.on("end", () => response.end());
      answer.on("error", () => response.destroy());
    });
    own.on("error", () => response.destroy());
    response.on("close", () => own.destroy());
    request.pipe(own);
  }

  /**
   * Loses the answer to the next request for a path.
   * @param {string} path
   * @param {() => unknown} [before] runs after the request was answered and before the connection breaks
   */
  loseAnswer(path, before = () => {}) {
    this.#losing.set(path, before);
  }

  /** Ends all watches. New watches end immediately. */
  endWatches() {
    this.#endsWatches = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  letWatchesLast() {
    this.#endsWatches = false;
  }

  /** Delays the events of watches from now on. */
  holdWatches() {
    this.#held ??= [];
  }

  /** Delivers all delayed events. */
  letWatchesGo() {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const write of held) write();
  }

  /** Ends all connections, and accepts no new ones. */
  refuse() {
    this.#isAway = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  accept() {
    this.#isAway = false;
  }
}

/**
 * Starts a proxy of an etcd's member that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {import("./registries/etcd.mjs").Etcd} etcd
 */
export async function startEtcdProxy(context, etcd) {
  const proxy = new EtcdProxy(await freePort(), etcd.members[0].url);
  await new Promise((resolve, reject) => {
    proxy.server.once("error", reject).listen(proxy.port, "127.0.0.1", () => resolve(undefined));
  });
  atEnd(context, () => {
    proxy.refuse();
    proxy.server.close();
  });
  return proxy;
}
