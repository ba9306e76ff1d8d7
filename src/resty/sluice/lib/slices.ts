import { kernel_now } from "./clock";

/** Long work is cut into slices, so that the worker serves requests between them. */

/** How long a slice may last, in seconds. The last step of a slice comes on top of it. */
const LONGEST_SLICE = 0.005;
/** 0 would do, but nginx without OpenResty's patches warns of it. */
const SHORTEST_SLEEP = 0.001;

function sleep(this: void): void {
  ngx.sleep(SHORTEST_SLEEP);
}

/**
 * Makes a function to be called after each small step of long work: it lets other work go on when the current slice has
 * lasted for long enough. Phases that can sleep.
 *
 * @param longest how long a slice may last, in seconds
 * @param rest lets other work go on
 */
export function new_pause(longest = LONGEST_SLICE, rest: (this: void) => void = sleep): (this: void) => void {
  let began = kernel_now();
  return () => {
    if (kernel_now() - began < longest) return;
    rest();
    began = kernel_now();
  };
}
