import { new_heap, pop, push, type HeapEntry } from "../../src/resty/sluice/lib/heap";
import * as clock from "../../src/resty/sluice/lib/clock";

/** Virtual time: actions at moments, in order. All times are in seconds. */

interface Planned extends HeapEntry {
  action: (this: void, now: number) => void;
}

export interface Timeline {
  /** Plans an action. Actions of the same moment run in any order, which is the same in each run. */
  at: (this: void, time: number, action: (this: void, now: number) => void) => void;
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
  return {
    at: (time, action) => {
      push(plans, { key: time, place: 0, action });
    },
    run: () => {
      while (plans.size > 0) {
        const { key, action } = pop(plans);
        now = key;
        action(key);
      }
    },
  };
}
