/**
 * Statistical tests. A correct program fails one of them once in a million seeds, and the seeds are fixed.
 */

/** The normal distribution exceeds this number of standard deviations with probability 10^-6. */
const DEVIATIONS = 4.753;

/**
 * Returns the bound that chi-square exceeds with probability 10^-6 (Wilson, Hilferty, "The Distribution of
 * Chi-Square", 1931). The error is less than 1 % from 5 degrees of freedom on.
 */
export function chi_square_bound(degrees_of_freedom: number): number {
  const variance = 2 / (9 * degrees_of_freedom);
  return degrees_of_freedom * (1 - variance + DEVIATIONS * math.sqrt(variance)) ** 3;
}

/** Returns Pearson's chi-square of counts and expected counts, in the same order. */
export function chi_square(counts: readonly number[], expected: readonly number[]): number {
  let sum = 0;
  for (const [index, count] of ipairs(counts)) {
    sum += (count - expected[index - 1]) ** 2 / expected[index - 1];
  }
  return sum;
}
