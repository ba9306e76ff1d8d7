import * as semaphore from "ngx.semaphore";

import { kernel_now } from "./clock";
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

/** A turn of the event loop that takes longer than this has served something, in seconds. */
const IDLE_TURN = 0.0002;

/**
 * Returns a function that waits for one turn of the event loop and, if something was served in it, for
 * another millisecond. What follows, such as the answer of the server that a request was sent to, is then
 * served at once instead of after the next slice of the work. Phases that can sleep.
 */
export function new_rest(): (this: void) => void {
  const turn = new_turn();
  return () => {
    const began = kernel_now();
    turn();
    if (kernel_now() - began > IDLE_TURN) pause();
  };
}
