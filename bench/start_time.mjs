import { openClient } from "./client.mjs";
import { median } from "./statistics.mjs";
import { trafficPath } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/**
 * Starts a gateway again and again from its saved state. Leaves it running.
 * @param {Gateway} gateway
 * @param {number} upstreams how many it stores
 * @param {number} repetitions
 * @returns {Promise<number>} milliseconds from the start of the process to the first answer of an application server,
 *   the median
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
