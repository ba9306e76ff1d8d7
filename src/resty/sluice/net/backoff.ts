/** Delays between attempts to reach a service that fails. */

/** The failures of a service that is asked again and again. */
export interface Attempts {
  /** All failures so far; selects the endpoint that is asked next. */
  attempts: number;
  /** Failures since the last success. */
  failures: number;
}

/** Bounds of the delay before a registry is asked again, in seconds. */
const SHORTEST_DELAY = 0.05;
const LONGEST_DELAY = 1;

/** Returns a delay that begins at `shortest`, doubles with each failure and ends at `longest`. Any phase. */
export function backoff(failures: number, shortest: number, longest: number): number {
  return math.min(longest, shortest * 2 ** failures);
}

/**
 * Counts a failure to follow a registry, and logs the first of a series. Returns the delay before the next
 * attempt, in seconds, which differs by up to a quarter between gateways. Any phase.
 */
export function note_failure(state: Attempts, what: string, cause: string): number {
  const { failures } = state;
  if (failures === 0) ngx.log(ngx.WARN, `sluice: could not follow ${what}: ${cause}`);
  state.failures += 1;
  state.attempts += 1;
  return backoff(failures, SHORTEST_DELAY, LONGEST_DELAY) * (0.75 + 0.5 * math.random());
}

/** Ends a series of failures, and logs that. Any phase. */
export function note_recovery(state: Attempts, what: string): void {
  if (state.failures > 0) ngx.log(ngx.NOTICE, `sluice: ${what} answers again`);
  state.failures = 0;
}
