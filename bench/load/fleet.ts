import { uniform, type Random } from "./random";
import { new_server, type ModelServer } from "./server";
import type { Timeline } from "./timeline";

/** The fleets of servers that are simulated. */

const SLOTS = 4;
const SLOW = 0.5;

/** How the load of neighbours changes the speed of a server. */
export const NEIGHBOURS = {
  none: () => 1,
  quiet: (random: Random) => uniform(random, 1.2, 2),
  noisy: (random: Random) => (random() < 0.5 ? uniform(random, 0.3, 0.7) : uniform(random, 0.9, 1.3)),
  hot: (random: Random) => uniform(random, 0.3, 0.7),
  /** The neighbours use all of the machine but the server's allocation, and a little of that. */
  crowded: (random: Random) => uniform(random, 0.85, 0.95),
  /** The neighbours leave a part of the machine that is as large as one to two allocations. */
  spare: (random: Random) => uniform(random, 2, 3),
};

/** The time after which the load of neighbours changes, in seconds. */
const CHANGE = [0.7, 1.3] as const;

/** The servers with noisy neighbours among the slow and the fast ones, for the published seeds 1 to 5. */
const NOISY = [
  [5, 5],
  [1, 4],
  [4, 4],
  [5, 1],
  [3, 4],
] as const;
const HALF = 10;

function add(
  servers: ModelServer[],
  count: number,
  speed: number,
  neighbours: (random: Random) => number,
): void {
  for (const _ of $range(1, count)) servers.push(new_server(speed, SLOTS, neighbours));
}

/**
 * The testbed that the authors of prequal-rs have published (commit 57887a47, crates/prequal-testbed): 20
 * servers, half of them at half speed, a part with noisy neighbours. `times`: so many of these.
 */
export function published(times: number): (this: void, seed: number) => ModelServer[] {
  return (seed) => {
    const [slow, fast] = NOISY[(seed - 1) % NOISY.length];
    const servers: ModelServer[] = [];
    for (const _ of $range(1, times)) {
      add(servers, slow, SLOW, NEIGHBOURS.noisy);
      add(servers, HALF - slow, SLOW, NEIGHBOURS.quiet);
      add(servers, fast, 1, NEIGHBOURS.noisy);
      add(servers, HALF - fast, 1, NEIGHBOURS.quiet);
    }
    return servers;
  };
}

/** Equal servers with equal neighbours. */
export function equal(count: number, neighbours: (random: Random) => number): () => ModelServer[] {
  return () => {
    const servers: ModelServer[] = [];
    add(servers, count, 1, neighbours);
    return servers;
  };
}

/**
 * Servers with equal allocations of their machines, as in the test of Prequal's authors. They can use more
 * than that where the neighbours leave it: so much that all servers together can serve 1.86 times the
 * allocations.
 */
export function allocated(crowded: number, spare: number): () => ModelServer[] {
  return () => {
    const servers: ModelServer[] = [];
    add(servers, crowded, 1, NEIGHBOURS.crowded);
    add(servers, spare, 1, NEIGHBOURS.spare);
    return servers;
  };
}

/** Returns the seconds of work that servers can do in a second at their nominal speeds. */
export function capacity_of(servers: readonly ModelServer[]): number {
  let capacity = 0;
  for (const { base_speed, slots } of servers) capacity += base_speed * slots;
  return capacity;
}

/** Draws the load of a server's neighbours anew, again and again until `end`. */
export function make_noise(
  timeline: Timeline,
  server: ModelServer,
  random: Random,
  now: number,
  end: number,
): void {
  server.noise = server.neighbours(random);
  const next = now + uniform(random, CHANGE[0], CHANGE[1]);
  if (next < end) timeline.at(next, (then) => make_noise(timeline, server, random, then, end));
}
