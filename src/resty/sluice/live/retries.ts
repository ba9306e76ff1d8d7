import type { NumberPointer } from "ffi";

import { fence } from "../store/memory/dict";
import { begun_of, sum_of_slots } from "../store/memory/region";
import { count_tried, type Attempts } from "./attempts";
import { read_last_attempt } from "./last_attempt";
import { type LiveUpstream, Own, type RetryLimits } from "./view/model";

/** The limits of `retries`: the time for retries, and the number of retries under way at a time. */

const PERCENT = 100;

let memory: NumberPointer;

/** Counts in `shared` from now on. Phase: init_worker_by_lua. */
export function use_retries(shared: NumberPointer): void {
  memory = shared;
}

/** Counts a request as a retry under way. */
export function count_retry(upstream: LiveUpstream, attempts: Attempts): void {
  if (attempts.retries !== undefined) return;
  attempts.retries = upstream;
  const cell = begun_of(upstream[Own.ACTIVE]);
  memory[cell] = memory[cell] + 1;
}

/** Ends the count of a retry: the request has ended, or continues at another upstream. */
export function uncount_retry(attempts: Attempts): void {
  const { retries } = attempts;
  if (retries === undefined) return;
  attempts.retries = undefined;
  const cell = begun_of(retries[Own.ACTIVE]);
  memory[cell] = memory[cell] - 1;
}

/**
 * Counts a request as a retry if the budget, a percentage of the requests that are not, allows one more.
 * Workers that ask at the same time first count and then check.
 */
function is_in_budget(upstream: LiveUpstream, limits: RetryLimits, attempts: Attempts): boolean {
  count_retry(upstream, attempts);
  fence();
  const retries = sum_of_slots(begun_of(upstream[Own.ALL_ACTIVE]));
  // This request is not under way at a server now.
  const others = sum_of_slots(upstream[Own.ALL_ACTIVE]) - (retries - 1);
  if (retries <= math.max(limits.min_concurrent, (others * limits.budget_percent) / PERCENT)) return true;
  uncount_retry(attempts);
  return false;
}

/** Tells whether the time for retries is over. Phase: balancer_by_lua. */
export function is_late(upstream: LiveUpstream, attempts: Attempts, now: number): boolean {
  const timeout = upstream.retry_limits?.timeout ?? math.huge;
  // A retry that goes on to another member of a split may be the first one that has a limit.
  if (timeout === math.huge && attempts.split === undefined) return false;
  if (count_tried(attempts) === 1) {
    attempts.began = now - (tonumber(read_last_attempt("upstream_response_time")) ?? 0);
  }
  return timeout < math.huge && now - attempts.began >= timeout;
}

/** Tells whether the budget allows a retry, and counts the request as one. Phase: balancer_by_lua. */
export function take_budget(upstream: LiveUpstream, attempts: Attempts): boolean {
  const limits = upstream.retry_limits;
  if (limits === undefined || limits.min_concurrent === math.huge) return true;
  // Each try asks again, so that the number of retries falls as soon as the number of requests does.
  uncount_retry(attempts);
  return is_in_budget(upstream, limits, attempts);
}
