import type { NumberPointer } from "ffi";

import type { RetriesConfig } from "../config/admission";
import { seconds_of } from "../config/time";
import { fence } from "../store/dict";
import type { Attempts } from "./attempts";
import { sum_of_slots } from "./loads";
import type { LiveUpstream } from "./upstream";

/** `retries`: how often, how long and how many requests at a time may be tried again. */

const PERCENT = 100;

/** The limits of an upstream. */
export interface RetryLimits {
  /** How many servers a request may be sent to. */
  tries: number;
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
  const { tries, timeout, budget } = config;
  return {
    tries: tries ?? math.huge,
    timeout: timeout === undefined ? math.huge : seconds_of(timeout),
    budget_percent: budget?.percent ?? math.huge,
    min_concurrent: budget?.min_concurrent ?? math.huge,
  };
}

/** How many seconds a request's attempts have taken, by nginx's account. */
function time_of_attempts(): number {
  let sum = 0;
  for (const [seconds] of string.gmatch(ngx.var.upstream_response_time ?? "", "[%d.]+")) {
    sum += tonumber(seconds) ?? 0;
  }
  return sum;
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
function take_budget(upstream: LiveUpstream, limits: RetryLimits, attempts: Attempts): boolean {
  count_retry(upstream, attempts);
  fence();
  const retries = sum_of_slots(upstream.retries);
  // This one is not under way at a server now.
  const others = sum_of_slots(upstream.active) - (retries - 1);
  if (retries <= math.max(limits.min_concurrent, (others * limits.budget_percent) / PERCENT)) return true;
  uncount_retry(attempts);
  return false;
}

/** Tells whether a request may be tried again as for tries and time. Phase: balancer_by_lua. */
export function is_within_limits(upstream: LiveUpstream, attempts: Attempts): boolean {
  const limits = upstream.retry_limits;
  if (limits === undefined) return true;
  if (attempts.servers.length - attempts.redirected >= limits.tries) return false;
  return limits.timeout === math.huge || time_of_attempts() < limits.timeout;
}

/** Tells whether a request may be tried again, and counts it as a retry. Phase: balancer_by_lua. */
export function may_retry(upstream: LiveUpstream, attempts: Attempts): boolean {
  const limits = upstream.retry_limits;
  if (limits === undefined) return true;
  if (!is_within_limits(upstream, attempts)) return false;
  if (limits.min_concurrent === math.huge) return true;
  // Each try counts anew, so that those there are become fewer as soon as the requests do.
  uncount_retry(attempts);
  return take_budget(upstream, limits, attempts);
}
