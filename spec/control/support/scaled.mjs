/** Upstreams with `autoscale`: the reports of their servers, and the decisions. */
import { startBackends } from "../../gateway/support/backend.mjs";
import { startGateway } from "../../gateway/support/gateway.mjs";
import { allEvents } from "../../gateway/support/health.mjs";
import { sluice } from "../../gateway/support/upstreams.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** @typedef {import("../../gateway/support/api.mjs").Api} Api */

/** A rule without a delay, so that a test need not wait. */
export const WATER = { high: 0.8, low: 0.3, for: "0s", cooldown: "1s", min: 1, max: 9 };

/** A frequent update that does not change weights. */
export const LOOK = { update: "100ms", blackout: "1h" };

/**
 * Starts a gateway with an upstream `app` of active servers and standby servers.
 * @param {import("node:test").TestContext} context
 * @param {object} [wanted]
 * @param {number} [wanted.serving] the number of active servers
 * @param {number} [wanted.waiting] the number of standby servers
 * @param {object} [wanted.autoscale] differences from `WATER`
 * @param {object | null} [wanted.load] differences from `LOOK`; null: there is no `load`
 * @param {object} [wanted.standby] further parameters of the standby servers
 * @param {import("../../gateway/support/nginx_conf.mjs").Options} [options]
 */
export async function startScaled(context, wanted = {}, options = {}) {
  const { serving = 1, waiting = 1, autoscale = {}, load = {}, standby = {} } = wanted;
  const backends = await startBackends(context, serving + waiting);
  const app = {
    load: load === null ? undefined : { ...LOOK, ...load },
    autoscale: { ...WATER, ...autoscale },
    servers: backends.map(({ address }, index) =>
      index < serving ? { server: address } : { server: address, standby: true, ...standby },
    ),
  };
  const gateway = await startGateway(context, { workers: 2, upstreams: { app }, ...options });
  return { gateway, api: gateway.api, backends };
}

/**
 * Reports the utilizations of servers.
 * @param {Api} api
 * @param {number[]} utilizations by id; a server without one does not report
 * @param {string} [name]
 */
export async function report(api, utilizations, name = "app") {
  const posts = utilizations.map((utilization, id) =>
    api.expect(204, "POST", `${sluice(name)}/servers/${id}/report`, { utilization }),
  );
  await Promise.all(posts);
}

/** @param {Api} api @param {string} [name] @param {string} [query] */
export function explain(api, name = "app", query = "") {
  return api.expect(200, "GET", `${sluice(name)}/explain${query}`);
}

/**
 * @typedef {object} DecisionEvent
 * @property {string} time
 * @property {number} [id]
 * @property {string} [server]
 * @property {"scale_out" | "scale_in"} decision
 * @property {boolean} [dry_run]
 * @property {string} reason
 * @property {Record<string, number>} inputs
 */

/**
 * Returns all decisions, the oldest first.
 * @param {Api} api
 * @param {string} [name]
 * @returns {Promise<DecisionEvent[]>}
 */
export async function decisionsOf(api, name = "app") {
  const events = /** @type {any[]} */ (await allEvents(api));
  return events.filter(({ upstream, decision }) => upstream === name && decision !== undefined);
}

/**
 * Waits until there are `count` decisions, and returns all of them.
 * @param {Api} api
 * @param {number} count
 * @param {string} [name]
 */
export function waitForDecisions(api, count, name = "app") {
  return waitFor(
    `decision ${count}`,
    async () => {
      const decisions = await decisionsOf(api, name);
      return decisions.length >= count && decisions;
    },
    20_000,
  );
}

/**
 * Returns the decisions as texts with the id of the server, such as `scale_out 2`.
 * @param {DecisionEvent[]} decisions
 */
export function told(decisions) {
  return decisions.map(({ decision, id }) => `${decision} ${id ?? "?"}`);
}

/** Returns the milliseconds between decisions. @param {DecisionEvent[]} decisions */
export function pauses(decisions) {
  return decisions.slice(1).map(({ time }, index) => Date.parse(time) - Date.parse(decisions[index].time));
}

/**
 * Returns the states of all servers, by id.
 * @param {Api} api
 * @param {string} [name]
 * @returns {Promise<string[]>}
 */
export async function statesOf(api, name = "app") {
  const { servers } = await explain(api, name);
  return servers.map(({ state }) => state);
}
