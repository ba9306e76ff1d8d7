/** A connection that reads responses by the framing of HTTP/1.1 and checks every byte. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { atEnd } from "./cleanup.mjs";
import { waitFor } from "./wait.mjs";

/**
 * @typedef {object} RawAnswer
 * @property {number[]} interim the statuses of the 1xx responses before it
 * @property {number} status
 * @property {Record<string, string>} headers by lower-case name
 * @property {string} body
 */

/** @param {string} head @returns {[status: number, headers: Record<string, string>]} */
function parseHead(head) {
  const [first, ...lines] = head.split("\r\n");
  assert.match(first, /^HTTP\/1\.1 \d{3} /);
  const fields = lines.map((line) => {
    assert.match(line, /^[\w-]+: /);
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return [Number(first.slice(9, 12)), Object.fromEntries(fields)];
}

export class RawConnection {
  /** Bytes that were received and not read yet. */
  #received = "";
  hasEnded = false;

  /** @param {import("node:test").TestContext} context @param {number} port */
  constructor(context, port) {
    this.socket = connect(port, "127.0.0.1").setEncoding("latin1");
    this.socket.on("data", (piece) => (this.#received += piece));
    this.socket.on("close", () => (this.hasEnded = true)).on("error", () => {});
    atEnd(context, () => this.socket.destroy());
  }

  /**
   * Sends the head of a request and `rest` in one write.
   * @param {string} method
   * @param {string} path
   * @param {Record<string, string>} [headers]
   * @param {string} [rest]
   */
  sendHead(method, path, headers = {}, rest = "") {
    const lines = Object.entries({ Host: "localhost", ...headers });
    const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.socket.write(`${method} ${path} HTTP/1.1\r\n${fields}\r\n${rest}`);
  }

  /** Whether there are received bytes that were not read. */
  get hasMore() {
    return this.#received !== "";
  }

  /** Reads the text up to and including a mark. @param {string} mark */
  async #until(mark) {
    await waitFor("the rest of a response", () => this.#received.includes(mark));
    return this.#take(this.#received.indexOf(mark) + mark.length).slice(0, -mark.length);
  }

  /** @param {number} length */
  #take(length) {
    const taken = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return taken;
  }

  async #chunks() {
    for (let body = ""; ;) {
      const size = await this.#until("\r\n");
      assert.match(size, /^[0-9a-f]+$/, "each chunk begins with its size");
      const length = parseInt(size, 16);
      await waitFor("the rest of a chunk", () => this.#received.length >= length + 2);
      body += this.#take(length);
      assert.equal(this.#take(2), "\r\n", "each chunk has the given size");
      if (length === 0) return body;
    }
  }

  /**
   * Reads a response.
   * @param {{ hasBody?: boolean, onInterim?: () => void }} [options] `onInterim` is called after each 1xx
   *   response
   * @returns {Promise<RawAnswer>}
   */
  async read({ hasBody = true, onInterim = () => {} } = {}) {
    const interim = [];
    for (;;) {
      const [status, headers] = parseHead(await this.#until("\r\n\r\n"));
      if (status < 200) {
        interim.push(status);
        onInterim();
        continue;
      }
      const length = Number(headers["content-length"] ?? 0);
      if (!hasBody) return { interim, status, headers, body: "" };
      if (headers["transfer-encoding"] === "chunked")
        return { interim, status, headers, body: await this.#chunks() };
      await waitFor("the rest of a body", () => this.#received.length >= length);
      return { interim, status, headers, body: this.#take(length) };
    }
  }
}
