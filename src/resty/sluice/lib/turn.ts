import * as semaphore from "ngx.semaphore";

import { pause } from "./pause";

/** Bounds the wait for a timer that is due at once. */
const LONGEST_WAIT = 1;

/**
 * Makes a function that lets one turn of the event loop pass: whatever is ready is served, and nothing else
 * is waited for. A sleep takes more than a millisecond, which adds up in long work. Phases that can sleep.
 */
export function new_turn(): (this: void) => void {
  const passed = semaphore.new(0);
  const post = () => {
    passed.post();
  };
  return () => {
    // A timer that is due runs behind the events that are ready. A worker that exits takes no more timers.
    if (ngx.timer.at(0, post)[0] === undefined) pause();
    else passed.wait(LONGEST_WAIT);
  };
}
