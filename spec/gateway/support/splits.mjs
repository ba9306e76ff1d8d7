/** Splits whose members answer with their own name, fast enough for 10^5 requests. */
import { startGateway } from "./gateway.mjs";
import { askKeys } from "./keys.mjs";
import { freePort } from "./ports.mjs";
import { sluice } from "./upstreams.mjs";

/** @typedef {{ upstream: string, weight?: number, match?: Record<string, string> }} Member */

/**
 * Starts a gateway whose upstream `app` is a split. The servers of its members are servers of the same nginx.
 * @param {import("node:test").TestContext} context
 * @param {{ by?: string, members: Member[] }} split
 * @param {import("./nginx_conf.mjs").Options} [options]
 */
export async function startSplit(context, split, { upstreams = {}, http = "", ...options } = {}) {
  /** @type {Record<string, object>} */
  const members = {};
  let servers = "";
  for (const { upstream: name } of split.members) {
    if (name in upstreams) continue;
    const port = await freePort();
    servers += `server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "${name}"; } }\n`;
    members[name] = { servers: [{ server: `127.0.0.1:${port}` }] };
  }
  const gateway = await startGateway(context, {
    upstreams: { ...members, ...upstreams, app: { split } },
    http: servers + http,
    ...options,
  });
  return Object.assign(gateway, {
    /** Gives the members other weights. @param {Record<string, number>} weights by name */
    async weigh(weights) {
      const current = await gateway.api.expect(200, "GET", sluice());
      const changed = current.split.members.map((member) => ({
        ...member,
        weight: weights[member.upstream] ?? member.weight,
      }));
      await gateway.api.expect(200, "PATCH", sluice(), { split: { ...current.split, members: changed } });
    },
    /** Returns the member of each user. @param {number} users */
    async membersOf(users) {
      const paths = Array.from({ length: users }, (_, user) => ({ path: `/?user=${user}` }));
      return askKeys(gateway.port, paths);
    },
  });
}

/** @param {string[]} names @returns {Record<string, number>} how often each occurs */
export function countsOf(names) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
