/** Delays between writes that the store refuses as a whole. Pure: the caller has the clock. */

/** Why the store has refused a kind of write as a whole, such as a full dict, and when it is tried again. */
export interface Trouble {
  /** Undefined: the last write has succeeded. */
  error: string | undefined;
  /** The number of failures in a row. */
  failures: number;
  /** When the next write may begin, by the monotonic clock. */
  not_before: number;
}

const SHORTEST_SECONDS = 1;
const LONGEST_SECONDS = 30;

/** Returns a trouble that is none yet. */
export function new_trouble(): Trouble {
  return { error: undefined, failures: 0, not_before: 0 };
}

/** Notes a failure. Each further one doubles the delay. */
export function note_trouble(trouble: Trouble, error: string, now: number): void {
  trouble.error = error;
  trouble.not_before = now + math.min(LONGEST_SECONDS, SHORTEST_SECONDS * 2 ** trouble.failures);
  trouble.failures = math.min(trouble.failures + 1, 10);
}

/** Notes that nothing has failed. */
export function end_trouble(trouble: Trouble): void {
  trouble.error = undefined;
  trouble.failures = 0;
}

/** Tells whether the next write must wait. */
export function is_resting({ error, not_before }: Trouble, now: number): boolean {
  return error !== undefined && now < not_before;
}
