import type { Peer, Surroundings } from "./method";

/** What a method calls the load of a peer: the one with the least for its weight is chosen. */
export interface Cost {
  /** At a time, in seconds. */
  of: (this: void, peer: Peer, now: number) => number;
  /** No cost is below this one. */
  least: number;
  /** Notes that a peer was chosen because of its cost. */
  chosen: (this: void, peer: Peer, now: number) => void;
}

/** The cost of `least_conn`: the requests under way. */
export function connection_cost({ in_flight }: Surroundings): Cost {
  return {
    of: in_flight,
    least: 0,
    chosen: () => {
      // Nothing of it is kept.
    },
  };
}
