import { cpu_time } from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { new_turn } from "../../lib/turn";

/** Measures the CPU time of an answer, so that clients ask no more often than it may cost. */

export interface Meter {
  /** Starts and stops counting. */
  start: (this: void) => void;
  stop: (this: void) => void;
  /** Lets other requests be served when it is time; what they cost does not count. */
  pause: (this: void) => void;
  /** Returns the time after which the client should ask again, in seconds. */
  interval: (this: void) => number;
}

/** Time that an answer may take before other requests are served, in seconds. */
const SLICE = 0.002;
/** The answers to a client take this part of a worker's time, and with their delivery 1 %. */
const SHARE = 0.005;
const SHORTEST_INTERVAL = 1;

/** Makes the meter of an answer. Phase: content_by_lua. */
export function new_meter(): Meter {
  let spent = 0;
  let began = cpu_time();
  const turn = new_turn();
  const stop = () => {
    spent += cpu_time() - began;
  };
  const start = () => {
    began = cpu_time();
  };
  const rest = () => {
    stop();
    turn();
    start();
  };
  return {
    start,
    stop,
    pause: new_pause(SLICE, rest),
    interval: () => math.max(SHORTEST_INTERVAL, math.ceil((spent / SHARE) * 10) / 10),
  };
}
