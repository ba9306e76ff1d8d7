/** Changes of many upstreams, and their history. */

export const CHANGES = "/api/sluice/1/changes";
export const HISTORY = "/api/sluice/1/history";
export const ROLLBACK = "/api/sluice/1/rollback";

/**
 * Makes a change, which must succeed, and returns the answer's body.
 * @param {import("./api.mjs").Api} api
 * @param {object} body
 */
export function postChanges(api, body) {
  return api.expect(200, "POST", CHANGES, body);
}

/** Returns the revision of the store. @param {import("./api.mjs").Api} api */
export async function revisionOf(api) {
  const { etag = "" } = (await api.get("/api/sluice/1/upstreams")).headers;
  return Number(/^"(\d+)"$/.exec(etag)?.[1]);
}

/**
 * Returns the history, the newest change first.
 * @param {import("./api.mjs").Api} api
 */
export const historyOf = (api, query = "") => api.expect(200, "GET", `${HISTORY}${query}`);
