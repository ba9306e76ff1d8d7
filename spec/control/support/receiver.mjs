/** The receiver of a webhook: verifies the signature of each call, and answers or fails as configured. */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { PROBE_ERRORS } from "../../gateway/support/health.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { startScaled } from "./scaled.mjs";

export const SECRET = "only the receiver knows it";

/**
 * The answer to a call. `hang`: there is none; `cut`: the answer ends in the middle; `garbage`: the answer is
 * not HTTP.
 * @typedef {"ok" | "status 500" | "status 302" | "reset" | "hang" | "cut" | "garbage" | "closed"} Manner
 */

/**
 * @typedef {object} Call
 * @property {number} at by `performance.now()`
 * @property {string} key the idempotency key
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {string} url
 * @property {string} text
 * @property {any} body
 * @property {boolean} isSigned
 * @property {Manner} manner the kind of its answer
 */

export class Receiver {
  /** @type {Call[]} */
  calls = [];
  /** The answers to the next calls, one each. Later calls are answered by `manner`. @type {Manner[]} */
  next = [];
  /** @type {Manner} */
  manner = "ok";
  /** Number of unanswered calls, and its maximum. */
  active = 0;
  most = 0;

  /** @param {number} port */
  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}/scale?of=app`;
    this.server = createServer((request, response) => this.#receive(request, response));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #receive(request, response) {
    this.active += 1;
    this.most = Math.max(this.most, this.active);
    response.on("close", () => (this.active -= 1));
    let text = "";
    for await (const piece of request.setEncoding("utf8")) text += piece;
    const { headers, url = "" } = request;
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["sluice-signature"])) ?? [];
    const isNow = Math.abs(Number(time) - Date.now() / 1000) < 60;
    const wanted = createHmac("sha256", SECRET).update(`${time}.${text}`).digest("hex");
    const manner = this.next.shift() ?? this.manner;
    const key = String(headers["idempotency-key"]);
    const isSigned = isNow && signature === wanted;
    this.calls.push({
      at: performance.now(),
      key,
      headers,
      url,
      text,
      body: JSON.parse(text),
      isSigned,
      manner,
    });
    this.#answer(manner, request.socket, response);
  }

  /**
   * @param {Manner} manner
   * @param {import("node:net").Socket} socket
   * @param {import("node:http").ServerResponse} response
   */
  #answer(manner, socket, response) {
    const location = { Location: `${this.url}&again=1` };
    /** @type {Record<Manner, () => unknown>} */
    const manners = {
      ok: () => response.end("{}"),
      "status 500": () => response.writeHead(500).end("no"),
      "status 302": () => response.writeHead(302, location).end(),
      reset: () => socket.resetAndDestroy(),
      hang: () => {},
      cut: () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
      garbage: () => socket.end("200, all is well\r\n\r\n"),
      closed: () => socket.destroy(),
    };
    manners[manner]();
  }

  /** Returns the distinct idempotency keys in their order. */
  keys() {
    return [...new Set(this.calls.map(({ key }) => key))];
  }

  /** Returns the keys of the calls that were answered with 200. */
  heard() {
    return this.calls.filter(({ manner }) => manner === "ok").map(({ key }) => key);
  }

  listen() {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject).listen(this.port, "127.0.0.1", () => resolve(undefined));
    });
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/**
 * Starts a receiver that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {{ isThere?: boolean }} [options] `isThere` false: the receiver does not listen yet
 */
export async function startReceiver(context, { isThere = true } = {}) {
  const receiver = new Receiver(await freePort());
  if (isThere) await receiver.listen();
  atEnd(context, () => receiver.close());
  return receiver;
}

/**
 * Starts a gateway with an upstream `app` that calls a receiver.
 * @param {import("node:test").TestContext} context
 * @param {{ isThere?: boolean }} [options] of the receiver
 * @param {object} [autoscale]
 */
export async function startCalling(context, options, autoscale = {}) {
  const receiver = await startReceiver(context, options);
  const webhook = { url: receiver.url, secret: SECRET };
  const http = "lua_socket_log_errors off;";
  const scaled = await startScaled(context, { autoscale: { ...autoscale, webhook } }, { http });
  scaled.gateway.log.allow(PROBE_ERRORS);
  return { ...scaled, receiver };
}
