/** Runs a gateway as a process of this machine. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { ensureServer, root } from "../../../../scripts/setup.mjs";
import { forgetGroup, startGroup } from "../processes.mjs";

/** @implements {import("./driver.mjs").Driver} */
export class ProcessDriver {
  #server = ensureServer();
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #master;
  complaint = "";
  luaPackagePath = `${root}/dist/?.lua;;`;

  /**
   * @param {Record<string, string>} [environment] additional variables of nginx's environment
   * @param {number | "ignore"} [stdout] of nginx: a descriptor
   */
  constructor(environment, stdout) {
    this.environment = environment;
    this.stdout = stdout;
  }

  /** @param {string[]} args */
  async launch(args) {
    this.complaint = "";
    const all = [...args, "-g", `daemon off; ${this.#server.globalDirectives}`];
    this.#master = startGroup(this.#server.binary, all, this.environment, this.stdout);
    this.#master.stderr?.setEncoding("utf8").on("data", (text) => (this.complaint += text));
  }

  get master() {
    return this.#master?.pid;
  }

  get exitCode() {
    return this.#master?.exitCode ?? null;
  }

  async ended() {
    const [code] = await once(this.#master, "close");
    return code;
  }

  async forget() {
    if (this.master !== undefined) forgetGroup(this.master);
    this.#master = undefined;
  }

  /** @param {string[]} args */
  testConfiguration(args) {
    const { binary, globalDirectives } = this.#server;
    const { status, stderr } = spawnSync(binary, [...args, "-g", globalDirectives], { encoding: "utf8" });
    return { code: status, complaint: stderr };
  }
}
