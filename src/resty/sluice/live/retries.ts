import type { NumberPointer } from "ffi";

import type { RetriesConfig } from "../config/admission";
import { seconds_of } from "../config/time";
import { fence } from "../store/memory/dict";
import { sum_of_slots } from "../store/memory/region";
import { count_tried, type Attempts } from "./attempts";
import { read_last_attempt } from "./last_attempt";
import type { LiveUpstream } from "./view/upstream";

/** `retries`: how often, how long and how many requests at a time may be tried again. */

/** The limit without `retries.tries`: more would cost each request much time while most servers fail. */
export const DEFAULT_TRIES = 10;

const PERCENT = 100;

/** The limits of an upstream beside the number of tries. */
export interface RetryLimits {
  /** Seconds over all tries. */
  timeout: number;
  /** For a hundred requests under way that are no retries, so many that are; infinite: all. */
  budget_percent: number;
  /** So many may be in any case. */
  min_concurrent: number;
}

let memory: NumberPointer;

/** Counts in `shared` from now on. Phase: init_worker_by_lua. */
export function use_retries(shared: NumberPointer): void {
  memory = shared;
}

/** Reads a configuration. */
export function retry_limits(config: RetriesConfig): RetryLimits {
  const { timeout, budget } = config;
  return {
    timeout: timeout === undefined ? math.huge : seconds_of(timeout),
    budget_percent: budget?.percent ?? math.huge,
    min_concurrent: budget?.min_concurrent ?? math.huge,
  };
}

/** Counts a request as a retry under way. */
export function count_retry(upstream: LiveUpstream, attempts: Attempts): void {
  if (attempts.retries !== undefined) return;
  attempts.retries = upstream;
  memory[upstream.own_retries] = memory[upstream.own_retries] + 1;
}

/** Counts that a request that was tried again has ended, or has been sent on to another upstream. */
export function uncount_retry(attempts: Attempts): void {
  const { retries } = attempts;
  if (retries === undefined) return;
  attempts.retries = undefined;
  memory[retries.own_retries] = memory[retries.own_retries] - 1;
}

/**
 * Counts a request as a retry under way if the budget allows one more. Retries count against the requests that are none:
 * with so many percent there are so many more tries than requests. Workers that ask at the same instant count first
 * and look then.
 */
function is_in_budget(upstream: LiveUpstream, limits: RetryLimits, attempts: Attempts): boolean {
  count_retry(upstream, attempts);
  fence();
  const retries = sum_of_slots(upstream.retries);
  // This one is not under way at a server now.
  const others = sum_of_slots(upstream.active) - (retries - 1);
  if (retries <= math.max(limits.min_concurrent, (others * limits.budget_percent) / PERCENT)) return true;
  uncount_retry(attempts);
  return false;
}

/** Tells whether the time for retries is over. Phase: balancer_by_lua. */
export function is_late(upstream: LiveUpstream, attempts: Attempts, now: number): boolean {
  const timeout = upstream.retry_limits?.timeout ?? math.huge;
  if (timeout === math.huge) return false;
  if (count_tried(attempts) === 1) {
    attempts.began = now - (tonumber(read_last_attempt("upstream_response_time")) ?? 0);
  }
  return now - attempts.began >= timeout;
}

/** Tells whether the budget allows a retry, and counts the request as one. Phase: balancer_by_lua. */
export function take_budget(upstream: LiveUpstream, attempts: Attempts): boolean {
  const limits = upstream.retry_limits;
  if (limits === undefined || limits.min_concurrent === math.huge) return true;
  // Each try counts anew, so that those there are become fewer as soon as the requests do.
  uncount_retry(attempts);
  return is_in_budget(upstream, limits, attempts);
}
