/** Helpers of the specs of discovery: a gateway that follows a registry, with traffic. */
import assert from "node:assert/strict";
import { startGateway } from "./gateway.mjs";
import { PROBE_ERRORS } from "./health.mjs";
import { startLoad } from "./load.mjs";
import { serversOf, sluice } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** Load during failures and changes of a registry, for up to a minute: about 700 requests per second. */
const STEADY = { connections: 16, pause: 20 };

/** Returns the status of an upstream's registry. @param {import("./api.mjs").Api} api */
export function discoveryOf(api, upstream = "app") {
  return api.expect(200, "GET", `${sluice(upstream)}/discovery`);
}

/**
 * Waits until an upstream's registry is in a state, and returns its status.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {"starting" | "ok" | "failing"} state
 * @param {string} [upstream]
 */
export function waitForState({ api }, state, upstream) {
  return waitFor(`the registry is ${state}`, async () => {
    const found = await discoveryOf(api, upstream);
    return found.state === state ? found : undefined;
  });
}

/**
 * Waits until an upstream has exactly these servers.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string[]} addresses
 * @param {number} [milliseconds] 0: it must have them now
 */
export async function waitForServers({ api }, addresses, milliseconds = 30_000, upstream = "app") {
  let found = [];
  const wanted = addresses.toSorted();
  const isThere = async () => {
    found = (await api.expect(200, "GET", serversOf(upstream))).map(({ server }) => server).toSorted();
    return JSON.stringify(found) === JSON.stringify(wanted);
  };
  try {
    await waitFor("the servers are there", isThere, milliseconds);
  } catch {
    assert.deepEqual(found, wanted);
  }
}

/**
 * Starts a gateway whose upstream "app" follows a registry.
 * @param {import("node:test").TestContext} context
 * @param {import("./contract.mjs").Registry} registry
 * @param {{ servers?: object[], traffic?: boolean, discovery?: object, options?: object }} [more]
 */
export async function startDiscovery(
  context,
  registry,
  { servers = [], traffic = true, discovery = {}, options = {} } = {},
) {
  const upstreams = { app: { servers, discovery: { ...registry.discovery(), ...discovery } } };
  // Otherwise nginx logs each failed connection to a registry as an error.
  const http = "lua_socket_log_errors off;";
  const gateway = await startGateway(context, { upstreams, http, ...options });
  // nginx still logs an error when a registry ends in the middle of an answer.
  gateway.log.allow(PROBE_ERRORS, ...(registry.complaints ?? []));
  if (!traffic) return { gateway };
  const hasServers = async () => (await gateway.api.get(serversOf())).body.length > 0;
  await waitFor("there is a server", hasServers, 60_000);
  return { gateway, load: startLoad(context, { port: gateway.port, ...STEADY }) };
}
