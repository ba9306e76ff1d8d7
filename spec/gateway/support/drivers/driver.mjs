/**
 * Runs the gateways of the specs as processes of this machine or, with SLUICE_TEST_DRIVER=container, in
 * containers.
 */

/**
 * Runs one nginx at a time. The specs signal and count its processes by their pids on this machine.
 *
 * @typedef {object} Driver
 * @property {string} luaPackagePath the value of `lua_package_path` that finds Sluice
 * @property {(args: string[]) => Promise<void>} launch starts nginx with some arguments, without waiting
 * @property {number | undefined} master the pid of the master, which leads the group of its processes
 * @property {string} complaint the output of nginx to stderr since its launch
 * @property {number | null} exitCode null: nginx runs
 * @property {() => Promise<number | null>} ended waits until nginx has ended by itself; returns the exit code
 * @property {() => Promise<void>} forget must be called when every process has ended
 * @property {(args: string[]) => { code: number | null, complaint: string }} testConfiguration runs nginx to
 *   its end
 */

/** @returns {Promise<Driver>} */
export async function makeDriver() {
  const name = process.env.SLUICE_TEST_DRIVER ?? "process";
  // The modules for containers are loaded only when they are used, because loading takes time.
  if (name === "container") return new (await import("./container.mjs")).ContainerDriver();
  if (name === "process") return new (await import("./process.mjs")).ProcessDriver();
  throw new Error(`SLUICE_TEST_DRIVER=${name}: neither "process" nor "container"`);
}
