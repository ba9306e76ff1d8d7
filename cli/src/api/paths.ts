/** Paths of the API, below its prefix. */

export type Query = Record<string, string | number | boolean | undefined>;

/** Returns a query with those arguments that are given, and its question mark; "": there are none. */
export function queryOf(given: Query): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== false && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export const STATUS = "/sluice/1/status";
export const UPSTREAMS = "/sluice/1/upstreams";
export const CHANGES = "/sluice/1/changes";
export const HISTORY = "/sluice/1/history";
export const ROLLBACK = "/sluice/1/rollback";
export const EVENTS = "/sluice/1/events";

/** Returns the path of an upstream, or of something below it. */
export function upstreamPath(name: string, below = ""): string {
  return `${UPSTREAMS}/${encodeURIComponent(name)}${below}`;
}

/** Returns the path of an upstream's servers, or of one of them. */
export function serversPath(upstream: string, id?: number): string {
  const path = `/9/http/upstreams/${encodeURIComponent(upstream)}/servers`;
  return id === undefined ? path : `${path}/${id}`;
}
