/** Upstreams with outlier detection, and the events of their ejections. */
import assert from "node:assert/strict";
import { startBackends } from "./backend.mjs";
import { startGateway } from "./gateway.mjs";
import { ask } from "./load.mjs";
import { settledPeersOf } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/**
 * Starts an upstream `app` in which only outlier detection makes servers unavailable.
 * @param {import("node:test").TestContext} context
 * @param {number} count
 * @param {object} outlier_detection
 */
export async function startWatched(context, count, outlier_detection) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const upstreams = { app: { servers, outlier_detection } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  return { gateway, backends };
}

/**
 * @typedef {object} Ejection
 * @property {string} server
 * @property {string} reason
 * @property {number} from in milliseconds
 * @property {number} to
 * @property {number} seconds
 * @property {number} number of the event
 * @property {number} over the number of the event at the end of the ejection; Infinity: there is no such
 *   event
 */

/**
 * Returns the ejections so far, the oldest first.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @returns {Promise<Ejection[]>}
 */
export async function ejectionsOf({ api }) {
  const events = await api.expect(200, "GET", "/api/sluice/1/events");
  return events.flatMap(({ number, server, time, reason, old_state, new_state }) => {
    const [, why, seconds] = /^(.*): ejected for ([\d.]+) s$/.exec(reason) ?? [];
    if (seconds === undefined) return [];
    assert.deepEqual([old_state, new_state], ["up", "unavail"]);
    const from = Date.parse(time);
    const to = from + Number(seconds) * 1000;
    const end = events.find(
      (event) =>
        event.server === server &&
        event.reason === "its ejection is over" &&
        Date.parse(event.time) >= to - 1,
    );
    const over = end?.number ?? Infinity;
    return [{ server, reason: why, from, to, seconds: Number(seconds), number, over }];
  });
}

/**
 * Sends one request, and waits until it is counted. nginx counts a request after its client has the answer,
 * so the next request might otherwise be counted first.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string} path
 * @param {{ method?: string }} [options]
 */
export async function askInTurn(gateway, path, options) {
  await ask(gateway.port, path, options);
  await settledPeersOf(gateway.api);
}

/**
 * Sends requests one after the other until `count` ejections are recorded.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {number} count
 * @param {string} [path]
 */
export function askUntilEjected(gateway, count, path) {
  return waitFor(`${count} ejections`, async () => {
    await ask(gateway.port, path);
    const ejections = await ejectionsOf(gateway);
    return ejections.length >= count && ejections;
  });
}
