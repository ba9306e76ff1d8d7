/** The number of tries in tests of rare faults. `npm run soak` makes ten times the tries of `npm test`. */

let factor = 1;

/**
 * Multiplies the tries of tests. It must be called before the files of the tests are loaded.
 * @param {number} by
 */
export function repeatMore(by) {
  factor = by;
}

/** @param {number} count of tries in `npm test` */
export const times = (count) => count * factor;
