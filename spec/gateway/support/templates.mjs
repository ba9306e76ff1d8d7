/** Helpers of the specs of templates: a gateway in which one registry feeds many upstreams. */
import { startGateway } from "./gateway.mjs";
import { PROBE_ERRORS } from "./health.mjs";
import { sluice } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** The path of the state of the registry. */
export const STATE = "/api/sluice/1/discovery";

/**
 * Returns the option `discovery` of setup for an etcd.
 * @param {import("./registries/etcd.mjs").Etcd} etcd
 * @param {object} [more] of `discovery`
 */
export const templateFor = (etcd, more = {}) => ({
  etcd: { endpoints: etcd.members.map(({ url }) => url), prefix: "/upstreams/{name}/" },
  ...more,
});

/**
 * Starts a gateway with a template.
 * @param {import("node:test").TestContext} context
 * @param {object} discovery the option `discovery` of setup
 * @param {import("./gateway.mjs").Options} [options]
 */
export async function startTemplate(context, discovery, options = {}) {
  // Otherwise nginx logs each failed connection to a registry as an error.
  const http = "lua_socket_log_errors off;";
  const { setup, ...more } = options;
  const gateway = await startGateway(context, { http, setup: { discovery, ...setup }, ...more });
  gateway.log.allow(PROBE_ERRORS);
  return gateway;
}

/** Returns the state of the registry. @param {import("./gateway.mjs").Gateway} gateway */
export function stateOf({ api }) {
  return api.expect(200, "GET", STATE);
}

/**
 * Waits until the state of the registry fulfils a condition, and returns it.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string} what
 * @param {(state: any) => boolean} condition
 */
export function waitForTemplate(gateway, what, condition) {
  return waitFor(what, async () => {
    const state = await stateOf(gateway);
    return condition(state) ? state : undefined;
  });
}

/** Returns the names of all upstreams, sorted. @param {import("./gateway.mjs").Gateway} gateway */
export async function namesOf({ api }) {
  return Object.keys(await api.expect(200, "GET", "/api/sluice/1/upstreams")).toSorted();
}

/**
 * Waits until the gateway has exactly these upstreams.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string[]} names
 * @param {number} [milliseconds]
 */
export async function waitForNames(gateway, names, milliseconds = 30_000) {
  let found = [];
  const wanted = JSON.stringify(names.toSorted());
  const areThere = async () => JSON.stringify((found = await namesOf(gateway))) === wanted;
  try {
    await waitFor("the upstreams are there", areThere, milliseconds);
  } catch {
    throw new Error(`the upstreams are ${JSON.stringify(found)} instead of ${wanted}`);
  }
}

/** Returns an upstream. @param {import("./gateway.mjs").Gateway} gateway @param {string} name */
export function upstreamOf({ api }, name) {
  return api.expect(200, "GET", sluice(name));
}
