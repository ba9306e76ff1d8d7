/**
 * A table of bad requests, which the other bad_*.mjs fill. It has one or two values of each kind that
 * src/config/ refuses, to test the answers. The specs in spec/unit/config/ test all values. The upstream
 * "app" has the servers 0, 1 and the backup server 2, "other" has no servers, "hashed" uses ip_hash, and the
 * server of "slow" has slow_start.
 */

/**
 * @typedef {object} BadRequest
 * @property {string} method
 * @property {string} path
 * @property {unknown} body
 * @property {number} status
 * @property {string} code
 * @property {RegExp | string} [says] the error's text, or a pattern that it must match
 * @property {string} shown the body, short enough for a title
 */

/** @type {BadRequest[]} */
export const badRequests = [];

export const servers = "/api/9/http/upstreams/app/servers";
export const upstreams = "/api/sluice/1/upstreams";
export const formatError = "UpstreamConfFormatError";

/**
 * Adds a bad request to the table.
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {number} status
 * @param {string} code
 * @param {RegExp | string} [says]
 */
export function bad(method, path, body, status, code, says) {
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  const shown = text.length > 60 ? `${text.slice(0, 60)}… (${text.length} bytes)` : text;
  badRequests.push({ method, path, body, status, code, says, shown: JSON.stringify(shown).slice(1, -1) });
}
