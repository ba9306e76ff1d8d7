/** A gateway of a test with a generated nginx.conf, a temporary folder and free ports. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Api } from "./api.mjs";
import { atEnd } from "./cleanup.mjs";
import { makeDriver } from "./drivers/driver.mjs";
import { ErrorLog } from "./error_log.mjs";
import { makeFolder } from "./folder.mjs";
import { Nginx } from "./nginx.mjs";
import { nginxConf } from "./nginx_conf.mjs";
import { freePort } from "./ports.mjs";

/** @typedef {import("./nginx_conf.mjs").Options} Options */

export class Gateway extends Nginx {
  /**
   * @param {Options} options
   * @param {{ folder: string, port: number, apiPort: number }} place
   * @param {import("./drivers/driver.mjs").Driver} driver
   */
  constructor(options, { folder, port, apiPort }, driver) {
    const log = new ErrorLog(join(folder, "error.log"));
    const args = ["-e", log.path, "-p", folder, "-c", join(folder, "nginx.conf")];
    super(driver, args, { log, api: new Api({ port: apiPort }) });
    this.options = options;
    this.folder = folder;
    this.port = port;
    this.apiPort = apiPort;
  }

  /** Changes some options, and writes nginx.conf. @param {Options} [changes] */
  configure(changes = {}) {
    this.options = { ...this.options, ...changes };
    writeFileSync(join(this.folder, "nginx.conf"), nginxConf(this.options, this));
  }

  /** @override */
  get workerCount() {
    return this.options.workers ?? super.workerCount;
  }

  /** Asserts that all log entries at `error` or above are allowed. @param {RegExp[]} patterns */
  assertCleanLog(...patterns) {
    this.log.assertClean(...patterns);
  }
}

/**
 * Makes a gateway without starting it. When the test ends, it is stopped and its log must be clean.
 * @param {import("node:test").TestContext} context
 * @param {Options} [options]
 * @param {import("./drivers/driver.mjs").Driver} [driver] default: makeDriver()
 * @returns {Promise<Gateway>}
 */
export async function makeGateway(context, options = {}, driver = undefined) {
  const place = { folder: makeFolder(context, "gateway"), port: await freePort(), apiPort: await freePort() };
  const gateway = new Gateway(options, place, driver ?? (await makeDriver()));
  gateway.configure();
  atEnd(context, async () => {
    await gateway.stop();
    gateway.assertCleanLog();
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
