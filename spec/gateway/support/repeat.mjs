/** How often tests of rare faults try: `npm run soak` has them try ten times as often as `npm test` does. */

let factor = 1;

/**
 * Has tests try this many times as often. It must be called before their file is loaded.
 * @param {number} by
 */
export function repeatMore(by) {
  factor = by;
}

/** @param {number} count of tries in `npm test` */
export const times = (count) => count * factor;
