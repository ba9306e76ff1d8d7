import * as semaphore from "ngx.semaphore";

import { pause } from "./pause";

/** Upper bound on the wait for a timer that is due at once, in seconds. */
const LONGEST_WAIT = 1;

/**
 * Returns a function that waits for one turn of the event loop, in which ready events are served. A sleep
 * takes more than a millisecond, which adds up in long work. Phases that can sleep.
 */
export function new_turn(): (this: void) => void {
  const passed = semaphore.new(0);
  const post = () => {
    passed.post();
  };
  return () => {
    // A timer that is due runs after the events that are ready. A worker that exits accepts no more timers.
    if (ngx.timer.at(0, post)[0] === undefined) pause();
    else passed.wait(LONGEST_WAIT);
  };
}
