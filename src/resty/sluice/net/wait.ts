import * as semaphore from "ngx.semaphore";
import * as clock from "../lib/clock";

/** How often whoever waits is to look whether he still wants to, in seconds: so soon a worker can end. */
export const LOOK_SECONDS = 0.5;

type Result<T> = LuaMultiReturn<[T | undefined, string | undefined]>;

/**
 * Waits for an action that may take long, such as a request that is answered when something changes; but no longer than
 * anybody wants to. Phases that have light threads.
 *
 * @param is_over whether nobody waits any more; then the action is ended wherever it is
 * @returns what the action returns, or undefined and the cause
 */
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
  return $multi(undefined, "nobody waits any more");
}

/** nginx waits for whole milliseconds; time stands still for whoever waits for less. */
const SHORTEST_SLEEP = 0.001;

/** Waits until a moment of the monotonic clock, or until nobody wants to any more. Phases that can sleep. */
export function sleep_until(moment: number, is_over: (this: void) => boolean): void {
  while (!is_over() && clock.now() < moment) {
    ngx.sleep(math.max(SHORTEST_SLEEP, math.min(LOOK_SECONDS, moment - clock.now())));
  }
}
