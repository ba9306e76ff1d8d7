import { kernel_now } from "./clock";

/** Long work is cut into slices, so that the worker serves requests between them. */

/** How long a slice may last, in seconds. The last step of a slice comes on top of it. */
const LONGEST_SLICE = 0.005;
/** 0 would do, but nginx without OpenResty's patches warns of it. */
const SHORTEST_SLEEP = 0.001;

/**
 * Makes a function to be called after each small step of long work: it lets other work go on when the current slice has
 * lasted for long enough. Phases that can sleep.
 */
export function new_pause(): (this: void) => void {
  let began = kernel_now();
  return () => {
    if (kernel_now() - began < LONGEST_SLICE) return;
    ngx.sleep(SHORTEST_SLEEP);
    began = kernel_now();
  };
}
