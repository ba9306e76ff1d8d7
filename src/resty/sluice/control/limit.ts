import { FIRST_LIMIT } from "../store/memory/limit";

/**
 * Finds how many requests in flight a server can have, from the times of its responses. Pure.
 *
 *   light time  the time of a response while the server has few requests
 *   gradient    tolerance × light time ÷ time of a response, from 0.5 to `tolerance`
 *   limit       moves to limit × gradient, by a part that rises with the number of responses
 *
 * This is the gradient of Netflix's limits, with two differences. A limit has no constant added to it, so that
 * it comes to rest where a response takes `tolerance` times as long as with few requests. And the time to
 * compare with is no long-term mean, which would rise during an overload until it no longer limited anything.
 * It is measured whenever the server has few requests. While the limit refuses requests, the limit is lowered
 * for a moment now and then, below the number of requests at which a server begins to queue them.
 *
 * If the times stay although the limit has halved, the requests are not the reason: the server has become
 * slower, and these times are its new light time.
 */

/** What was measured of a server in a window of time. */
export interface Window {
  /** The length of the window in seconds. */
  passed: number;
  /** The number of attempts that ended, and the part of them without a response. */
  answers: number;
  unanswered: number;
  /** The mean time of a response in milliseconds, per response that was no error; undefined: all were errors. */
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
const enum Probe {
  NONE,
  /** The requests that were sent before are still under way. */
  SETTLING,
  MEASURING,
}

/** What is known of a server. Times are in milliseconds, moments in seconds of the monotonic clock. */
export interface Limit {
  /** The limit as it moves, with a fraction. */
  value: number;
  /** The time of a response with few requests; 0: not known. And that of the last window. */
  light_time: number;
  last_time: number;
  /** True until the first responses that take too long: the limit may double. */
  is_starting: boolean;
  probe: Probe;
  probe_due: number;
  /** The highest limit since the times were last compared, and the longest time since then. */
  highest: number;
  longest: number;
}

/** The fewest ended attempts that a window must have. */
export const FEWEST_ANSWERS = 10;
/** In seconds. */
const SHORTEST_WINDOW = 0.25;
/** nginx measures in milliseconds. */
const SHORTEST_TIME = 1;
/** The number of responses that count as much as all that was known before. */
const WEIGHTY = 20;
/** The part of the attempts without a response from which the server counts as overloaded, and what it costs. */
const MANY_UNANSWERED = 0.1;
const LOWERED = 0.8;
/** The part of the limit that must be used to change it, and the part from which it refuses requests. */
const USED = 0.5;
const BINDING = 0.7;
/** The part of the number of requests at which a server begins to queue them that a probe allows. */
const PROBED = 0.75;
/** Time between two probes, in seconds: while the light time is good, and while it is not. */
const PROBE_SECONDS = 30;
const WINDOWS_A_PROBE = 60;
const SOON = 2;
/** A probe that finds a light time lower by this part is followed by another one soon. */
const MUCH_LOWER = 0.1;
/** The part of its way that a light time rises after a probe. It is small: others may load the server. */
const RISE = 0.1;
/** Half the limit should bring half the time. Above this part, the requests are not why responses take long. */
const NO_GAIN = 0.75;
/** Time in which the light time follows at the lowest limit, in seconds. */
const FOLLOW_SECONDS = 10;

/** Makes the limit of a server. `value`, `light_time`: what another process has found; 0: nothing. */
export function new_limit(value: number, light_time: number, now: number): Limit {
  return {
    value: value > 0 ? value : FIRST_LIMIT,
    light_time,
    last_time: 0,
    is_starting: value === 0,
    probe: Probe.NONE,
    probe_due: now + SOON,
    highest: 0,
    longest: 0,
  };
}

function between(least: number, value: number, most: number): number {
  return math.max(least, math.min(value, most));
}

/** Returns the limit to apply: a whole number. */
export function applied_limit({ value, probe }: Limit, { min, max, tolerance }: Bounds): number {
  const part = probe === Probe.NONE ? 1 : PROBED / tolerance;
  return between(min, math.floor(value * part + 0.5), max);
}

/** Returns how long a window must be, in seconds, so that most of its requests began under the same limit. */
export function window_seconds({ light_time, last_time }: Limit): number {
  return math.max(SHORTEST_WINDOW, (2 * math.max(light_time, last_time)) / 1000);
}

/** Tells whether a server can be measured with fewer requests than its limit allows. */
function can_probe(limit: Limit, bounds: Bounds): boolean {
  return math.floor((limit.value * PROBED) / bounds.tolerance + 0.5) < applied_limit(limit, bounds);
}

/** Moves the light time to a measured one. `part`: of the way. */
function learn(limit: Limit, time: number, part: number): void {
  if (limit.light_time === 0) limit.light_time = time;
  else limit.light_time += (time - limit.light_time) * part;
}

function weight_of({ answers }: Window): number {
  return answers / (answers + WEIGHTY);
}

/** Ends a probe with what it has found. */
function end_probe(limit: Limit, time: number, window: Window, now: number, random: number): void {
  const before = limit.light_time;
  learn(limit, time, time < before ? weight_of(window) : RISE);
  limit.probe = Probe.NONE;
  const is_much_lower = limit.light_time < before * (1 - MUCH_LOWER);
  // Servers that probe at different times leave the others for the requests that one of them refuses.
  const rest = is_much_lower ? SOON : math.max(PROBE_SECONDS, WINDOWS_A_PROBE * window_seconds(limit));
  limit.probe_due = now + rest * (0.75 + random / 2);
}

/**
 * Compares the times before and after the limit has halved. If they are equal, the light time becomes the
 * present one.
 */
function compare_times(limit: Limit, time: number, now: number): void {
  if (limit.value > limit.highest) {
    limit.highest = limit.value;
    limit.longest = time;
    return;
  }
  limit.longest = math.max(limit.longest, time);
  if (limit.value > limit.highest / 2) return;
  if (time > limit.longest * NO_GAIN) {
    limit.light_time = math.max(limit.light_time, time);
    limit.probe_due = math.min(limit.probe_due, now + 2 * SOON);
  }
  limit.highest = limit.value;
  limit.longest = time;
}

/** Moves a limit that is in use by the gradient of the times. */
function follow_gradient(limit: Limit, time: number, window: Window, { tolerance }: Bounds): void {
  const gradient = (tolerance * limit.light_time) / time;
  if (gradient < 1) limit.is_starting = false;
  if (limit.is_starting) limit.value *= 2;
  else limit.value *= 1 + (between(0.5, gradient, tolerance) - 1) * weight_of(window);
}

/** Uses the times of a window in which the limit was in use. */
function adjust(limit: Limit, time: number, window: Window, bounds: Bounds, now: number): void {
  if (limit.light_time === 0) limit.light_time = time;
  const is_lowest = applied_limit(limit, bounds) <= bounds.min;
  if (is_lowest) learn(limit, time, math.min(1, window.passed / FOLLOW_SECONDS));
  const is_binding = window.in_flight >= limit.value * BINDING;
  if (is_binding && now >= limit.probe_due && can_probe(limit, bounds)) {
    limit.probe = Probe.SETTLING;
    limit.is_starting = false;
    return;
  }
  compare_times(limit, time, now);
  follow_gradient(limit, time, window, bounds);
  limit.value = between(bounds.min, limit.value, bounds.max);
}

/**
 * Updates a limit with what was measured in a window. Any phase.
 *
 * @param window has at least `FEWEST_ANSWERS` answers
 * @param random from 0 to 1
 */
export function update_limit(
  limit: Limit,
  window: Window,
  bounds: Bounds,
  now: number,
  random: number,
): void {
  const { answers, unanswered, in_flight } = window;
  limit.value = between(bounds.min, limit.value, bounds.max);
  if (window.time === undefined || unanswered > answers * MANY_UNANSWERED) {
    limit.probe = Probe.NONE;
    limit.is_starting = false;
    limit.value = math.max(bounds.min, limit.value * LOWERED);
    return;
  }
  const time = math.max(SHORTEST_TIME, window.time);
  limit.last_time = time;
  if (limit.probe === Probe.SETTLING) limit.probe = Probe.MEASURING;
  else if (limit.probe === Probe.MEASURING) end_probe(limit, time, window, now, random);
  else if (in_flight >= limit.value * USED) adjust(limit, time, window, bounds, now);
  else if (in_flight * 2 * bounds.tolerance <= limit.value) learn(limit, time, weight_of(window) / 2);
}
