import type { Peer, Surroundings } from "./method";

/** A measure of the load of a peer. The peer with the least cost for its weight is chosen. */
export interface Cost {
  /** Returns the cost at a time, in seconds. */
  of: (this: void, peer: Peer, now: number) => number;
  /** Lower limit of the cost. */
  least: number;
  /** Notes that a peer was chosen because of its cost. */
  chosen: (this: void, peer: Peer, now: number) => void;
}

function nothing(this: void): void {
  // The number of requests in progress follows by itself.
}

/** Makes the cost of `least_conn`: the number of requests in progress. */
export function connection_cost({ in_flight }: Surroundings): Cost {
  return { of: in_flight, least: 0, chosen: nothing };
}
