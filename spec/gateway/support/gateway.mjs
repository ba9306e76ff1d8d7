/** A real nginx of a test: started from a generated nginx.conf, in a folder and on ports of its own. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api } from "./api.mjs";
import { atEnd, atExit } from "./cleanup.mjs";
import { makeDriver } from "./drivers/driver.mjs";
import { ErrorLog } from "./error_log.mjs";
import { nginxConf } from "./nginx_conf.mjs";
import { freePort } from "./ports.mjs";
import { membersOf, signal } from "./processes.mjs";
import { waitFor } from "./wait.mjs";

/** @typedef {import("./nginx_conf.mjs").Options} Options */

/** A worker that still has requests may take its time, but none of ours takes as long as this, in milliseconds. */
const patience = 20_000;

export class Gateway {
  #driver;

  /**
   * @param {Options} options
   * @param {{ folder: string, port: number, apiPort: number }} place
   * @param {import("./drivers/driver.mjs").Driver} driver
   */
  constructor(options, place, driver) {
    this.options = options;
    this.folder = place.folder;
    this.port = place.port;
    this.apiPort = place.apiPort;
    this.log = new ErrorLog(join(place.folder, "error.log"));
    this.api = new Api({ port: place.apiPort });
    this.#driver = driver;
  }

  /** Writes nginx.conf, with some options changed from now on. @param {Options} [changes] */
  configure(changes = {}) {
    this.options = { ...this.options, ...changes };
    writeFileSync(join(this.folder, "nginx.conf"), nginxConf(this.options, this));
  }

  get #places() {
    return ["-e", this.log.path, "-p", this.folder, "-c", join(this.folder, "nginx.conf")];
  }

  /** Starts nginx, and waits until every worker is there and the API answers. */
  async start() {
    const driver = this.#driver;
    await driver.launch(this.#places);
    await waitFor("nginx serves", async () => {
      if (driver.exitCode !== null)
        throw new Error(`nginx ended with ${driver.exitCode}: ${driver.complaint}`);
      return this.workers().length === (this.options.workers ?? 4) && (await this.api.isThere());
    });
  }

  /** Starts nginx with a configuration that it refuses. Returns how it ended. */
  async startInVain() {
    const driver = this.#driver;
    await driver.launch(this.#places);
    const timer = setTimeout(() => signal(-this.master, "SIGKILL"), patience);
    const code = await driver.ended();
    clearTimeout(timer);
    const { complaint } = driver;
    await driver.forget();
    return { code, complaint };
  }

  /** Has nginx test the configuration, as `nginx -t` does, with only problems printed. */
  testConfiguration() {
    return this.#driver.testConfiguration(["-tq", ...this.#places]);
  }

  get master() {
    const { master } = this.#driver;
    if (master === undefined) throw new Error("the gateway was not started");
    return master;
  }

  /** @returns {number[]} the pids of the workers, those included that finish after a reload */
  workers() {
    return membersOf(this.master).filter((pid) => pid !== this.master);
  }

  /** Reloads the configuration, and waits until new workers run. Those before may still have requests. */
  async reload() {
    const before = this.workers();
    const wanted = this.options.workers ?? 4;
    signal(this.master, "SIGHUP");
    await waitFor("a reload gives new workers", () => {
      return this.workers().filter((pid) => !before.includes(pid)).length >= wanted;
    });
    return before;
  }

  /** Kills a worker, and waits until another has taken its place. @param {number} [pid] */
  async killWorker(pid = this.workers()[0]) {
    const count = this.workers().length;
    // If it was just at the shared dict, nginx unlocks that, and says so.
    this.log.allow(new RegExp(`worker process ${pid} exited on signal 9|was locked by ${pid}$`));
    signal(pid, "SIGKILL");
    await waitFor("a worker takes the place of one that was killed", () => {
      const workers = this.workers();
      return !workers.includes(pid) && workers.length === count;
    });
  }

  /** Kills every process of this nginx at once. */
  async killAll() {
    signal(-this.master, "SIGKILL");
    await this.#allEnded();
  }

  /** Ends nginx as `nginx -s quit` does: requests are finished first. */
  async stop() {
    if (this.#driver.master === undefined) return this.#driver.forget();
    signal(this.master, "SIGQUIT");
    try {
      await this.#allEnded();
    } catch (cause) {
      signal(-this.master, "SIGKILL");
      await this.#allEnded();
      throw new Error("nginx did not stop within its time and was killed", { cause });
    }
  }

  async #allEnded() {
    const group = this.master;
    await waitFor("every process of nginx has ended", () => membersOf(group).length === 0, patience);
    await this.#driver.forget();
  }

  /** Asserts that no entry at `error` or above is in the log but those allowed. @param {RegExp[]} patterns */
  assertCleanLog(...patterns) {
    this.log.assertClean(...patterns);
  }
}

/**
 * Makes a gateway that is not started yet. When the test ends, it is stopped and its log must be clean.
 * @param {import("node:test").TestContext} context
 * @param {Options} [options]
 * @returns {Promise<Gateway>}
 */
export async function makeGateway(context, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-gateway-"));
  // Started by root, workers run as nobody.
  chmodSync(folder, 0o755);
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const cancel = atExit(remove);
  const place = { folder, port: await freePort(), apiPort: await freePort() };
  const gateway = new Gateway(options, place, await makeDriver());
  gateway.configure();
  atEnd(context, async () => {
    try {
      await gateway.stop();
      gateway.assertCleanLog();
    } finally {
      remove();
      cancel();
    }
  });
  return gateway;
}

/**
 * Makes a gateway and starts it.
 * @param {import("node:test").TestContext} context
 * @param {Options} [options]
 * @returns {Promise<Gateway>}
 */
export async function startGateway(context, options = {}) {
  const gateway = await makeGateway(context, options);
  await gateway.start();
  return gateway;
}
