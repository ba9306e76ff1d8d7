/** Records the number of simultaneous requests of application servers at each request. */

/**
 * Watches servers from now on.
 * @param {import("./backend.mjs").Backend[]} backends
 */
export function watchPeaks(backends) {
  /**
   * For each server, the number of times that each count of requests in flight was seen. Counts include the
   * new request.
   * @type {number[][]}
   */
  const seen = backends.map(() => []);
  const watchers = backends.map((backend, index) => () => {
    seen[index][backend.active] = (seen[index][backend.active] ?? 0) + 1;
  });
  for (const [index, { server }] of backends.entries()) server.on("request", watchers[index]);
  return {
    stop: () => backends.forEach(({ server }, index) => server.off("request", watchers[index])),
    /** Returns the highest count of each server. */
    highest: () => seen.map(({ length }) => Math.max(0, length - 1)),
    /**
     * Returns the share of requests that raised the count of their server above its bound.
     * @param {number[]} bounds
     */
    shareAbove: (bounds) => {
      const sum = (from) =>
        seen.reduce((total, counts, index) => {
          return total + counts.slice(from(index)).reduce((some, count) => some + (count ?? 0), 0);
        }, 0);
      return sum((index) => bounds[index] + 1) / sum(() => 0);
    },
  };
}
