/** The operations of the API's description, and requests that succeed. */
import { someAddress } from "./upstreams.mjs";

/**
 * @param {any} document
 * @returns {{ method: string, path: string, item: any, operation: any }[]}
 */
export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([name]) => name !== "parameters")
      .map(([name, operation]) => ({ method: name.toUpperCase(), path, item, operation })),
  );
}

/**
 * Returns the `operationId` and each status of 2xx of all operations.
 * @param {any} document
 * @returns {string[]}
 */
export function successesOf(document) {
  return operationsOf(document).flatMap(({ operation: { operationId, responses } }) =>
    Object.keys(responses)
      .filter((status) => status.startsWith("2"))
      .map((status) => `${operationId} ${status}`),
  );
}

const app = "/api/sluice/1/upstreams/app";
const made = "/api/sluice/1/upstreams/made";
const status = "/api/9/http/upstreams/made";
const server = someAddress(1);
const node = { server: someAddress(2), ttl: "10s" };

/**
 * A request for each success, except `GET`s of paths without a variable part. The upstream "app" has a server
 * `{busy}` with a request in flight, and follows a registry. Another gateway is in a cluster and has
 * `discovery`.
 * @type {[method: string, path: string, body?: object][]}
 */
export const requests = [
  ["POST", "/api/sluice/1/changes", { upstreams: { shop: { servers: [] } }, comment: "release 1" }],
  ["PUT", made, { servers: [] }],
  ["PUT", made, { method: "least_conn", servers: [{ server: someAddress(3) }] }],
  ["PATCH", made, { queue: { size: 5 }, load: {}, autoscale: { max: 3 } }],
  ["GET", made],
  ["POST", `${status}/servers`, { server, weight: 2 }],
  ["GET", `${status}/servers`],
  ["GET", `${status}/servers/1`],
  ["PATCH", `${status}/servers/1`, { weight: 3 }],
  ["POST", `${made}/servers/1/report`, { utilization: 0.5, state: "drain" }],
  ["PUT", `${made}/nodes/one`, { ...node, meta: { zone: "eu" } }],
  ["PUT", `${made}/nodes/one`, { ...node, report: { rps: 3 } }],
  ["GET", `${made}/nodes`],
  ["GET", `${made}/nodes/one`],
  ["POST", `${made}/nodes/one/report`, { utilization: 2, time: new Date().toISOString() }],
  ["GET", `${made}/explain`],
  ["GET", `${made}/status`],
  ["GET", status],
  ["DELETE", status],
  ["GET", "/api/9/workers/0"],
  ["DELETE", "/api/9/workers/0"],
  ["DELETE", "/api/9/workers"],
  ["DELETE", "/api/9/connections"],
  ["DELETE", "/api/9/http/requests"],
  ["DELETE", "/api/9/processes"],
  ["DELETE", "/api/9/ssl"],
  ["POST", `${app}/servers/0/drain?force=true`, { deadline: "1h" }],
  ["GET", `${app}/servers/0/drain`],
  ["DELETE", `${app}/servers/0/drain`],
  ["POST", `${app}/servers/drain?server={busy}&force=true`, { deadline: "1h" }],
  ["GET", `${app}/servers/drain?server={busy}`],
  ["DELETE", `${app}/servers/drain?server={busy}`],
  ["GET", `${app}/discovery`],
  ["DELETE", `${made}/nodes/one`],
  ["DELETE", `${status}/servers/1`],
  ["DELETE", `${status}/servers?server=${someAddress(3)}`],
  ["DELETE", made],
  ["GET", "/api/sluice/1/history/1"],
  ["POST", "/api/sluice/1/rollback", { to: 1, upstreams: ["shop"], dry_run: true }],
];
