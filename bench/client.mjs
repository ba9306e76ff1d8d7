import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ status: number, body: string }} Answer */

/**
 * @param {string} chunks a body in chunked encoding
 * @returns {string | undefined} undefined when the body is not complete yet
 */
function joinChunks(chunks) {
  let body = "";
  for (let at = 0; ;) {
    const end = chunks.indexOf("\r\n", at);
    const size = parseInt(chunks.slice(at, end), 16);
    if (end < 0 || chunks.length < end + 2 + size + 2) return undefined;
    if (size === 0) return body;
    body += chunks.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

/**
 * @param {string} text
 * @returns {Answer | undefined} undefined when the answer is not complete yet
 */
function parseAnswer(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  const status = Number(head.slice(9, 12));
  if (/^transfer-encoding: chunked/im.test(head)) {
    const body = joinChunks(rest);
    return body === undefined ? undefined : { status, body };
  }
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return rest.length < length ? undefined : { status, body: rest };
}

/**
 * One kept-alive connection with one request at a time. Node's own client takes longer than the write to be
 * measured.
 */
export class Client {
  /** @type {((answer: Answer) => void) | undefined} */
  #resolve;
  /** @type {((cause: Error) => void) | undefined} */
  #reject;
  #received = "";

  /** @param {import("node:net").Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (/** @type {unknown} */ data) => this.#receive(String(data)));
    socket.on("error", (cause) => this.#reject?.(cause));
    socket.on("close", () => this.#reject?.(new Error("the gateway closed the connection")));
  }

  /** @param {string} data */
  #receive(data) {
    this.#received += data;
    const answer = parseAnswer(this.#received);
    if (answer === undefined) return;
    this.#received = "";
    this.#resolve?.(answer);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<Answer>}
   */
  request(method, path, body) {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    });
  }

  /**
   * Sends a request that must be answered with `status`.
   *
   * @param {number} status
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async expect(status, method, path, body) {
    const answer = await this.request(method, path, body);
    if (answer.status === status) return answer;
    throw new Error(
      `${method} ${path}: expected ${status}, got ${answer.status} ${answer.body.slice(0, 300)}`,
    );
  }

  close() {
    this.socket.destroy();
  }
}

/**
 * Connects as soon as a server listens.
 * @param {number} port
 * @param {string} [host]
 * @param {number} [seconds] the time for which it tries
 */
export async function openClient(port, host = "127.0.0.1", seconds = 60) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const socket = connect(port, host);
    try {
      await once(socket, "connect");
      return new Client(socket);
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`no server listens on ${host}:${port}`, { cause });
      await sleep(2);
    }
  }
}

/**
 * Waits until a server answers a request with 200.
 * @param {number} port
 * @param {string} [host]
 */
export async function waitUntilServing(port, host) {
  const client = await openClient(port, host);
  await client.expect(200, "GET", "/");
  client.close();
}
