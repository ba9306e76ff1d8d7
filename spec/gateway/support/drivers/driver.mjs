/**
 * Runs the gateways of the specs: as processes of this machine or, with SLUICE_TEST_DRIVER=container, in
 * containers.
 */

/**
 * Runs one nginx at a time. Its processes are signalled and counted by their pids, which are this machine's
 * in either case.
 *
 * @typedef {object} Driver
 * @property {string} luaPackagePath where its Sluice is, as `lua_package_path` wants it
 * @property {(args: string[]) => Promise<void>} launch starts nginx with some arguments, and does not wait
 *   for it
 * @property {number | undefined} master the pid of the master, which leads the group of its processes
 * @property {string} complaint what nginx wrote to stderr since it was launched
 * @property {number | null} exitCode null: it runs
 * @property {() => Promise<number | null>} ended waits until it has ended by itself; gives its exit code
 * @property {() => Promise<void>} forget has to be called when every process has ended
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
