/** Outlier detection by success rate, as Envoy: who is clearly worse than the others. Pure. */

/** What a server did in an interval. */
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
 * The success rate, in percent, below which servers are outliers: the mean of those that had enough responses, less the
 * standard deviation times a factor. Any phase.
 *
 * @param minimum_hosts undefined is returned when fewer had enough
 * @param request_volume what is enough
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

/** Tells whether a server is below a threshold. One with too few responses is not. */
export function is_outlier(performance: Performance, threshold: number, request_volume: number): boolean {
  return performance.responses >= request_volume && rate_of(performance) < threshold;
}
