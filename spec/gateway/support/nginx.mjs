/** A real nginx of a test and its processes. */
import { membersOf, signal } from "./processes.mjs";
import { waitFor } from "./wait.mjs";

/**
 * How long workers may take to finish their requests, in milliseconds. No request of the specs takes this
 * long.
 */
const patience = 20_000;

/**
 * How many workers a configuration of the specs asks for, unless a test wants another number. Two can
 * disagree, and each further one costs a tenth of a second of CPU time at every start.
 */
let usualCount = 2;

/**
 * Gives each nginx of a file of specs another number of workers. It is called first in files about what
 * workers have in common.
 * @param {number} count
 */
export function useWorkers(count) {
  usualCount = count;
}

export class Nginx {
  #driver;

  /**
   * @param {import("./drivers/driver.mjs").Driver} driver
   * @param {string[]} args where its configuration is
   * @param {{ log: import("./error_log.mjs").ErrorLog, api: import("./api.mjs").Api }} parts
   */
  constructor(driver, args, { log, api }) {
    this.#driver = driver;
    this.args = args;
    this.log = log;
    this.api = api;
  }

  get luaPackagePath() {
    return this.#driver.luaPackagePath;
  }

  /** How many workers its configuration asks for. */
  get workerCount() {
    return usualCount;
  }

  /** Starts nginx, and waits until every worker is there and the API answers. */
  async start() {
    const driver = this.#driver;
    await driver.launch(this.args);
    await waitFor("nginx serves", async () => {
      if (driver.exitCode !== null)
        throw new Error(`nginx ended with ${driver.exitCode}: ${driver.complaint}`);
      return this.workers().length === this.workerCount && (await this.api.isThere());
    });
  }

  /** Starts nginx with a configuration that it refuses. Returns how it ended. */
  async startInVain() {
    const driver = this.#driver;
    await driver.launch(this.args);
    const timer = setTimeout(() => signal(-this.master, "SIGKILL"), patience);
    const code = await driver.ended();
    clearTimeout(timer);
    const { complaint } = driver;
    await driver.forget();
    return { code, complaint };
  }

  /** Has nginx test the configuration, as `nginx -t` does, with only problems printed. */
  testConfiguration() {
    return this.#driver.testConfiguration(["-tq", ...this.args]);
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
    const wanted = this.workerCount;
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
      await this.#noneRuns();
    } catch (cause) {
      signal(-this.master, "SIGKILL");
      await this.#allEnded();
      throw new Error("nginx did not stop within its time and was killed", { cause });
    }
    await this.#driver.forget();
  }

  async #allEnded() {
    await this.#noneRuns();
    await this.#driver.forget();
  }

  #noneRuns() {
    const group = this.master;
    return waitFor("every process of nginx has ended", () => membersOf(group).length === 0, patience);
  }
}
