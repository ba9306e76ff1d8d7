/** Gateways that share their upstreams through etcd. */
import assert from "node:assert/strict";
import { startGateway } from "./gateway.mjs";
import { PROBE_ERRORS } from "./health.mjs";
import { waitFor } from "./wait.mjs";

/** @param {import("./gateway.mjs").Gateway} gateway @param {string} state */
export function waitForState(gateway, state) {
  return waitFor(`the cluster is ${state}`, async () => (await clusterOf(gateway)).state === state, 20_000);
}

/**
 * Returns the options of `setup` for a gateway of a cluster.
 * @param {string[]} endpoints
 * @param {object} [more] of `cluster.etcd`
 */
export const clusterSetup = (endpoints, more = {}) => ({
  cluster: { etcd: { endpoints, prefix: "/sluice/", ...more } },
});

/** @param {import("./gateway.mjs").Gateway} gateway */
export const clusterOf = ({ api }) => api.expect(200, "GET", "/api/sluice/1/cluster");

/**
 * Starts gateways of one cluster.
 * @param {import("node:test").TestContext} context
 * @param {import("./registries/etcd.mjs").Etcd} etcd
 * @param {number} count
 * @param {import("./nginx_conf.mjs").Options} [options]
 * @param {string} [state] of the cluster for which each gateway waits
 */
export async function startCluster(context, etcd, count, options = {}, state = "ok") {
  const endpoints = etcd.members.map(({ url }) => url);
  const setup = clusterSetup(endpoints);
  const http = "lua_socket_log_errors off;";
  const gateways = [];
  for (let number = 0; number < count; number += 1) {
    gateways.push(await startGateway(context, { workers: 2, setup, http, ...options }));
  }
  // nginx also logs an error when a transaction is cut off.
  for (const gateway of gateways) gateway.log.allow(PROBE_ERRORS, /recv\(\) failed \(104: .*\/api\//);
  for (const gateway of gateways) await waitForState(gateway, state);
  return gateways;
}

/**
 * Waits until all gateways have the same upstreams, and returns them.
 * @param {import("./gateway.mjs").Gateway[]} gateways
 */
export async function waitForEqual(gateways) {
  let found = [];
  const isEqual = async () => {
    found = await Promise.all(gateways.map(({ api }) => api.configuration()));
    return found.every((text) => text === found[0]);
  };
  await waitFor("all gateways are equal", isEqual).catch(() => {
    for (const text of found) assert.equal(text, found[0]);
  });
  return JSON.parse(found[0]);
}
