/** An agent beside a server, as HAProxy's `agent-check` uses it. */
import { once } from "node:events";
import { createServer } from "node:net";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

export class Agent {
  /**
   * Its answer; undefined: the agent does not answer, and the connection stays open.
   * @type {string | undefined}
   */
  answer = "up\n";
  /** Whether the agent closes the connection after its answer. */
  closes = true;
  /** The text that the agent expects before it answers. */
  question = "";
  /** Numbers of accepted connections, of open connections, and the maximum of open connections. */
  connections = 0;
  open = 0;
  mostOpen = 0;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();

  constructor() {
    this.server = createServer((socket) => this.#accept(socket));
  }

  /** @param {import("node:net").Socket} socket */
  #accept(socket) {
    this.connections += 1;
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.open -= 1;
      this.#sockets.delete(socket);
    });
    let heard = "";
    const speak = () => {
      if (heard !== this.question) return;
      if (this.answer !== undefined) socket.write(this.answer, "latin1");
      if (this.closes && this.answer !== undefined) socket.end();
    };
    socket.setEncoding("latin1").on("data", (text) => {
      heard += text;
      speak();
    });
    if (this.question === "") speak();
  }

  /** Waits until the agent has been asked again and has answered completely. */
  async asked() {
    const wanted = this.connections + 2;
    await waitFor("the agent is asked", () => this.connections >= wanted);
  }

  /** Stops accepting connections. */
  async leave() {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Starts an agent that ends with the test. @param {import("node:test").TestContext} context */
export async function startAgent(context, host = "127.0.0.1") {
  const agent = new Agent();
  const port = await freePort();
  agent.server.listen(port, host);
  await once(agent.server, "listening");
  atEnd(context, () => agent.leave());
  return Object.assign(agent, { port });
}
