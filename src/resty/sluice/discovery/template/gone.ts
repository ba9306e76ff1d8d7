import { SPACING, type GuardLimits } from "../guard";

/** An upstream of which a registry has no entries any more. */
export interface Gone {
  /** The number of answers without it, and when the last one counted, by the monotonic clock. */
  equal: number;
  came: number;
  /** Why the store has refused to delete it; undefined: it has not. */
  refusal?: string | undefined;
  /** When its deletion is tried again after a refusal, by the monotonic clock. */
  retry?: number;
}

/**
 * Counts an answer without an upstream, if it `is_new`. Returns whether the upstream may be deleted: without
 * entries it loses all servers, which needs confirmation like any large removal. Pure.
 */
export function confirm(gone: Gone, limits: GuardLimits, is_new: boolean, now: number): boolean {
  if (gone.equal === 0 || (is_new && now - gone.came >= SPACING)) {
    gone.equal += 1;
    gone.came = now;
  }
  return limits.max_removal_percent === 100 || gone.equal >= limits.removal_confirmations;
}
