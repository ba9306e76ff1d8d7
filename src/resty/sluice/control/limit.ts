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
/**
 * The part of the number of requests at which a server begins to queue them that a probe allows, and that of a
 * probe soon after another one: while the light time is too long, this number is too high.
 */
const PROBED = 0.75;
const PROBED_SOON = 0.5;
/**
 * Time from one probe to the next, in seconds. It doubles from the first to the last value, while probes
 * find about the known light time. A probe that lowers it much is followed by another one soon.
 */
const SHORTEST_PERIOD = 2;
const LONGEST_PERIOD = 32;
/** Only a clock that was set makes a probe due later than this, unless responses take minutes. */
const FARTHEST_PROBE = 1000;
const MUCH_DIFFERENT = 0.1;
/** The longest part of a period that windows may take. */
const WINDOWS_A_PERIOD = 16;
/** The part of its way that a light time rises after a probe. It is small: others may load the server. */
const RISE = 0.2;
/**
 * A third of the limit should bring a third of the time. Above the part `NO_GAIN`, the requests are not the
 * reason for long times.
 */
const COMPARED = 1 / 3;
const NO_GAIN = 0.6;
/** Responses that take this many times as long end the start. */
const MUCH_LONGER = 1.25;
/** The largest part of its way that a limit moves. It is small, as times tell of the limit before. */
const LARGEST_PART = 0.4;
/** Time in which the light time follows at the lowest limit, in seconds. */
const FOLLOW_SECONDS = 10;

/**
 * Makes the limit of a server. Gateways with the same `phase` of a server measure it at the same moments, so that
 * each of them sees the server without the requests of the others, too.
 *
 * @param value, light_time what another process has found; 0: nothing
 * @param time the time of day, in seconds
 */
export function new_limit(value: number, light_time: number, phase: number, time: number): Limit {
  return {
    value: value > 0 ? value : FIRST_LIMIT,
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

function between(least: number, value: number, most: number): number {
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

/** Moves the light time to a measured one. `part`: of the way. */
function learn(limit: Limit, time: number, part: number): void {
  if (limit.light_time === 0) limit.light_time = time;
  else limit.light_time += (time - limit.light_time) * part;
}

function weight_of({ answers }: Window): number {
  return answers / (answers + WEIGHTY);
}

/** Plans the next probe at a moment that other gateways choose, too. `time`: the time of day. */
function plan_probe(limit: Limit, time: number): void {
  let period = limit.probe_period;
  while (period < WINDOWS_A_PERIOD * window_seconds(limit)) period *= 2;
  const phase = limit.phase % period;
  limit.probe_due = math.floor((time - phase) / period + 1) * period + phase;
}

/**
 * Begins a probe if one is due, while the limit refuses requests: a probe refuses more of them. Returns whether it
 * does. `time`: the time of day.
 */
function begin_probe(limit: Limit, { in_flight }: Window, bounds: Bounds, time: number): boolean {
  const { probe_due, light_time, last_time, probe_period } = limit;
  if (probe_due - time > FARTHEST_PROBE) plan_probe(limit, time);
  if (time < probe_due) return false;
  const is_late = time > probe_due + 2 * window_seconds(limit);
  plan_probe(limit, time);
  if (is_late || in_flight < limit.value * BINDING) return false;
  // By Little's law, so many requests would be in flight if none of them waited in the server.
  const without_wait = (in_flight * light_time) / last_time;
  limit.probed = math.max(
    bounds.min,
    without_wait * (probe_period === SHORTEST_PERIOD ? PROBED_SOON : PROBED),
  );
  if (math.floor(limit.probed + 0.5) >= applied_limit(limit, bounds)) return false;
  limit.probe = Probe.SETTLING;
  limit.is_starting = false;
  return true;
}

/** Ends a probe with what it has found. */
function end_probe(limit: Limit, response_time: number, window: Window, time: number): void {
  const before = limit.light_time;
  learn(limit, response_time, response_time < before ? weight_of(window) : RISE);
  limit.probe = Probe.NONE;
  // The limit follows the light time at once, as otherwise it would take many windows.
  if (limit.light_time < before) limit.value *= math.max(0.5, limit.light_time / before);
  if (limit.light_time < before * (1 - MUCH_DIFFERENT)) limit.probe_period = SHORTEST_PERIOD;
  else if (response_time < before * (1 + MUCH_DIFFERENT))
    limit.probe_period = math.min(2 * limit.probe_period, LONGEST_PERIOD);
  plan_probe(limit, time);
}

/**
 * Compares the times before and after the limit has fallen to a third. If they are equal, the light time becomes
 * the present one.
 */
function compare_times(limit: Limit, time: number): void {
  if (limit.value > limit.highest) {
    limit.highest = limit.value;
    limit.longest = time;
    return;
  }
  limit.longest = math.max(limit.longest, time);
  if (limit.value > limit.highest * COMPARED) return;
  if (time > limit.longest * NO_GAIN) {
    limit.light_time = math.max(limit.light_time, time);
    limit.probe_period = SHORTEST_PERIOD;
  }
  limit.highest = limit.value;
  limit.longest = time;
}

/** Moves a limit that is in use by the gradient of the times. */
function follow_gradient(limit: Limit, time: number, window: Window, { tolerance }: Bounds): void {
  const gradient = (tolerance * limit.light_time) / time;
  if (time > limit.light_time * MUCH_LONGER) limit.is_starting = false;
  if (limit.is_starting) limit.value *= 2;
  else limit.value *= 1 + (between(0.5, gradient, tolerance) - 1) * LARGEST_PART * weight_of(window);
}

/** Uses the times of a window in which the limit was in use. */
function adjust(limit: Limit, response_time: number, window: Window, bounds: Bounds, time: number): void {
  if (limit.light_time === 0) limit.light_time = response_time;
  const is_lowest = applied_limit(limit, bounds) <= bounds.min;
  if (is_lowest) learn(limit, response_time, math.min(1, window.passed / FOLLOW_SECONDS));
  if (begin_probe(limit, window, bounds, time)) return;
  compare_times(limit, response_time);
  follow_gradient(limit, response_time, window, bounds);
  limit.value = between(bounds.min, limit.value, bounds.max);
}

/**
 * Updates a limit with what was measured in a window. Any phase.
 *
 * @param window has at least `answers_wanted` answers
 * @param time the time of day, in seconds
 */
export function update_limit(limit: Limit, window: Window, bounds: Bounds, time: number): void {
  const { answers, unanswered, in_flight } = window;
  limit.value = between(bounds.min, limit.value, bounds.max);
  if (window.time === undefined || unanswered > answers * MANY_UNANSWERED) {
    limit.probe = Probe.NONE;
    limit.is_starting = false;
    limit.value = math.max(bounds.min, limit.value * LOWERED);
    return;
  }
  const response_time = math.max(SHORTEST_TIME, window.time);
  limit.last_time = response_time;
  if (limit.probe === Probe.SETTLING) limit.probe = Probe.MEASURING;
  else if (limit.probe === Probe.MEASURING) end_probe(limit, response_time, window, time);
  else if (in_flight >= limit.value * USED) adjust(limit, response_time, window, bounds, time);
  else if (in_flight * 2 * bounds.tolerance <= limit.value)
    learn(limit, response_time, weight_of(window) / 2);
}
