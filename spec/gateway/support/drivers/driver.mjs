/** What runs the gateways of the specs: a process here, or with SLUICE_TEST_IMAGE a container of that image. */

/**
 * Runs one nginx at a time. Its processes are signalled and counted by their pids, which are this machine's in either case.
 *
 * @typedef {object} Driver
 * @property {(args: string[]) => Promise<void>} launch starts nginx with some arguments, and does not wait for it
 * @property {number | undefined} master the pid of the master, which leads the group of its processes
 * @property {string} complaint what nginx wrote to stderr since it was launched
 * @property {number | null} exitCode null: it runs
 * @property {() => Promise<number | null>} ended waits until it has ended by itself; gives its exit code
 * @property {() => Promise<void>} forget has to be called when every process has ended
 * @property {(args: string[]) => { code: number | null, complaint: string }} testConfiguration runs nginx to its end
 */

/** @returns {Promise<Driver>} */
export async function makeDriver() {
  const image = process.env.SLUICE_TEST_IMAGE;
  if (image !== undefined) {
    const { ContainerDriver } = await import("./container.mjs");
    return new ContainerDriver(image);
  }
  const { ProcessDriver } = await import("./process.mjs");
  return new ProcessDriver();
}
