import { begin_probe, compare_times, end_probe, learn, learn_at_lowest } from "./light_time";
import { between, Probe, weight_of, type Bounds, type Limit, type Window } from "./limit_state";

/**
 * Finds how many requests in flight a server can have, from the times of its responses. Pure.
 *
 *   light time  the time of a response while the server has few requests
 *   gradient    tolerance × light time ÷ time of a response, from 0.5 to `tolerance`
 *   limit       moves to limit × gradient, by a part that rises with the number of responses
 *
 * This is the gradient of Netflix's limits, with two differences. A limit has no constant added to it, so
 * that it comes to rest where a response takes `tolerance` times as long as with few requests. And the time
 * to compare with is no long-term mean, which would rise during an overload until it no longer limited
 * anything. It is measured whenever the server has few requests. While the limit refuses requests, the limit
 * is lowered for a moment now and then, below the number of requests at which a server begins to queue them.
 *
 * If the times stay although the limit has fallen to a third, the requests are not the reason: the server has
 * become slower, and these times are its new light time.
 */

/** nginx measures in milliseconds. */
const SHORTEST_TIME = 1;
/**
 * The part of the attempts without a response from which the server counts as overloaded, and what it costs.
 */
const MANY_UNANSWERED = 0.1;
const LOWERED = 0.8;
/** The part of the limit that must be used to change it. */
const USED = 0.5;
/** Responses that take this many times as long end the start. */
const MUCH_LONGER = 1.25;
/** The largest part of its way that a limit moves. It is small, as times tell of the limit before. */
const LARGEST_PART = 0.4;

/** Time in which a limit that is hardly used returns to what it was before failures, in seconds. */
const RETURN_SECONDS = 10;

/** Moves a limit that is in use by the gradient of the times. */
function follow_gradient(limit: Limit, time: number, window: Window, { tolerance }: Bounds): void {
  const gradient = (tolerance * limit.light_time) / time;
  if (time > limit.light_time * MUCH_LONGER) limit.is_starting = false;
  if (limit.is_starting) limit.value *= 2;
  else limit.value *= 1 + (between(0.5, gradient, tolerance) - 1) * LARGEST_PART * weight_of(window);
  limit.usual = gradient < 1 ? limit.value : math.max(limit.usual, limit.value);
}

/** Uses the times of a window in which the limit was in use. */
function adjust(limit: Limit, response_time: number, window: Window, bounds: Bounds, time: number): void {
  if (limit.light_time === 0) limit.light_time = response_time;
  learn_at_lowest(limit, response_time, window, bounds);
  if (begin_probe(limit, window, bounds, time)) return;
  compare_times(limit, response_time);
  follow_gradient(limit, response_time, window, bounds);
  limit.value = between(bounds.min, limit.value, bounds.max);
}

/**
 * Uses the times of a window in which the limit was hardly in use. A limit that has fallen during failures
 * returns then, and to what bursts of that many requests need: it could not rise otherwise.
 */
function rest(limit: Limit, response_time: number, window: Window, { tolerance }: Bounds): void {
  const { in_flight, passed } = window;
  if (in_flight * 2 * tolerance <= limit.value) learn(limit, response_time, weight_of(window) / 2);
  const wanted = math.max(limit.usual, in_flight + 3 * math.sqrt(in_flight) + 1);
  if (limit.value >= wanted || response_time > limit.light_time * tolerance) return;
  limit.value += (wanted - limit.value) * math.min(1, passed / RETURN_SECONDS);
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
  else rest(limit, response_time, window, bounds);
}
