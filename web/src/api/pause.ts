/** Long work in slices, between which the page stays responsive. */

/** The longest slice, in milliseconds: a part of a frame. */
const SLICE = 4;

/** Returns a function that tells whether a slice has ended, and one that waits for the next slice. */
export function newPause() {
  let start = performance.now();
  return {
    isDue: (): boolean => performance.now() - start > SLICE,
    next: async (): Promise<void> => {
      await new Promise((resolve) => {
        setTimeout(resolve);
      });
      start = performance.now();
    },
  };
}
