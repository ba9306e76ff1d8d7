/** The number of simultaneous requests of application servers, recorded at each request. */

/**
 * Watches servers from now on.
 * @param {import("./backend.mjs").Backend[]} backends
 */
export function watchPeaks(backends) {
  /**
   * For each server the numbers under way, the new request included, and how often each was seen.
   * @type {number[][]}
   */
  const seen = backends.map(() => []);
  const watchers = backends.map((backend, index) => () => {
    seen[index][backend.active] = (seen[index][backend.active] ?? 0) + 1;
  });
  for (const [index, { server }] of backends.entries()) server.on("request", watchers[index]);
  return {
    stop: () => backends.forEach(({ server }, index) => server.off("request", watchers[index])),
    /** The most that each server had. */
    highest: () => seen.map(({ length }) => Math.max(0, length - 1)),
    /** The share of all requests that put more on a server than its bound. @param {number[]} bounds */
    shareAbove: (bounds) => {
      const sum = (from) =>
        seen.reduce((total, counts, index) => {
          return total + counts.slice(from(index)).reduce((some, count) => some + (count ?? 0), 0);
        }, 0);
      return sum((index) => bounds[index] + 1) / sum(() => 0);
    },
  };
}
