/** Application servers that record their requests. */
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { atEnd } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";

/**
 * Defines the answer to a request. Parameters in the query of the URL override the server's behaviour.
 *
 * @typedef {object} Behaviour
 * @property {number} [status]
 * @property {number} [size] of the body, in bytes; absent: the body is the server's id
 * @property {number} [delay] milliseconds before the header
 * @property {number} [body_delay] milliseconds between the header and the body
 * @property {number} [reset] 1: the server resets the connection instead of an answer
 * @property {number} [reset_reused] 1: the same, except for the first request of a connection
 * @property {number} [hang] 1: the server never answers
 * @property {number} [hold] 1: the answer waits for `release()`
 * @property {string[]} [set_cookie] the values of Set-Cookie
 * @property {string} [body] absent: see `size`
 * @property {string | string[]} [load_metrics] the header `endpoint-load-metrics`
 * @property {number | string} [in_flight] the header `X-In-Flight`
 */

/**
 * @typedef {object} Entry
 * @property {string} method
 * @property {string} url
 * @property {number} [status] the status of the answer; absent if there was none
 * @property {number} started the start of the request by `performance.now()` of its client in this process;
 *   NaN if unknown
 */

/** Ends a connection as abruptly as possible. @param {import("node:net").Socket} socket */
function hangUp(socket) {
  // A unix socket has no address and cannot be reset.
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

export class Backend {
  /** @type {Entry[]} */
  requests = [];
  /** @type {Behaviour} */
  behaviour = {};
  /** Number of unfinished requests. */
  active = 0;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  /** Number of requests by connection. @type {WeakMap<import("node:net").Socket, number>} */
  #served = new WeakMap();
  /** @type {import("node:net").Server[]} */
  #more = [];
  #bytesOfClosed = { read: 0, written: 0 };
  /** Functions that let the held requests continue. @type {(() => void)[]} */
  #held = [];

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.server = createServer((request, response) => this.#answer(request, response));
    // nginx must close idle connections. If this server closed one, a request that arrives then would fail.
    this.server.keepAliveTimeout = 600_000;
    this.server.on("connection", (socket) => this.#count(socket));
  }

  /** @param {import("node:net").Socket} socket */
  #count(socket) {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#bytesOfClosed.read += socket.bytesRead;
      this.#bytesOfClosed.written += socket.bytesWritten;
    });
  }

  /** Returns the number of bytes that this server has read and written on all connections. */
  bytes() {
    const total = { ...this.#bytesOfClosed };
    for (const socket of this.#sockets) {
      total.read += socket.bytesRead;
      total.written += socket.bytesWritten;
    }
    return total;
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    const { method = "", url = "" } = request;
    /** @type {Entry} */
    const entry = { method, url, started: Number(request.headers["x-started"] ?? NaN) };
    this.requests.push(entry);
    this.active += 1;
    response.on("close", () => (this.active -= 1));
    const served = this.#served.get(request.socket) ?? 0;
    this.#served.set(request.socket, served + 1);
    // Node discards the rest of a body if the answer is sent before the whole body was read.
    await finished(request.resume()).catch(() => {});

    const query = url.indexOf("?");
    const asked = query < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(query + 1)));
    const wanted = { ...this.behaviour, ...asked };
    const { status, size, delay, body_delay, reset, reset_reused, hang, hold, set_cookie } = wanted;
    if (Number(hang) === 1) return;
    if (Number(hold) === 1) await new Promise((resolve) => this.#held.push(() => resolve(undefined)));
    if (Number(delay) > 0) await sleep(Number(delay));
    if (Number(reset) === 1 || (Number(reset_reused) === 1 && served > 0)) {
      hangUp(request.socket);
      return;
    }
    const body = wanted.body ?? (size === undefined ? this.id : "x".repeat(Number(size)));
    entry.status = Number(status ?? 200);
    if (set_cookie !== undefined) response.setHeader("Set-Cookie", set_cookie);
    if (wanted.load_metrics !== undefined) response.setHeader("Endpoint-Load-Metrics", wanted.load_metrics);
    if (wanted.in_flight !== undefined) response.setHeader("X-In-Flight", wanted.in_flight);
    response.writeHead(entry.status, { "X-Backend": this.id, "Content-Length": body.length });
    if (Number(body_delay) > 0) {
      response.flushHeaders();
      await sleep(Number(body_delay));
    }
    response.end(method === "HEAD" ? undefined : body);
  }

  /** @param {{ host: string, port: number } | { path: string }} where */
  listen(where) {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject).listen(where, () => resolve(undefined));
    });
  }

  /** Listens at another address, for many servers that share one record of requests. */
  alsoListen(/** @type {string} */ host, /** @type {number} */ port) {
    const another = createListener((socket) => this.server.emit("connection", socket));
    this.#more.push(another);
    return new Promise((resolve, reject) => {
      another.once("error", reject).listen(port, host, () => resolve(undefined));
    });
  }

  /** Answers all held requests. */
  release() {
    for (const goOn of this.#held.splice(0)) goOn();
  }

  close() {
    for (const listener of [this.server, ...this.#more]) listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * Starts an application server that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {{ id?: string, host?: string, port?: number, path?: string }} [where] `path`: a unix socket
 * @returns {Promise<Backend & { address: string }>} `address` has the form of the parameter `server`
 */
export async function startBackend(context, { id, host = "127.0.0.1", port, path } = {}) {
  const ownPort = path === undefined ? (port ?? (await freePort())) : 0;
  const tcpAddress = host.includes(":") ? `[${host}]:${ownPort}` : `${host}:${ownPort}`;
  const address = path === undefined ? tcpAddress : `unix:${path}`;
  const backend = new Backend(id ?? address);
  await backend.listen(path === undefined ? { host, port: ownPort } : { path });
  // The workers of nginx run as the user nobody.
  if (path !== undefined) chmodSync(path, 0o777);
  atEnd(context, () => {
    backend.close();
    if (path !== undefined) rmSync(path, { force: true });
  });
  return Object.assign(backend, { address });
}

/**
 * Starts several application servers.
 * @param {import("node:test").TestContext} context
 * @param {number} count
 */
export async function startBackends(context, count) {
  const backends = [];
  for (let number = 0; number < count; number += 1) backends.push(await startBackend(context));
  return backends;
}
