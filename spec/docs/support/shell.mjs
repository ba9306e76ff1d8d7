/**
 * One bash for all blocks of a page, so that later blocks can use variables, functions and background
 * processes of earlier ones.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd, atExit } from "../../gateway/support/cleanup.mjs";
import { signal } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

const functions = fileURLToPath(new URL("shell_functions.sh", import.meta.url));

/** Time-out of a block, in milliseconds. */
const patience = 120_000;

/**
 * The result of a block of shell commands.
 *
 * @typedef {object} Result
 * @property {boolean} ok whether every command has succeeded
 * @property {string} stdout
 * @property {string} stderr without the statuses that shell_functions.sh writes
 * @property {{ line: number, status: number }[]} answers the statuses of curl's answers, with the lines of
 *   the commands in the block
 */

export class Shell {
  #count = 0;
  #process;

  /**
   * @param {import("node:test").TestContext} context
   * @param {{ scripts: string, folder: string, environment: Record<string, string> }} place `scripts`: for
   *   the files of this class; `folder`: the working folder of the commands
   */
  constructor(context, { scripts, folder, environment }) {
    this.scripts = scripts;
    const env = { ...process.env, ...environment };
    const stdio = /** @type {const} */ (["pipe", "ignore", "ignore"]);
    this.#process = spawn("bash", ["--noprofile", "--norc"], { cwd: folder, env, stdio, detached: true });
    this.#process.stdin.on("error", () => {});
    const group = Number(this.#process.pid);
    const kill = () => signal(-group, "SIGKILL");
    const cancel = atExit(kill);
    atEnd(context, () => {
      kill();
      cancel();
    });
    this.#process.stdin.write(`source '${functions}'\n`);
  }

  /**
   * Runs a block, and waits for its end. A block that fails ends the shell.
   * @param {string} text
   * @returns {Promise<Result>}
   */
  async run(text) {
    this.#count += 1;
    const file = (kind) => join(this.scripts, `block_${this.#count}.${kind}`);
    writeFileSync(file("sh"), text);
    for (const kind of ["out", "err", "done"]) writeFileSync(file(kind), "");
    this.#process.stdin.write(
      `source '${file("sh")}' < /dev/null > '${file("out")}' 2> '${file("err")}'; echo yes > '${file("done")}'\n`,
    );
    const isDone = () => readFileSync(file("done"), "utf8") !== "";
    await waitFor(
      `the block ends:\n${text}`,
      () => isDone() || this.#process.exitCode !== null || this.#process.signalCode !== null,
      patience,
    );
    return { ok: isDone(), stdout: readFileSync(file("out"), "utf8"), ...readNotes(file("err"), file("sh")) };
  }
}

/**
 * Separates the statuses that shell_functions.sh writes from the other lines of stderr.
 * @param {string} path the file with the output to stderr
 * @param {string} script the file of the block
 */
function readNotes(path, script) {
  const answers = [];
  const others = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [, source, number, status] = /^\[(.*):(\d+) status (\d+)\]$/.exec(line) ?? [];
    if (source === script) answers.push({ line: Number(number), status: Number(status) });
    else if (source === undefined) others.push(line);
  }
  return { answers, stderr: others.join("\n").trim() };
}
