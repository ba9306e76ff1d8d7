/**
 * Servers that speak a registry's documented protocol, each in a separate process, and the control of them by
 * specs.
 */
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { Api } from "../api.mjs";
import { freePort } from "../ports.mjs";
import { Program } from "./program.mjs";

/** The path by which specs control a server. */
const CONTROL = "/control";

/**
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<any>}
 */
async function jsonOf(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return JSON.parse(text);
}

/**
 * Serves at a port of 127.0.0.1 until the parent process ends. The registry may be at a unix socket instead,
 * and the port has only the control.
 * @param {number} port
 * @param {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse, url:
 *   URL) => void} answer
 * @param {(message: any) => void} control receives the messages of the specs
 * @param {string} [socket]
 */
export function serve(port, answer, control, socket) {
  /** The requests so far. @type {string[]} */
  const asked = [];
  const handle = async (request, response) => {
    const url = new URL(request.url ?? "", "http://registry");
    if (url.pathname !== CONTROL) {
      asked.push(String(request.url));
      answer(request, response, url);
      return;
    }
    if (request.method === "PUT") control(await jsonOf(request));
    response.end(JSON.stringify(request.method === "PUT" ? {} : asked));
  };
  const server = createServer(handle);
  server.keepAliveTimeout = 600_000;
  server.listen(port, "127.0.0.1");
  if (socket !== undefined) {
    rmSync(socket, { force: true });
    // The workers of nginx run as the user nobody.
    createServer(handle).listen({ path: socket, readableAll: true, writableAll: true }).keepAliveTimeout =
      600_000;
  }
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(), 1000);
}

/** A registry that is such a server. After a restart it receives its last state again. */
export class Fake extends Program {
  /** @param {string} script @param {number} port @param {string[]} more arguments */
  constructor(script, port, ...more) {
    super(process.execPath, [script, String(port), ...more], () => this.#isThere());
    this.url = `http://127.0.0.1:${port}`;
    this.api = new Api({ port });
    /** The state that the server receives at its start. @type {Record<string, unknown>} */
    this.state = {};
  }

  async #isThere() {
    try {
      return (await this.api.get(CONTROL)).status === 200;
    } catch {
      return false;
    }
  }

  /** Returns all requests since the start. @returns {Promise<string[]>} */
  asked() {
    return this.api.expect(200, "GET", CONTROL);
  }

  /** @param {Record<string, unknown>} message an action, which is not part of the state */
  async tell(message) {
    await this.api.expect(200, "PUT", CONTROL, message);
  }

  /** @param {Record<string, unknown>} changes of the state */
  async change(changes) {
    Object.assign(this.state, changes);
    await this.tell(changes);
  }

  async start() {
    await super.start();
    await this.tell(this.state);
  }
}

/**
 * Starts a registry that ends with the test.
 * @template {Fake} T
 * @param {import("node:test").TestContext} context
 * @param {new (port: number) => T} Kind
 */
export async function startFake(context, Kind) {
  const registry = new Kind(await freePort());
  registry.endWith(context);
  await registry.start();
  return registry;
}
