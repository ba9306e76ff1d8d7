import { apart, motion, settling, type Run } from "./record";
import { LIMITS, type Measure } from "./scenario";

/** Building blocks of scenarios, and the bounds that are expected of them. */

export const MINUTE = 60;
/** Requests per second that the smallest server can serve. */
export const SMALL = 1000;
/** The second from which reports count. */
export const BLACKOUT = LIMITS.blackout;

export function percent(what: string, value: number, bound: number): Measure {
  return { what, value, bound, unit: "%" };
}

export function at_least(what: string, value: number, bound: number): Measure {
  return { what, value, bound, unit: "%", is_least: true };
}

export function seconds(what: string, value: number, bound: number): Measure {
  return { what, value, bound, unit: "s" };
}

/** Measures how soon loads are even, how even they are in the end, and how much weights still move. */
export function balance(
  settled_bound: number,
  motion_bound = 2,
  apart_bound = 5,
): (this: void, run: Run) => Measure[] {
  return (run) => {
    const end = run.loads.length - MINUTE;
    return [
      seconds("even within", settling(run, BLACKOUT), settled_bound),
      percent("apart", apart(run, end), apart_bound),
      percent("weights move", motion(run, end), motion_bound),
    ];
  };
}

/** Constant traffic, as a share of the capacity of all servers. */
export function always(share: number): (this: void) => number {
  return () => share;
}

/** Traffic that changes from one share to another. */
export function step(before: number, after: number, at: number): (this: void, second: number) => number {
  return (second) => (second < at ? before : after);
}
