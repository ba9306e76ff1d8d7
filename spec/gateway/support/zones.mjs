/** A gateway in the zone "a", whose upstream has servers in the zones "a", "b" and "c". */
import { startBackend } from "./backend.mjs";
import { startGateway } from "./gateway.mjs";
import { startLoad } from "./load.mjs";
import { sluice } from "./upstreams.mjs";

/** @typedef {Awaited<ReturnType<typeof startBackend>>} Server */

export const ZONES = ["a", "b", "c"];
export const IN_EACH = 5;

/**
 * @typedef {object} Zoned
 * @property {import("./gateway.mjs").Gateway} gateway
 * @property {Record<string, Server[]>} servers by zone
 * @property {(address: string) => string} zoneOf
 */

/**
 * Starts five servers in each zone.
 * @param {import("node:test").TestContext} context
 * @param {object} [settings] of the upstream
 * @param {object} [parameters] of each server
 * @param {object} [setup] options of setup
 * @returns {Promise<Zoned>}
 */
export async function startZoned(context, settings = {}, parameters = {}, setup = { zone: "a" }) {
  /** @type {Record<string, Server[]>} */
  const servers = { a: [], b: [], c: [] };
  const zones = new Map();
  const list = [];
  for (let number = 0; number < IN_EACH; number += 1) {
    for (const zone of ZONES) {
      const server = await startBackend(context);
      servers[zone].push(server);
      zones.set(server.address, zone);
      list.push({ server: server.address, zone, ...parameters });
    }
  }
  const app = { zones: {}, ...settings, servers: list };
  const gateway = await startGateway(context, { upstreams: { app }, setup });
  return { gateway, servers, zoneOf: (address) => zones.get(address) ?? "none" };
}

/**
 * Sends requests and counts the answers by zone. The third result has the errors that clients saw.
 * @param {import("node:test").TestContext} context
 * @param {Zoned} zoned
 * @param {number} total
 * @param {string | ((number: number) => string)} [path]
 */
export async function countZones(context, { gateway, zoneOf }, total, path = "/") {
  const load = startLoad(context, { port: gateway.port, connections: 4, total, path });
  await load.finished;
  /** @type {Record<string, number>} */
  const counts = { a: 0, b: 0, c: 0 };
  for (const [address, count] of load.backends) {
    const zone = zoneOf(address);
    counts[zone] = (counts[zone] ?? 0) + count;
  }
  return { ...counts, errors: [...load.errors.keys()], backends: load.backends };
}

/** Returns what `explain` says about zones. @param {Zoned} zoned */
export async function explainedZones({ gateway }) {
  return (await gateway.api.expect(200, "GET", `${sluice()}/explain`)).zones;
}
