import type { Cost } from "./cost";
import type { Peer, Surroundings } from "./method";

/** Times in milliseconds. Those of one step count as equal, and share by round robin. */
const STEP = 20;
/** Peers slower than this are equally bad. A response in vain counts as so slow. */
export const WORST_TIME = 5000;

/** How many times the expected time of a peer is halved that was not chosen for so long. */
function halvings(idle: number, fail_timeout: number): number {
  return idle > fail_timeout ? math.floor(idle / fail_timeout) : 0;
}

/**
 * The cost of `least_time`, by the rules of nginx's ngx_http_upstream_least_time_module (1.31): the expected time in
 * steps of 20 ms, times the requests that would be under way. A peer that was not chosen for its `fail_timeout` is
 * expected to take half as long, so that slow ones get another chance. Unlike nginx, which forgets the halving with the
 * next request, it stays until responses tell otherwise: what has become fast has its share again after log2(time / 20 ms)
 * periods, not after hundreds.
 *
 * @param uses_inflight let the age of the requests under way count when it is above the expected time
 */
export function time_cost(surroundings: Surroundings, uses_inflight: boolean): Cost {
  const { in_flight, age_in_flight, expected_time, expect_time, chosen_at, fail_timeout } = surroundings;

  function of(this: void, peer: Peer, now: number): number {
    let time = expected_time(peer) / 2 ** halvings(now - chosen_at(peer), fail_timeout(peer));
    if (uses_inflight) time = math.max(time, age_in_flight(peer));
    if (time > WORST_TIME) time = WORST_TIME;
    else time = time > 0 ? math.floor(time / STEP) * STEP + STEP : STEP;
    return time * (1 + in_flight(peer));
  }

  function chosen(this: void, peer: Peer, now: number): void {
    const halved = halvings(now - chosen_at(peer), fail_timeout(peer));
    const time = expected_time(peer);
    if (halved > 0 && time > 0) expect_time(peer, time / 2 ** halved);
  }

  return { of, least: STEP, chosen };
}
