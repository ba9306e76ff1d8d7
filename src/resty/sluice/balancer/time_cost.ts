import type { Cost } from "./cost";
import type { Peer, Surroundings } from "./method";

/** Times in milliseconds. Those of one step count as equal, and share by round robin. */
const STEP = 20;
/** Peers slower than this are equally bad. A response in vain counts as so slow. */
export const WORST_TIME = 5000;

/**
 * Returns how many times the expected time of a peer is halved that was last chosen at `chosen_at`. nginx counts whole
 * seconds and halves once in `fail_timeout` + 1 of them, so that a `fail_timeout` of 0 halves once a second.
 */
function halvings(chosen_at: number, now: number, fail_timeout: number): number {
  const idle = math.floor(now) - math.floor(chosen_at);
  return idle > fail_timeout ? math.floor(idle / (fail_timeout + 1)) : 0;
}

/**
 * The cost of `least_time`, by the rules of nginx's ngx_http_upstream_least_time_module (1.31): the expected time in
 * steps of 20 ms, times the requests that would be under way. A peer that is not chosen for longer than its
 * `fail_timeout` is expected to take half as long, so that slow ones get another chance. Unlike nginx, which forgets the halving with the
 * next request, it stays until responses tell otherwise: what has become fast has its share again after log2(time / 20 ms)
 * periods, not after hundreds.
 *
 * @param uses_inflight let the age of the requests under way count when it is above the expected time
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
