/** Ports of 127.0.0.1 that nobody uses. */
import { createServer } from "node:net";

/**
 * Below the ports that the system gives to outgoing connections: none of these may take a gateway's port while it
 * restarts.
 */
const lowest = 20_000;
const highest = 32_000;

/** @type {Set<number>} */
const given = new Set();

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** @returns {Promise<number>} a port that this process is given once */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`found no free port from ${lowest} to ${highest}`);
}
