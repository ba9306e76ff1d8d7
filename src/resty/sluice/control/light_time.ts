import {
  applied_limit,
  Probe,
  SHORTEST_PERIOD,
  weight_of,
  window_seconds,
  type Bounds,
  type Limit,
  type Window,
} from "./limit_state";

/** Finds how long a server takes for a response while it has few requests. Pure. */

/** The part of the limit that is used while it refuses requests. */
const BINDING = 0.7;
/**
 * The part of the number of requests at which a server begins to queue them that a probe allows, and that of
 * a probe soon after another one: while the light time is too long, this number is too high.
 */
const PROBED = 0.75;
const PROBED_SOON = 0.5;
/**
 * Longest time from one probe to the next, in seconds. It doubles from `SHORTEST_PERIOD` on, while probes
 * find about the known light time. A probe that lowers it much is followed by another one soon.
 */
const LONGEST_PERIOD = 32;
/** Only a clock that was set makes a probe due later than this, unless responses take minutes. */
const FARTHEST_PROBE = 1000;
const MUCH_DIFFERENT = 0.1;
/** The longest part of a period that windows may take. */
const WINDOWS_A_PERIOD = 16;
/** The part of its way that a light time rises after a probe. It is small: others may load the server. */
const RISE = 0.3;
/**
 * A third of the limit should bring a third of the time. Above the part `NO_GAIN`, the requests are not the
 * reason for long times.
 */
const COMPARED = 1 / 3;
const NO_GAIN = 0.5;
/** Time in which the light time follows at the lowest limit, in seconds. */
const FOLLOW_SECONDS = 10;

/** Moves the light time to a measured one. `part`: of the way. */
export function learn(limit: Limit, time: number, part: number): void {
  if (limit.light_time === 0) limit.light_time = time;
  else limit.light_time += (time - limit.light_time) * part;
}

/** Plans the next probe at a moment that other gateways choose, too. `time`: the time of day. */
function plan_probe(limit: Limit, time: number): void {
  let period = limit.probe_period;
  while (period < WINDOWS_A_PERIOD * window_seconds(limit)) period *= 2;
  const phase = limit.phase % period;
  limit.probe_due = math.floor((time - phase) / period + 1) * period + phase;
}

/**
 * Begins a probe if one is due, while the limit refuses requests: a probe refuses more of them. Returns
 * whether it does. `time`: the time of day.
 */
export function begin_probe(limit: Limit, { in_flight }: Window, bounds: Bounds, time: number): boolean {
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
export function end_probe(limit: Limit, response_time: number, window: Window, time: number): void {
  const before = limit.light_time;
  // Of one request at a time, none waits.
  const is_sure = response_time < before || limit.probed < 1.5;
  learn(limit, response_time, is_sure ? weight_of(window) : RISE);
  limit.probe = Probe.NONE;
  // The limit follows the light time at once, as otherwise it would take many windows.
  if (limit.light_time < before) {
    limit.value *= math.max(0.5, limit.light_time / before);
    limit.usual = limit.value;
  }
  if (limit.light_time < before * (1 - MUCH_DIFFERENT)) limit.probe_period = SHORTEST_PERIOD;
  else if (response_time < before * (1 + MUCH_DIFFERENT))
    limit.probe_period = math.min(2 * limit.probe_period, LONGEST_PERIOD);
  plan_probe(limit, time);
}

/**
 * Compares the times before and after the limit has fallen to a third. If they are equal, the light time
 * becomes the present one.
 */
export function compare_times(limit: Limit, time: number): void {
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

/** Learns from the responses of a server at its lowest limit, which cannot be probed. */
export function learn_at_lowest(limit: Limit, response_time: number, window: Window, bounds: Bounds): void {
  const applied = applied_limit(limit, bounds);
  if (applied === 1) learn(limit, response_time, weight_of(window));
  else if (applied === bounds.min) learn(limit, response_time, math.min(1, window.passed / FOLLOW_SECONDS));
}
