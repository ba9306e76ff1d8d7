/** Runs the command `sluice`, as a user does: as a process, with or without a terminal. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "../../../scripts/command.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

export const program = join(root, "bin", "sluice.mjs");

/**
 * @typedef {object} Result
 * @property {number | null} status
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * A user with a home folder, who works in that folder.
 */
export class User {
  /**
   * @param {import("node:test").TestContext} context
   * @param {Record<string, string>} [environment]
   */
  constructor(context, environment = {}) {
    this.context = context;
    this.home = makeFolder(context, "user");
    const { PATH = "" } = process.env;
    this.environment = { PATH, HOME: this.home, TZ: "UTC", TERM: "xterm", ...environment };
  }

  /** Writes a file below the home folder. Returns its path. @param {string} name @param {string} content */
  write(name, content) {
    const path = join(this.home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** @param {string} file @param {string[]} args */
  #spawn(file, args) {
    return spawn(file, args, { cwd: this.home, env: this.environment });
  }

  /**
   * Runs the command without a terminal.
   * @param {string[]} args
   * @param {string} [input]
   * @returns {Promise<Result>}
   */
  async run(args, input = "") {
    const child = this.#spawn(process.execPath, [program, ...args]);
    child.stdin.on("error", () => {}).end(input);
    const ended = new Promise((resolve) => child.on("close", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { status: await ended, stdout, stderr };
  }

  /**
   * Runs the command, which must succeed and must not warn. Returns its output.
   * @param {...string} args
   */
  async sluice(...args) {
    const { status, stdout, stderr } = await this.run(args);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" }, `sluice ${args.join(" ")}: ${stdout}`);
    return stdout;
  }

  /**
   * Runs the command, which must fail with one line. Returns that line without "sluice: ".
   * @param {...string} args
   */
  async fails(...args) {
    const { status, stdout, stderr } = await this.run(args);
    assert.equal(status, 1, `sluice ${args.join(" ")}: ${stdout}${stderr}`);
    assert.match(stderr, /^sluice: [^\n]+\n$/);
    return stderr.slice("sluice: ".length, -1);
  }

  /**
   * Starts the command without a terminal. It is stopped when the test ends.
   * @param {...string} args
   */
  start(...args) {
    return this.#follow(this.#spawn(process.execPath, [program, ...args]));
  }

  /**
   * Starts the command in a pseudo-terminal, which util-linux's `script` provides.
   * @param {...string} args
   */
  startInTerminal(...args) {
    const quoted = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    return this.#follow(this.#spawn("script", ["-q", "-e", "-c", quoted.join(" "), "/dev/null"]));
  }

  /** @param {import("node:child_process").ChildProcessWithoutNullStreams} child */
  #follow(child) {
    const running = new Running(child);
    atEnd(this.context, () => running.stop());
    return running;
  }
}

/** A command that runs. */
export class Running {
  output = "";

  /** @param {import("node:child_process").ChildProcessWithoutNullStreams} child */
  constructor(child) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece) => (this.output += piece));
    child.stdin.on("error", () => {});
    /** @type {Promise<number | null>} */
    this.ended = new Promise((resolve) => child.on("close", resolve));
  }

  /** Waits until the output matches. @param {RegExp} pattern */
  async shows(pattern) {
    await waitFor(`output that matches ${pattern}`, () => pattern.test(this.output)).catch((cause) => {
      throw new Error(`${cause.message}; it is ${JSON.stringify(this.output)}`);
    });
  }

  /** Types on the terminal. @param {string} keys */
  type(keys) {
    this.child.stdin.write(keys);
  }

  stop() {
    this.child.kill();
    return this.ended;
  }
}

/**
 * Makes a user of a gateway's API.
 * @param {import("node:test").TestContext} context
 * @param {{ apiPort: number }} gateway
 */
export function userOf(context, { apiPort }) {
  return new User(context, { SLUICE_ADDRESS: `http://127.0.0.1:${apiPort}` });
}
