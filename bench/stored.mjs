import { openClient } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway } from "./gateway.mjs";

/** @typedef {configurations.Place} Place */

export const SERVERS_PER_UPSTREAM = 10;
/** Large enough for the largest state of this bench. */
export const SHARED_DICT = "128m";
const CLIENTS = 8;

/** @param {number} index */
export function upstreamName(index) {
  return `u${index}`;
}

/**
 * Makes a gateway, without starting it. All of its upstreams are created at run time.
 * @param {string[]} addresses
 */
export function newStoringGateway(addresses) {
  const configuration = (/** @type {Place} */ place) =>
    configurations.sluice({ ...place, sharedDict: SHARED_DICT }, {});
  return newGateway("nginx", configuration, addresses, 1024);
}

/**
 * Creates upstreams through the API, several at a time.
 * @param {number} apiPort
 * @param {number} count
 * @param {string[]} addresses of the servers of each upstream
 * @param {object} [settings] of each upstream
 */
export async function createUpstreams(apiPort, count, addresses, settings = {}) {
  const servers = addresses.map((server) => ({ server }));
  let next = 0;
  const work = Array.from({ length: CLIENTS }, async () => {
    const client = await openClient(apiPort);
    while (next < count) {
      const name = upstreamName(next);
      next += 1;
      await client.expect(201, "PUT", `/api/sluice/1/upstreams/${name}`, { ...settings, servers });
    }
    client.close();
  });
  await Promise.all(work);
}

/** @param {number} index */
export function trafficPath(index) {
  return `/dynamic/?name=${upstreamName(index)}`;
}
