/** Unused ports of 127.0.0.1. */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * The range is below the ports for outgoing connections, so that no connection takes the port of a gateway
 * while it restarts.
 */
const lowest = 20_000;
const highest = 32_000;
/** Each of the specs that run at the same time has a slice of the range. */
const slices = 10;
const sliceSize = (highest - lowest) / slices;

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

/** @type {Promise<number> | undefined} */
let ownSlice;

/** Reserves a slice for the lifetime of this process by listening on a port below the range. */
async function takeSlice() {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    for (let slice = 0; slice < slices; slice += 1) {
      const mark = createServer();
      const isTaken = await new Promise((resolve) => {
        mark.once("error", () => resolve(true));
        mark.listen(lowest - 1 - slice, "127.0.0.1", () => resolve(false));
      });
      if (!isTaken) {
        mark.unref();
        return slice;
      }
    }
    await sleep(100);
  }
  throw new Error(`all ${slices} slices of ports are taken`);
}

/**
 * @returns {Promise<number>} a port that this process has not used before and that no other process gets
 * meanwhile
 */
export async function freePort() {
  ownSlice ??= takeSlice();
  const first = lowest + (await ownSlice) * sliceSize;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = first + Math.floor(Math.random() * sliceSize);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`found no free port from ${lowest} to ${highest}`);
}
