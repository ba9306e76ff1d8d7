/**
 * A registry in a separate process, which can be stopped, killed, frozen and started again with the same
 * data.
 */
import { atEnd } from "../cleanup.mjs";
import { forgetGroup, isRunning, signal, startGroup } from "../processes.mjs";
import { waitFor } from "../wait.mjs";

export class Program {
  #pid = 0;
  /** Its output on stderr since its start. */
  complaint = "";

  /**
   * @param {string} binary
   * @param {string[]} args
   * @param {() => boolean | Promise<boolean>} isThere whether the program serves
   */
  constructor(binary, args, isThere) {
    this.binary = binary;
    this.args = args;
    this.isThere = isThere;
  }

  /** @param {import("node:test").TestContext} context the test with which the program ends */
  endWith(context) {
    atEnd(context, () => this.stop("SIGKILL"));
  }

  async start() {
    this.launch();
    await waitFor(`${this.binary} serves`, () => {
      if (!isRunning(this.#pid)) throw new Error(`${this.binary} has ended: ${this.complaint.slice(-2000)}`);
      return this.isThere();
    });
  }

  /** Starts the program without waiting for it. */
  launch() {
    this.complaint = "";
    const child = startGroup(this.binary, this.args);
    child.stderr?.setEncoding("utf8").on("data", (text) => (this.complaint += text));
    this.#pid = Number(child.pid);
  }

  /** Whether the program has ended by itself. */
  hasEnded() {
    return this.#pid !== 0 && !isRunning(this.#pid);
  }

  /** @param {NodeJS.Signals} [how] */
  async stop(how = "SIGTERM") {
    const pid = this.#pid;
    if (pid === 0) return;
    if (how !== "SIGKILL") signal(-pid, "SIGCONT");
    signal(-pid, how);
    await waitFor(`${this.binary} has ended`, () => !isRunning(pid));
    forgetGroup(pid);
    this.#pid = 0;
  }

  /** Freezes the program. Its connections stay open. */
  freeze() {
    signal(-this.#pid, "SIGSTOP");
  }

  /** Lets the program continue. */
  thaw() {
    signal(-this.#pid, "SIGCONT");
  }
}
