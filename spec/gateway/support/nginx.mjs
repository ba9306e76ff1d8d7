/** An nginx of a test and its processes. */
import { membersOf, signal } from "./processes.mjs";
import { waitFor } from "./wait.mjs";

/**
 * Upper bound on the time until workers have finished their requests, in milliseconds. No request of the
 * specs takes this long.
 */
const patience = 20_000;

/**
 * The default number of workers in the specs. Two workers suffice to have different views of the state. Each
 * further worker costs a tenth of a second of CPU time at every start.
 */
let usualCount = 2;

/**
 * Sets another number of workers for each nginx of a file of specs. Files about data that workers share call
 * this first.
 * @param {number} count
 */
export function useWorkers(count) {
  usualCount = count;
}

export class Nginx {
  #driver;

  /**
   * @param {import("./drivers/driver.mjs").Driver} driver
   * @param {string[]} args the arguments that name its configuration
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

  /** The number of workers in its configuration. */
  get workerCount() {
    return usualCount;
  }

  /** Starts nginx, and waits until all workers run and the API answers. */
  async start() {
    const driver = this.#driver;
    await driver.launch(this.args);
    await waitFor("nginx serves", async () => {
      if (driver.exitCode !== null)
        throw new Error(`nginx ended with ${driver.exitCode}: ${driver.complaint}`);
      return this.workers().length === this.workerCount && (await this.api.isThere());
    });
  }

  /** Starts nginx with a configuration that it refuses. Returns its exit code and messages. */
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

  /** Tests the configuration with `nginx -tq`, which prints only problems. */
  testConfiguration() {
    return this.#driver.testConfiguration(["-tq", ...this.args]);
  }

  get master() {
    const { master } = this.#driver;
    if (master === undefined) throw new Error("the gateway was not started");
    return master;
  }

  /** @returns {number[]} the pids of the workers, including old workers that finish after a reload */
  workers() {
    return membersOf(this.master).filter((pid) => pid !== this.master);
  }

  /** Reloads the configuration, and waits until new workers run. Old workers may still have requests. */
  async reload() {
    const before = this.workers();
    const wanted = this.workerCount;
    signal(this.master, "SIGHUP");
    await waitFor("a reload gives new workers", () => {
      return this.workers().filter((pid) => !before.includes(pid)).length >= wanted;
    });
    return before;
  }

  /** Kills a worker, and waits until a new one replaces it. @param {number} [pid] */
  async killWorker(pid = this.workers()[0]) {
    const count = this.workers().length;
    // If the worker held the lock of the shared dict, nginx releases the lock and logs it.
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

  /** Ends nginx as `nginx -s quit` does: it finishes requests first. */
  async stop() {
    if (this.#driver.master === undefined) return this.#driver.forget();
    signal(this.master, "SIGQUIT");
    try {
      await this.#noneRuns();
    } catch (cause) {
      signal(-this.master, "SIGKILL");
      await this.#allEnded();
      throw new Error("nginx did not stop in time and was killed", { cause });
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
