import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureServer } from "../scripts/setup.mjs";
import * as configurations from "./configurations.mjs";
import { waitUntilServing } from "./client.mjs";
import { makeCertificate } from "./traffic.mjs";
import { freePort, start, stop, workerOf } from "./processes.mjs";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {configurations.Place} Place */
/** @typedef {import("./traffic.mjs").Traffic} Traffic */
/** @typedef {import("../scripts/server.mjs").Server} Server */

/**
 * Holds all files of a run and is removed when it ends. nginx's workers run as nobody and must have access.
 */
const home = mkdtempSync(join(tmpdir(), "sluice-bench-"));
chmodSync(home, 0o755);
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

let folders = 0;

/** Makes a folder for one server's files. */
export function newFolder() {
  folders += 1;
  const folder = join(home, String(folders));
  mkdirSync(folder);
  return folder;
}

/**
 * Returns the first `count` of many addresses of this machine, all with the same port.
 * @param {number} count
 * @param {number} port
 */
function loopbackAddresses(count, port) {
  return Array.from({ length: count }, (_, index) => {
    const [high, low] = [1 + Math.floor(index / 250), 1 + (index % 250)];
    return `127.0.${high}.${low}:${port}`;
  });
}

/**
 * Starts application servers.
 * @param {number} count
 * @param {boolean} [reports] whether each answer has a load report
 * @param {number} [bytes] the body of an answer; 0: a few bytes
 */
export async function startBackend(count, reports = false, bytes = 0) {
  const folder = newFolder();
  const port = await freePort();
  const addresses = loopbackAddresses(count, port);
  const file = join(folder, "nginx.conf");
  const answer = bytes > 0 ? "answer" : undefined;
  if (answer !== undefined) writeFileSync(join(folder, answer), "x".repeat(bytes));
  writeFileSync(file, configurations.backend(folder, addresses, reports, answer));
  const child = start("backend", [ensureServer().binary, "-p", folder, "-e", "error.log", "-c", file]);
  await waitUntilServing(port, addresses[0].split(":")[0]);
  return { addresses, stop: () => stop(child) };
}

/** A gateway to be measured. */
export class Gateway {
  /** @type {ChildProcess | undefined} */
  #child;
  /** The process that handles requests. */
  pid = 0;

  /**
   * @param {"nginx" | "haproxy"} program
   * @param {Place} place
   * @param {string} configuration
   * @param {Server} server the nginx that runs, if the program is nginx
   */
  constructor(program, place, configuration, server) {
    this.program = program;
    this.server = server;
    this.place = place;
    this.file = join(place.folder, "configuration");
    writeFileSync(this.file, configuration);
  }

  /**
   * Returns the process as soon as it exists; it may not be listening yet.
   * @param {string[]} [launcher] a command that runs it
   * @param {string[]} [parameters] more parameters of nginx
   */
  launch(launcher = [], parameters = []) {
    const nginx = [this.server.binary, "-p", this.place.folder, "-e", "error.log", "-c", this.file];
    const command =
      this.program === "nginx" ? [...nginx, ...parameters] : ["haproxy", "-db", "-f", this.file];
    this.#child = start("gateway", [...launcher, ...command]);
    return this.#child;
  }

  /** Finds the worker. The gateway must already answer requests. */
  async findWorker() {
    const child = /** @type {ChildProcess} */ (this.#child);
    this.pid = this.program === "nginx" ? await workerOf(child) : Number(child.pid);
  }

  /** @param {NodeJS.Signals} [signal] */
  async stop(signal) {
    if (this.#child !== undefined) await stop(this.#child, signal);
    this.#child = undefined;
  }

  /** Throws when the gateway has logged an error, because the measurement is then not valid. */
  checkLog() {
    const log = join(this.place.folder, "error.log");
    const text = existsSync(log) ? readFileSync(log, "utf8") : "";
    const bad = /^.*\[(error|crit|alert|emerg)\].*$/m.exec(text);
    if (bad !== null) throw new Error(`the gateway logged: ${bad[0]}`);
  }
}

/**
 * Makes a gateway without starting it.
 * @param {"nginx" | "haproxy"} program
 * @param {(place: Place) => string} configuration
 * @param {string[]} addresses
 * @param {number} keepalive
 * @param {object} [options]
 * @param {boolean} [options.reports] whether each answer of the servers has a load report
 * @param {Server} [options.server]
 * @param {boolean} [options.isSecure] whether clients can connect with TLS too
 */
export async function newGateway(program, configuration, addresses, keepalive, options = {}) {
  const { reports = false, server = ensureServer(), isSecure = false } = options;
  const { globalDirectives } = server;
  const ports = { port: await freePort(), apiPort: await freePort() };
  const folder = newFolder();
  const secure = isSecure ? makeCertificate(folder, await freePort()) : undefined;
  const place = { folder, ...ports, globalDirectives, addresses, keepalive, reports, secure };
  return new Gateway(program, place, configuration(place), server);
}
