/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * Returns the quantile `part` (0 to 1) of the values.
 * @param {number[]} values
 * @param {number} part
 */
export function quantile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * @param {number[]} values
 * @returns {Summary}
 */
export function summarize(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Divides each value by the base value of the same round. A disturbance of the whole machine slows both and
 * cancels out.
 * @param {number[]} values
 * @param {number[]} bases
 * @returns {Summary}
 */
export function ratios(values, bases) {
  return summarize(values.map((value, round) => value / bases[round]));
}

/**
 * Returns a copy in random order.
 * @template T
 * @param {T[]} values
 * @returns {T[]}
 */
export function shuffled(values) {
  const copy = [...values];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
