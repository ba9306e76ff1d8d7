/**
 * Outlier detection by success rate, as in Envoy: finds servers that are clearly worse than the others. Pure.
 */

/** The responses of a server in an interval. */
export interface Performance {
  responses: number;
  errors: number;
}

const PERCENT = 100;
const THOUSANDTHS = 1000;

function rate_of({ responses, errors }: Performance): number {
  return ((responses - errors) * PERCENT) / responses;
}

/**
 * Returns the success rate, in percent, below which servers are outliers: the mean of the servers with enough
 * responses minus the standard deviation times a factor; undefined: too few servers. Any phase.
 *
 * @param minimum_hosts the number of servers with enough responses that is needed
 * @param request_volume the number of responses that is enough
 * @param stdev_factor in thousandths
 */
export function success_rate_threshold(
  performances: readonly Performance[],
  minimum_hosts: number,
  request_volume: number,
  stdev_factor: number,
): number | undefined {
  let hosts = 0;
  let sum = 0;
  let squares = 0;
  for (const performance of performances) {
    if (performance.responses >= request_volume) {
      const rate = rate_of(performance);
      hosts += 1;
      sum += rate;
      squares += rate * rate;
    }
  }
  if (hosts === 0 || hosts < minimum_hosts) return undefined;
  const mean = sum / hosts;
  const deviation = math.sqrt(math.max(0, squares / hosts - mean * mean));
  return mean - (deviation * stdev_factor) / THOUSANDTHS;
}

/** Tells whether a server is below a threshold. A server with too few responses is not. */
export function is_outlier(performance: Performance, threshold: number, request_volume: number): boolean {
  return performance.responses >= request_volume && rate_of(performance) < threshold;
}
