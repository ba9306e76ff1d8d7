import { openClient } from "./client.mjs";
import { median } from "./statistics.mjs";
import { trafficPath } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * Starts a gateway repeatedly from its saved state, and leaves it running.
 * @param {Gateway} gateway
 * @param {number} upstreams number of stored upstreams
 * @param {number} repetitions
 * @returns {Promise<number>} the median time from the start of the process to the first answer of an
 *   application server, in milliseconds
 */
export async function measureStart(gateway, upstreams, repetitions) {
  const times = [];
  for (let turn = 0; turn < repetitions; turn += 1) {
    await gateway.stop();
    const started = performance.now();
    gateway.launch();
    const client = await openClient(gateway.place.port);
    await client.expect(200, "GET", trafficPath(upstreams - 1));
    times.push(performance.now() - started);
    client.close();
    await gateway.findWorker();
  }
  return median(times);
}
