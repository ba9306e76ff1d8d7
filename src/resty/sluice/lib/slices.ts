import { new_pause } from "./pause";
import { with_work, type Work } from "./rest";
import { new_rest } from "./turn";

/** How long work goes on without a rest, in seconds. */
const SLICE = 0.005;

/**
 * Returns the result of `action`, whose long loops rest after each slice, so that the worker does other work
 * meanwhile. Raises what `action` raises. Phases that can sleep.
 */
export function in_slices<T>(action: (this: void) => T): T {
  let rest: ((this: void) => void) | undefined;
  const work: Work = { step: () => undefined, is_long: false };
  work.step = new_pause(SLICE, () => {
    work.is_long = true;
    rest ??= new_rest();
    rest();
  });
  return with_work(work, action);
}
