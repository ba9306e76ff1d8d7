/** A server in a separate process, which can be killed, or frozen with a full backlog. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMain } from "../../../scripts/command.mjs";
import { Backend } from "./backend.mjs";
import { atEnd } from "./cleanup.mjs";
import { freePort } from "./ports.mjs";
import { forgetGroup, isRunning, signal, startGroup } from "./processes.mjs";
import { waitFor } from "./wait.mjs";

const host = "127.0.0.1";
/** Large enough for simultaneous connections of all workers, and small enough to fill. */
const BACKLOG = 64;

if (isMain(import.meta.url)) {
  const port = Number(process.argv[2]);
  await new Backend(`${host}:${port}`).listen({ host, port, backlog: BACKLOG });
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(), 1000);
}

export class ServerProcess {
  #group = 0;
  /** @type {import("node:net").Socket[]} */
  #filling = [];

  /** @param {number} port */
  constructor(port) {
    this.port = port;
    this.address = `${host}:${port}`;
  }

  async start() {
    const child = startGroup(process.execPath, [fileURLToPath(import.meta.url), String(this.port)]);
    this.#group = Number(child.pid);
    await waitFor(`${this.address} listens`, () => this.#listens());
  }

  #listens() {
    return new Promise((resolve) => {
      const socket = connect(this.port, host);
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("close", () => resolve(false)).once("connect", () => socket.destroy());
    });
  }

  /** Kills the server, even in the middle of an answer. */
  async kill() {
    const group = this.#group;
    if (group === 0) return;
    signal(-group, "SIGKILL");
    await waitFor(`${this.address} has ended`, () => !isRunning(group));
    forgetGroup(group);
    this.#group = 0;
    this.#empty();
  }

  /** Freezes the server and fills its backlog, so that further connections wait. */
  async hang() {
    signal(-this.#group, "SIGSTOP");
    for (let number = 0; number < BACKLOG + 8; number += 1)
      this.#filling.push(connect(this.port, host).on("error", () => {}));
    await waitFor("the backlog is full", async () => {
      await sleep(100);
      return this.#filling.filter(({ connecting }) => connecting).length >= 4;
    });
  }

  /** Lets the server continue. */
  goOn() {
    this.#empty();
    signal(-this.#group, "SIGCONT");
  }

  #empty() {
    for (const socket of this.#filling) socket.destroy();
    this.#filling = [];
  }
}

/**
 * Starts a server that answers 200 and ends with the test.
 * @param {import("node:test").TestContext} context
 */
export async function startServerProcess(context) {
  const server = new ServerProcess(await freePort());
  atEnd(context, () => server.kill());
  await server.start();
  return server;
}
