import type { Cost } from "./cost";
import type { Peer, Surroundings } from "./method";

/** Times are in milliseconds. Times within one step count as equal. */
const STEP = 20;
/** Slower peers are equally bad. A failed response counts as this time. */
export const WORST_TIME = 5000;

/**
 * Returns how often the expected time of a peer is halved since it was last chosen: as in nginx once in
 * `fail_timeout` + 1 seconds, so that a `fail_timeout` of 0 halves once a second.
 */
export function halvings(chosen_at: number, now: number, fail_timeout: number): number {
  const idle = math.floor(now) - math.floor(chosen_at);
  return idle > fail_timeout ? math.floor(idle / (fail_timeout + 1)) : 0;
}

/**
 * The cost of `least_time` by the rules of nginx 1.31: the expected time in steps of 20 ms, times the
 * requests that would be in progress. It is halved for each `fail_timeout` in which the peer was not chosen,
 * so that slow peers get another chance. nginx forgets the halving with the next request. Here it stays until
 * responses change the time, so that a peer that has become fast regains its share soon, not after hundreds
 * of periods.
 *
 * @param uses_inflight true: the age of the requests in progress counts when it is above the expected time
 */
export function time_cost(surroundings: Surroundings, uses_inflight: boolean): Cost {
  const { in_flight, age_in_flight, expected_time, expect_time, chosen_at, fail_timeout } = surroundings;

  function of(this: void, peer: Peer, now: number): number {
    let time = expected_time(peer) / 2 ** halvings(chosen_at(peer), now, fail_timeout(peer));
    if (uses_inflight) time = math.max(time, age_in_flight(peer));
    if (time > WORST_TIME) time = WORST_TIME;
    else time = time > 0 ? math.floor(time / STEP) * STEP + STEP : STEP;
    return time * (1 + in_flight(peer));
  }

  function chosen(this: void, peer: Peer, now: number): void {
    const halved = halvings(chosen_at(peer), now, fail_timeout(peer));
    const time = expected_time(peer);
    if (halved > 0 && time > 0) expect_time(peer, time / 2 ** halved);
  }

  return { of, least: STEP, chosen };
}
