/** Requests to the API that most specs use: paths, and servers and their counters by address. */
import assert from "node:assert/strict";
import { waitFor } from "./wait.mjs";

export const serversOf = (name = "app") => `/api/9/http/upstreams/${name}/servers`;
export const sluice = (name = "app") => `/api/sluice/1/upstreams/${name}`;

/**
 * Returns an address without a server, a different one for each number up to 4 million.
 * @param {number} number
 */
export function someAddress(number, port = 9) {
  return `127.${10 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}:${port}`;
}

/**
 * Returns the status of every server of an upstream.
 * @param {import("./api.mjs").Api} api
 * @param {string} [name]
 * @returns {Promise<Map<string, any>>} by address
 */
export async function peersOf(api, name = "app") {
  const { peers } = await api.expect(200, "GET", `/api/9/http/upstreams/${name}`);
  return new Map(peers.map((peer) => [peer.server, peer]));
}

/**
 * Returns the sum of a counter over an upstream's servers.
 * @param {import("./api.mjs").Api} api
 * @param {string} counter
 * @param {string} [name]
 */
export async function sumOf(api, counter, name = "app") {
  const peers = await peersOf(api, name);
  return [...peers.values()].reduce((sum, peer) => sum + peer[counter], 0);
}

/**
 * Returns the result of `peersOf` when no request is in flight. nginx counts the outcome of a request after
 * its client has the answer.
 * @param {import("./api.mjs").Api} api
 * @param {string} [name]
 */
export async function settledPeersOf(api, name = "app") {
  await waitFor("no request is in flight", async () => (await sumOf(api, "active", name)) === 0);
  return peersOf(api, name);
}

/**
 * Asserts that the whole configuration is the same after a reload, after a restart, and after a crash of all
 * processes.
 * @param {import("./gateway.mjs").Gateway} gateway
 */
export async function assertKept(gateway) {
  const { api } = gateway;
  const before = await api.configuration();
  await gateway.reload();
  assert.equal(await api.configuration(), before);
  await gateway.stop();
  await gateway.start();
  assert.equal(await api.configuration(), before);
  await gateway.killAll();
  await gateway.start();
  assert.equal(await api.configuration(), before);
}
