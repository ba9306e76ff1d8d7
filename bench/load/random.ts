/**
 * Random numbers by seed: Marsaglia's xorshift generator with 32 bits ("Xorshift RNGs", 2003). Each stream
 * has a generator of its own, so that two policies meet the same requests and the same noise.
 */

export type Random = (this: void) => number;

const TWO_32 = 4294967296;
/** The generator discards its first numbers, which are similar for similar seeds. */
const DISCARDED = 20;

/** Makes a generator of numbers from 0 up to, but not including, 1. */
export function new_random(seed: number): Random {
  let bits = ((seed * 2654435761) % TWO_32) | 0;
  if (bits === 0) bits = 1;
  const next: Random = () => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return (bits % TWO_32) / TWO_32;
  };
  for (const _ of $range(1, DISCARDED)) next();
  return next;
}

/** Returns a number of an exponential distribution. */
export function exponential(random: Random, mean: number): number {
  return -mean * math.log(1 - random());
}

/** Returns a number between two bounds. */
export function uniform(random: Random, from: number, to: number): number {
  return from + (to - from) * random();
}

/** The mean of a normal distribution with mean 1 and deviation 1 that is cut off at 0. */
const MEAN_ABOVE_ZERO = 1.2876;

/**
 * Returns a positive number of a normal distribution whose deviation is equal to its mean. The mean of the
 * positive numbers is `mean`.
 */
export function positive_normal(random: Random, mean: number): number {
  let value: number;
  do {
    // The method of Box and Muller.
    value = 1 + math.sqrt(-2 * math.log(1 - random())) * math.cos(2 * math.pi * random());
  } while (value <= 0);
  return (value * mean) / MEAN_ABOVE_ZERO;
}
