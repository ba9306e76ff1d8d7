/** The expected time of a response, and the requests from elsewhere that are believed, for `least_load`. */

/**
 * Is added to each time, so that of peers that answer within a millisecond, which is as precise as nginx
 * measures, the one with fewer requests comes first.
 */
const TICK = 0.5;
/** By how much the requests of others may exceed those above which a peer is hot. */
const MOST_ELSEWHERE = 2;
/** By how much the requests above which a peer is hot may exceed those of chosen peers. */
const MOST_HOT = 2;

/**
 * Returns the expected time with `requests` in progress. `mean`: the mean time of responses with
 * `mean_requests` in progress.
 */
export function time_with(requests: number, mean: number, mean_requests: number): number {
  return ((mean + TICK) * (1 + requests)) / (1 + mean_requests);
}

/**
 * Returns the cost of one more request by which peers are compared: the square of the number of requests, and
 * the square root of the time that each of them takes. Times are known by some responses only, and requests
 * exactly, so that small differences of times must not outweigh a request. Arguments as for `time_with`, but
 * the requests are for the weight of a peer.
 */
export function cost_with(requests: number, mean: number, mean_requests: number): number {
  const time = (mean + TICK) / (1 + mean_requests);
  return math.sqrt(time) * (1 + requests) * (1 + requests);
}

/**
 * Returns the upper bound on the requests from elsewhere, for the weight, that a peer is believed to have.
 * With so many, a peer has too many requests, but not more than others can have. `hot_from`: as in
 * `note_hot`.
 */
export function most_elsewhere(hot_from: number): number {
  return MOST_ELSEWHERE * (1 + hot_from);
}

/**
 * Returns the upper bound on the requests above which a peer is hot. Peers that report absurd numbers are not
 * chosen, so what chosen peers have is a measure that they cannot raise. `chosen`: the requests of such
 * peers, for their weight.
 */
export function most_hot_from(chosen: number): number {
  return MOST_HOT * (1 + chosen);
}
