import type { SparseCounts } from "./types";

/** Histograms of response times: the number of responses in each bucket. */

/** Returns a histogram with a count for each bucket. `size`: the number of buckets. */
export function dense(sparse: SparseCounts | undefined, size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  sparse?.counts.forEach((count, index) => (counts[sparse.first + index] = count));
  return counts;
}

/** Returns what has been added to a histogram; a reset between the two counts as nothing. */
export function difference(later: readonly number[], earlier: readonly number[]): number[] {
  return later.map((count, index) => Math.max(0, count - (earlier[index] ?? 0)));
}

/**
 * Returns the time in milliseconds within which a part of the responses arrived: the bucket of that response,
 * and within the bucket a linear interpolation, as the gateway itself does.
 *
 * @param bounds the inclusive upper bounds of all buckets but the last
 * @param part from 0 to 1; 0.99 for the 99th percentile
 * @returns undefined: there were no responses
 */
export function quantile(
  counts: readonly number[],
  bounds: readonly number[],
  part: number,
): number | undefined {
  const count = counts.reduce((sum, some) => sum + some, 0);
  if (count <= 0) return undefined;
  const rank = part * count;
  let below = 0;
  let lower = 0;
  for (const [index, upper] of bounds.entries()) {
    const here = counts[index] ?? 0;
    if (here > 0 && below + here >= rank) return lower + ((upper - lower) * (rank - below)) / here;
    below += here;
    lower = upper;
  }
  return lower;
}
