/**
 * Protects an upstream against a registry that wrongly reports fewer servers. Pure: the caller has the clock.
 *
 * A step that would remove more than `max_removal_percent` of a source's servers, at once or within `WINDOW`
 * seconds, waits for `removal_confirmations` equal answers. A step that would remove all servers waits
 * forever, because an upstream with outdated servers is never worse than one without servers.
 */

/** The guard's memory of one upstream. */
export interface Guard {
  /** The largest number of servers within `WINDOW`, and when it was seen. */
  peak: number;
  peak_at: number;
  /** The answer that waits for confirmation, how often it has arrived, and when it last counted. */
  answer: string;
  equal: number;
  came: number;
}

/** The limits, as in the upstream's `discovery`. */
export interface GuardLimits {
  max_removal_percent: number;
  removal_confirmations: number;
}

/** The effect of an answer, in numbers of servers. */
export interface Step {
  /** Servers that the source has in the upstream now. */
  owned: number;
  /** Servers among them that the answer does not name. */
  removed: number;
  /** Servers that the answer names. */
  wanted: number;
  /** A text that is equal for equal answers. */
  answer: string;
  /** False: the answer was judged before. */
  is_new: boolean;
}

/** `removes`: the step is allowed; `waits`: it needs equal answers; `empty`: it would remove all servers. */
export type Verdict = "removes" | "waits" | "empty";

/** Servers that disappear one by one within this time, in seconds, count as one removal. */
const WINDOW = 30;
/** Equal answers within this time, in seconds, count as one confirmation. */
export const SPACING = 0.9;
/** Removals from this many servers or fewer need no confirmation. */
const SMALLEST = 2;

/** Makes a guard without memory. Any phase. */
export function new_guard(): Guard {
  return { peak: 0, peak_at: 0, answer: "", equal: 0, came: 0 };
}

function is_large(peak: number, { owned, removed, wanted }: Step, most: number): boolean {
  if (peak <= SMALLEST) return false;
  return removed * 100 > most * owned || (peak - wanted) * 100 > most * peak;
}

function forget(guard: Guard): void {
  guard.answer = "";
  guard.equal = 0;
}

/** Counts the answer. Returns how often it has arrived in a row. */
function count(guard: Guard, { answer, is_new }: Step, now: number): number {
  if (guard.answer !== answer) {
    guard.answer = answer;
    guard.equal = 1;
    guard.came = now;
  } else if (is_new && now - guard.came >= SPACING) {
    guard.equal += 1;
    guard.came = now;
  }
  return guard.equal;
}

/** Judges a step. `now` is the monotonic clock, in seconds. Any phase. */
export function judge(guard: Guard, step: Step, limits: GuardLimits, now: number): Verdict {
  if (step.owned >= guard.peak || now - guard.peak_at > WINDOW) {
    guard.peak = step.owned;
    guard.peak_at = now;
  }
  if (step.removed > 0 && step.wanted === 0) {
    forget(guard);
    return "empty";
  }
  if (step.removed === 0 || !is_large(guard.peak, step, limits.max_removal_percent)) {
    forget(guard);
    return "removes";
  }
  if (count(guard, step, now) < limits.removal_confirmations) return "waits";
  forget(guard);
  guard.peak = 0;
  return "removes";
}
