/**
 * Anomalies of servers, for outlier detection that takes weight from them or only reports them. Pure.
 *
 * A server is compared with the sum of the other servers, so that a fault of all is an anomaly of none.
 *
 *   errors    its error rate is above that of the others by `error_margin`, plus three standard deviations
 *             of that rate among so many responses, so that chance is no anomaly
 *   latency   its mean time is above `latency_ratio` times that of the others, and 5 ms longer
 *
 * A latency must be anomalous twice in a row, because a single pause of a server or of this machine makes the
 * mean of few responses large.
 *
 * Half of both distances is the bound below which a server is normal. In between it keeps what it has. The
 * weight moves as the health score of LinkedIn's D2 (rest.li, relative strategy): each interval it falls by a
 * step, 0.2 by default, or rises by a smaller one, 0.05. D2 compares with the mean of the cluster too, and
 * takes 1.3 and 1.1 times that mean for the bounds of a bad and a good latency.
 */

/** Times in seconds or milliseconds where noted, all else in parts of 1. */
export interface AnomalyLimits {
  degrades: boolean;
  minimum_hosts: number;
  request_volume: number;
  /** 0: error rates are no anomaly. */
  error_margin: number;
  /** 0: latencies are no anomaly. */
  latency_ratio: number;
  step_down: number;
  step_up: number;
  min_part: number;
}

/** What a server, or several, did since a moment. */
export interface Performance {
  /** Responses, and requests that got none. */
  responses: number;
  /** Responses of 5xx, and requests that got none. */
  errors: number;
  /** Responses, and those of 5xx among them. */
  answers: number;
  bad_answers: number;
  /** The responses whose times are known, and the sum of those times in milliseconds. */
  timed: number;
  time: number;
}

/** The result of a comparison. */
export const enum Verdict {
  /** There were too few requests. */
  UNKNOWN,
  NORMAL,
  /** Between the bounds. */
  DOUBTFUL,
  ERRORS,
  LATENCY,
}

/** The number of standard deviations that chance explains. */
const NOISE = 3;
/** A smaller difference of latencies is none, in milliseconds: nginx measures whole ones. */
const LEAST_DIFFERENCE = 5;
/** A server that has lost weight is judged by fewer requests, but not by fewer than these. */
const FEWEST_REQUESTS = 10;

/** Makes an empty performance, to which others are added. */
export function new_performance(): Performance {
  return { responses: 0, errors: 0, answers: 0, bad_answers: 0, timed: 0, time: 0 };
}

/** Adds a performance to a sum. */
export function add_performance(sum: Performance, one: Performance): void {
  sum.responses = sum.responses + one.responses;
  sum.errors = sum.errors + one.errors;
  sum.answers = sum.answers + one.answers;
  sum.bad_answers = sum.bad_answers + one.bad_answers;
  sum.timed = sum.timed + one.timed;
  sum.time = sum.time + one.time;
}

/**
 * Returns the number of requests that are enough to judge a server with a part of its weight:
 * `request_volume` in proportion to that part, so that a server can be seen to recover.
 */
export function enough_requests({ request_volume }: AnomalyLimits, part: number): number {
  return math.max(math.min(FEWEST_REQUESTS, request_volume), math.ceil(request_volume * part));
}

/**
 * Returns the mean time of good responses in milliseconds; -1: not known. Failed responses count as if they
 * had taken no time, so that one which fails at once never makes a server look fast.
 */
export function latency_of({ timed, time, answers, bad_answers }: Performance): number {
  const good = answers - bad_answers;
  if (timed <= 0 || good <= 0) return -1;
  return ((time / timed) * answers) / good;
}

/** Returns the part of the requests that failed; there must be some. */
export function error_rate_of({ responses, errors }: Performance): number {
  return errors / responses;
}

/**
 * Compares a server with the others.
 *
 * @param part the part of its weight that the server has
 */
export function judge(one: Performance, others: Performance, limits: AnomalyLimits, part: number): Verdict {
  const { error_margin, latency_ratio } = limits;
  if (one.responses < enough_requests(limits, part) || others.responses < limits.request_volume)
    return Verdict.UNKNOWN;
  const rate = error_rate_of(others);
  const excess = error_rate_of(one) - rate;
  const noise = NOISE * math.sqrt((rate * (1 - rate)) / one.responses);
  if (error_margin > 0 && excess > error_margin + noise) return Verdict.ERRORS;
  const latency = latency_of(one);
  const usual = latency_of(others);
  const is_compared = latency_ratio > 0 && latency >= 0 && usual >= 0 && latency - usual > LEAST_DIFFERENCE;
  if (is_compared && latency > usual * latency_ratio) return Verdict.LATENCY;
  if (error_margin > 0 && excess > error_margin / 2 + noise) return Verdict.DOUBTFUL;
  if (is_compared && latency > usual * (1 + (latency_ratio - 1) / 2)) return Verdict.DOUBTFUL;
  return Verdict.NORMAL;
}

/** Returns a part of the weight after a step down. */
export function stepped_down(part: number, { step_down, min_part }: AnomalyLimits): number {
  return math.max(min_part, part - step_down);
}

/** Returns a part of the weight after a step up. */
export function stepped_up(part: number, { step_up }: AnomalyLimits): number {
  // Sums of such steps are not exact.
  return part + step_up > 0.9999 ? 1 : part + step_up;
}
