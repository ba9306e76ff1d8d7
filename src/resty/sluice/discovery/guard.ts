/**
 * What keeps a registry that lies from emptying an upstream. Pure: the caller has the clock.
 *
 * A step that would take away more than `max_removal_percent` of a source's servers, at once or within `WINDOW` seconds,
 * waits for `removal_confirmations` equal answers; one that would leave none waits for ever: to send requests nowhere is
 * never better.
 */

/** What the guard remembers of one upstream. */
export interface Guard {
  /** The most servers that there were of late, and when that was. */
  peak: number;
  peak_at: number;
  /** The answer that waits, how often it has come, and when it came last. */
  answer: string;
  equal: number;
  came: number;
}

/** The limits: `max_removal_percent` and `removal_confirmations`. */
export interface GuardLimits {
  max_removal_percent: number;
  removal_confirmations: number;
}

/** What a step would do, in numbers of servers. */
export interface Step {
  /** How many the source has in the upstream now, and how many of those it says no more. */
  owned: number;
  removed: number;
  /** How many it says there are. */
  wanted: number;
  /** Equal for equal answers. */
  answer: string;
  /** False: the registry has not been asked anew. */
  is_new: boolean;
}

export type Verdict = "removes" | "waits" | "empty";

/** Seconds. Servers that vanish one by one within this time have vanished together. */
const WINDOW = 30;
/** Answers that come faster than this are one, in seconds. */
const SPACING = 0.9;
const SMALLEST = 2;

/** Makes a guard that remembers nothing. */
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

/** How often the answer has come in a row, this time included. */
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

/** Judges a step. `now`: seconds. */
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
