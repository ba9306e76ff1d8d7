import { backoff } from "../backoff";

/** When a question is asked again. Pure. */

export interface Bounds {
  /** Bounds of the time between two questions, in seconds. */
  min_ttl: number;
  max_ttl: number;
  /** The same after a failure. Default: `min_ttl` and `max_ttl`. */
  retry?: { least: number; most: number };
}

/** Returns how long an answer holds, in seconds: its TTL, within the bounds. */
export function bounded_ttl({ min_ttl, max_ttl }: Bounds, ttl: number): number {
  return math.max(min_ttl, math.min(max_ttl, ttl));
}

/** Returns the time after which a question is repeated, in seconds. `failures`: since its last answer. */
export function retry_delay({ retry, min_ttl, max_ttl }: Bounds, failures: number): number {
  return backoff(failures, retry?.least ?? min_ttl, retry?.most ?? max_ttl);
}
