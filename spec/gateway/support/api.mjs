/** A small HTTP client that sends requests unchanged. */
import { Agent, request } from "node:http";
import { Agent as SecureAgent, request as requestSecurely } from "node:https";

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {string} text
 * @property {any} body the parsed JSON; undefined if the text is not JSON
 */

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Matches paths of the API, with its prefix. Other servers of the specs have no such paths. */
const apiPath = /^(.*?\/api)(?:[/?]|$)/;

/**
 * The module is loaded at its first use. After that no other code runs between an answer and the end of its
 * check.
 */
let description;

/**
 * Throws an error if an answer of the API does not fit its description in openapi/.
 * @param {import("./description.mjs").Exchange} exchange
 */
async function check(exchange) {
  const [, prefix] = apiPath.exec(exchange.path) ?? [];
  if (prefix === undefined) return;
  description ??= import("./description.mjs");
  const { descriptionFor } = await description;
  const problem = descriptionFor(prefix).problemOf(exchange);
  if (problem === undefined) return;
  // Some callers treat every error as a lost connection.
  process.exitCode = 1;
  console.error(problem);
  throw new Error(problem);
}

export class Api {
  /**
   * Without `keepAlive` every request has its own connection, so that any worker may receive it.
   * @param {{ port?: number, socketPath?: string, keepAlive?: boolean, secure?: boolean, identity?: { key:
   *   string, cert: string }, headers?: Record<string, string> }} options `secure`: use TLS without a check
   *   of the certificate; `identity`: the client's own certificate
   */
  constructor({ port, socketPath, keepAlive = false, secure = false, identity = undefined, headers = {} }) {
    this.target = socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath };
    this.headers = headers;
    const options = { keepAlive, maxSockets: keepAlive ? 1 : Infinity };
    this.agent = secure
      ? new SecureAgent({ ...options, ...identity, rejectUnauthorized: false })
      : new Agent(options);
    this.request = secure ? requestSecurely : request;
  }

  /**
   * Sends a request, and checks an answer of the API against its description.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] a string or buffer is sent as it is, anything else as JSON
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Answer>}
   */
  async send(method, path, body, headers = {}) {
    const answer = await this.#exchange(method, path, body, headers);
    await check({ method, path, body, answer });
    return answer;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {Record<string, string>} headers
   * @returns {Promise<Answer>}
   */
  #exchange(method, path, body, headers) {
    const isRaw = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
    const payload = isRaw ? body : JSON.stringify(body);
    const length = payload === undefined ? {} : { "Content-Length": String(Buffer.byteLength(payload)) };
    const options = { ...this.target, agent: this.agent, method, path };
    return new Promise((resolve, reject) => {
      let answered = false;
      const sent = this.request(
        { ...options, headers: { ...length, ...this.headers, ...headers } },
        (response) => {
          answered = true;
          let text = "";
          response.setEncoding("utf8").on("data", (piece) => (text += piece));
          response.on("error", reject).on("end", () => {
            const { statusCode: status = 0, headers: received } = response;
            resolve({ status, headers: received, text, body: parseJson(text) });
          });
        },
      );
      // A server may answer before it has read a large body, and close.
      sent.on("error", (cause) => answered || reject(cause));
      sent.end(payload);
    });
  }

  /** @param {string} path @param {Record<string, string>} [headers] */
  get(path, headers) {
    return this.send("GET", path, undefined, headers);
  }

  /** @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  post(path, body, headers) {
    return this.send("POST", path, body, headers);
  }

  /** @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  put(path, body, headers) {
    return this.send("PUT", path, body, headers);
  }

  /** @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  patch(path, body, headers) {
    return this.send("PATCH", path, body, headers);
  }

  /** @param {string} path @param {Record<string, string>} [headers] */
  delete(path, headers) {
    return this.send("DELETE", path, undefined, headers);
  }

  /**
   * @returns {Promise<boolean>} whether the API answers with any status, even at another prefix
   */
  async isThere() {
    try {
      return (await this.#exchange("GET", "/api", undefined, {})).status > 0;
    } catch {
      return false;
    }
  }

  /**
   * Sends a request that must be answered with `status`, and returns the body.
   * @param {number} status
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [headers]
   */
  async expect(status, method, path, body, headers) {
    const answer = await this.send(method, path, body, headers);
    if (answer.status === status) return answer.body;
    throw new Error(
      `${method} ${path}: expected ${status}, got ${answer.status} ${answer.text.slice(0, 500)}`,
    );
  }

  /** Returns the whole configuration as text, for comparisons. */
  async configuration() {
    const answer = await this.get("/api/sluice/1/upstreams");
    if (answer.status !== 200) throw new Error(`could not read the configuration: ${answer.text}`);
    return answer.text;
  }

  close() {
    this.agent.destroy();
  }
}
