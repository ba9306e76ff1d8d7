import { new_heap, pop, push, type HeapEntry } from "../../src/resty/sluice/lib/heap";
import * as clock from "../../src/resty/sluice/lib/clock";

/** Virtual time: actions at moments, in order. All times are in seconds. */

export type Action = (this: void, now: number) => void;

interface Planned extends HeapEntry {
  action: Action;
}

export interface Timeline {
  /** Plans an action. Actions of the same moment run in any order, which is the same in each run. */
  at: (this: void, time: number, action: Action) => void;
  /** Plans an action every so many seconds, until `end`. */
  every: (this: void, seconds: number, end: number, action: Action) => void;
  /** Returns the present time. */
  now: (this: void) => number;
  /** Runs all actions, and those that they plan. */
  run: (this: void) => void;
}

/** The clock begins above 0, because 0 means in shared memory that something has never happened. */
export const START = 1000;

let now = START;
(clock as unknown as { now: (this: void) => number }).now = () => now;

export function new_timeline(): Timeline {
  const plans = new_heap<Planned>();
  now = START;

  function at(this: void, time: number, action: Action): void {
    push(plans, { key: time, place: 0, action });
  }

  function every(this: void, seconds: number, end: number, action: Action): void {
    const again: Action = (time) => {
      action(time);
      if (time + seconds < end) at(time + seconds, again);
    };
    at(now + seconds, again);
  }

  function run(this: void): void {
    while (plans.size > 0) {
      const { key, action } = pop(plans);
      now = key;
      action(key);
    }
  }

  return { at, every, now: () => now, run };
}
