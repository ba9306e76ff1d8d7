/** Changes of many upstreams. */

export const CHANGES = "/api/sluice/1/changes";

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
