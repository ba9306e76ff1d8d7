import { kernel_now, now } from "./clock";

/** Pauses in long work, in which the worker serves requests. */

/** The shortest sleep, in seconds: unpatched nginx logs a warning for each `ngx.sleep(0)`. */
export const SHORTEST_SLEEP = 0.001;

/** How long work goes on without a pause, in seconds. The last step comes on top of it. */
const LONGEST_SLICE = 0.005;

/** Lets the worker do other work. Phases that can sleep. */
export function pause(this: void): void {
  ngx.sleep(SHORTEST_SLEEP);
}

let turn = 0;
let turn_began = 0;

/**
 * Returns whether the jobs of this worker have taken long in this turn of the event loop. Those that are due
 * run one after the other in one turn, before other events are served, so that their times add up. Call it
 * once for each small step, also before the first one. Any phase.
 */
export function is_turn_long(this: void): boolean {
  const this_turn = now();
  const time = kernel_now();
  if (this_turn !== turn) {
    turn = this_turn;
    turn_began = time;
  }
  return time - turn_began >= LONGEST_SLICE;
}

/** Lets the worker do other work if its jobs have taken long in this turn. Phases that can sleep. */
export function pause_if_long(this: void): void {
  if (is_turn_long()) pause();
}

/** Takes the place of a pause in short work, which does not yield. */
export function no_pause(this: void): void {
  // Goes on.
}

/**
 * Returns a function to call after each small step of long work. It calls `rest` when the current slice has
 * lasted `longest` seconds. Phases that can sleep.
 */
export function new_pause(longest = LONGEST_SLICE, rest: (this: void) => void = pause): (this: void) => void {
  let began = kernel_now();
  return () => {
    if (kernel_now() - began < longest) return;
    rest();
    began = kernel_now();
  };
}
