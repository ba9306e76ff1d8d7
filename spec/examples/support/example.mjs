/** An example of examples/, started from its own files: only ports, the number of workers and dist/'s path are others. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureServer, root } from "../../../scripts/setup.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { ErrorLog } from "../../gateway/support/error_log.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { forgetGroup, membersOf, signal, startGroup } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";
import { commandsOf, replaceIn } from "./files.mjs";

export const workers = 4;

/** A worker that still has requests may take its time, but none of ours takes as long as this, in milliseconds. */
const patience = 20_000;

const execute = promisify(execFile);

export class Example {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #master;
  #complaint = "";

  /**
   * @param {string} name of its folder in examples/
   * @param {string} folder the test's own, which has a copy
   * @param {Map<number, number>} ports the test's own, by those of the example
   */
  constructor(name, folder, ports) {
    this.name = name;
    this.folder = folder;
    this.ports = ports;
    this.log = new ErrorLog(join(folder, ".sluice", "error.log"));
    this.api = new Api({ port: this.port(8081) });
  }

  /** The port that stands in for one of the example's. @param {number} written in the example's files */
  port(written) {
    const port = this.ports.get(written);
    if (port === undefined) throw new Error(`examples/${this.name}: ${written} is none of the ports`);
    return port;
  }

  /** A text of the example, with the test's ports. @param {string} text */
  translate(text) {
    return text.replace(/\b\d{4}\b/g, (digits) => String(this.ports.get(Number(digits)) ?? digits));
  }

  /** Changes nginx.conf for the next start. @param {[from: string, to: string][]} replacements each must be there once */
  configure(...replacements) {
    const path = join(this.folder, "nginx.conf");
    writeFileSync(
      path,
      replaceIn(readFileSync(path, "utf8"), `examples/${this.name}/nginx.conf`, replacements),
    );
  }

  /** The commands below a heading of the example's README, with the test's ports. @param {string} heading */
  commands(heading) {
    return commandsOf(join(root, "examples", this.name, "README.md"), heading).map((line) =>
      this.translate(line),
    );
  }

  /** Runs a command in the example's folder, as one pastes it. Returns what it prints. @param {string} command */
  async run(command) {
    return (await execute("bash", ["-c", command], { cwd: this.folder })).stdout;
  }

  /** Runs a command of the README that asks the API, and reads the answer. @param {string} command */
  async ask(command) {
    const printed = await this.run(command);
    return printed === "" ? undefined : JSON.parse(printed);
  }

  async start() {
    const { binary, globalDirectives } = ensureServer();
    const args = [
      "-e",
      "stderr",
      "-p",
      this.folder,
      "-c",
      "nginx.conf",
      "-g",
      `daemon off; ${globalDirectives}`,
    ];
    this.#complaint = "";
    this.#master = startGroup(binary, args);
    this.#master.stderr?.setEncoding("utf8").on("data", (text) => (this.#complaint += text));
    const master = this.#master;
    await waitFor(`examples/${this.name} serves`, async () => {
      if (master.exitCode !== null)
        throw new Error(`nginx ended with ${master.exitCode}: ${this.#complaint}`);
      return this.workers().length === workers && (await this.api.isThere());
    });
  }

  /** @returns {number[]} the pids of the workers, those included that finish after a reload */
  workers() {
    return membersOf(this.#group).filter((pid) => pid !== this.#group);
  }

  /** Reloads nginx.conf, and waits until new workers run. Those before may still have requests. */
  async reload() {
    const before = this.workers();
    signal(this.#group, "SIGHUP");
    await waitFor("a reload gives new workers", () => {
      return this.workers().filter((pid) => !before.includes(pid)).length === workers;
    });
  }

  get #group() {
    if (this.#master?.pid === undefined) throw new Error(`examples/${this.name} was not started`);
    return this.#master.pid;
  }

  /** Ends nginx: requests are finished first. */
  async stop() {
    if (this.#master === undefined) return;
    const group = this.#group;
    const allEnded = () =>
      waitFor(`no process of examples/${this.name} is left`, () => membersOf(group).length === 0, patience);
    signal(group, "SIGQUIT");
    try {
      await allEnded();
    } catch (cause) {
      signal(-group, "SIGKILL");
      await allEnded();
      throw new Error("nginx did not stop within its time and was killed", { cause });
    } finally {
      forgetGroup(group);
      this.#master = undefined;
    }
  }
}

/**
 * Copies an example to a folder of the test's own, on ports of its own. When the test ends, it is stopped and its log
 * must be clean.
 * @param {import("node:test").TestContext} context
 * @param {string} name of its folder in examples/
 * @param {number[]} written every port in its nginx.conf and README, which are all replaced
 */
export async function makeExample(context, name, written) {
  const folder = makeFolder(context, `example-${name}`);
  cpSync(join(root, "examples", name), folder, {
    recursive: true,
    filter: (path) => !path.endsWith(".sluice"),
  });
  mkdirSync(join(folder, ".sluice"));
  const ports = new Map();
  for (const port of written) ports.set(port, await freePort());

  const example = new Example(name, folder, ports);
  const path = join(folder, "nginx.conf");
  writeFileSync(path, replacePorts(readFileSync(path, "utf8"), example));
  example.configure(
    ["$prefix/../../dist/", `${root}/dist/`],
    ["worker_processes auto;", `worker_processes ${workers};`],
  );
  atEnd(context, async () => {
    await example.stop();
    example.log.assertClean();
  });
  return example;
}

/**
 * Replaces the ports of an nginx.conf, all of which must be known.
 * @param {string} text
 * @param {Example} example
 */
function replacePorts(text, example) {
  return text.replace(/(127\.0\.0\.1):(\d+)/g, (_, host, port) => `${host}:${example.port(Number(port))}`);
}

/**
 * Copies an example, and starts it.
 * @param {import("node:test").TestContext} context
 * @param {string} name
 * @param {number[]} written
 */
export async function startExample(context, name, written) {
  const example = await makeExample(context, name, written);
  await example.start();
  return example;
}
