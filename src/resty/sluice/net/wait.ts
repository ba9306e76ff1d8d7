import * as semaphore from "ngx.semaphore";
import * as clock from "../lib/clock";
import { SHORTEST_SLEEP } from "../lib/pause";
import type { Result } from "../lib/result";

/** Interval at which a waiter checks whether it should give up, in seconds; it delays a worker's end. */
export const LOOK_SECONDS = 0.5;

/** Waits for an action that may take long, or kills it when `is_over`. Phases that have light threads. */
export function wait_for<T>(action: (this: void) => Result<T>, is_over: (this: void) => boolean): Result<T> {
  const done = semaphore.new(0);
  let result: T | undefined;
  let cause: string | undefined;
  let is_done = false;
  let failure: string | undefined;
  const thread = ngx.thread.spawn(() => {
    const [returned, raised] = pcall(() => {
      [result, cause] = action();
    });
    if (!returned) failure = tostring(raised);
    is_done = true;
    done.post();
  });
  while (!is_done && !is_over()) done.wait(LOOK_SECONDS);
  if (failure !== undefined) error(failure, 0);
  if (is_done) return $multi(result, cause);
  ngx.thread.kill(thread);
  return $multi(undefined, "the wait was ended because the result is not needed any more");
}

/** Sleeps until a time of the monotonic clock, or until `is_over` returns true. Phases that can sleep. */
export function sleep_until(moment: number, is_over: (this: void) => boolean): void {
  while (!is_over() && clock.now() < moment) {
    ngx.sleep(math.max(SHORTEST_SLEEP, math.min(LOOK_SECONDS, moment - clock.now())));
  }
}
