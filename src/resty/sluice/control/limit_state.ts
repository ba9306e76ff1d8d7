import { FIRST_LIMIT } from "../store/memory/limit";

/** What is known of a server whose limit is adaptive, and what was measured of it. Pure. */

/** What was measured of a server in a window of time. */
export interface Window {
  /** The length of the window in seconds. */
  passed: number;
  /** The number of attempts that ended, and the part of them without a response. */
  answers: number;
  unanswered: number;
  /**
   * The mean time of a response in milliseconds, per response that was no error; undefined: all were errors.
   */
  time: number | undefined;
  /** The mean number of requests in flight. */
  in_flight: number;
}

/** The bounds of a limit: the option `adaptive_limit`. */
export interface Bounds {
  min: number;
  max: number;
  tolerance: number;
}

/** Whether the limit is lowered, to measure the light time. */
export const enum Probe {
  NONE,
  /** The requests that were sent before are still under way. */
  SETTLING,
  MEASURING,
}

/** What is known of a server. Times are in milliseconds, moments in seconds of the monotonic clock. */
export interface Limit {
  /** The limit as it moves, with a fraction. */
  value: number;
  /** The limit without what failures have taken from it. */
  usual: number;
  /** The time of a response with few requests; 0: not known. And that of the last window. */
  light_time: number;
  last_time: number;
  /** True until the first responses that take too long: the limit may double. */
  is_starting: boolean;
  probe: Probe;
  /** The limit during a probe. */
  probed: number;
  /** When the next probe is due, by the time of day, and the seconds from one to the next. */
  probe_due: number;
  probe_period: number;
  /** Distinguishes the servers whose probes must not coincide: seconds from 0. */
  phase: number;
  /** The highest limit since the times were last compared, and the longest time since then. */
  highest: number;
  longest: number;
}

/** The fewest ended attempts that a window must have, and that of a probe. */
const FEWEST_ANSWERS = 10;
const ANSWERS_OF_PROBE = 40;
/** In seconds. */
const SHORTEST_WINDOW = 0.25;
/** The number of responses that count as much as all that was known before. */
const WEIGHTY = 20;
/** Periods of probes, in seconds: `light_time.ts`. */
export const SHORTEST_PERIOD = 2;

/**
 * Makes the limit of a server. Gateways with the same `phase` of a server measure it at the same moments, so
 * that each of them sees the server without the requests of the others, too.
 *
 * @param value, light_time what another process has found; 0: nothing
 * @param time the time of day, in seconds
 */
export function new_limit(value: number, light_time: number, phase: number, time: number): Limit {
  const known = value > 0 ? value : FIRST_LIMIT;
  return {
    value: known,
    usual: known,
    light_time,
    last_time: 0,
    is_starting: value === 0,
    probe: Probe.NONE,
    probed: 0,
    probe_due: time + SHORTEST_PERIOD,
    probe_period: SHORTEST_PERIOD,
    phase,
    highest: 0,
    longest: 0,
  };
}

export function between(least: number, value: number, most: number): number {
  return math.max(least, math.min(value, most));
}

/** Returns the limit to apply: a whole number. */
export function applied_limit({ value, probe, probed }: Limit, { min, max }: Bounds): number {
  return between(min, math.floor((probe === Probe.NONE ? value : probed) + 0.5), max);
}

/** Returns the fewest ended attempts that the next window must have. */
export function answers_wanted({ probe }: Limit): number {
  return probe === Probe.MEASURING ? ANSWERS_OF_PROBE : FEWEST_ANSWERS;
}

/** Returns how long a window must be, in seconds, so that most of its requests began under the same limit. */
export function window_seconds({ light_time, last_time }: Limit): number {
  return math.max(SHORTEST_WINDOW, (2 * math.max(light_time, last_time)) / 1000);
}

export function weight_of({ answers }: Window): number {
  return answers / (answers + WEIGHTY);
}
