import type { Peer } from "./method";

/**
 * Peers as adjacent ranges on a line, in the order of their ids, with the length of their weights. Sums are
 * computed when they are needed, so that many changes cost one computation.
 */
export interface Ranges {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  /** Changes `peer.weight`. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  count: (this: void) => number;
  /** Returns the length of the line. */
  total: (this: void) => number;
  /** Returns the peer with so many peers before it. */
  nth: (this: void, place: number) => Peer;
  /** Returns the number of peers before the one at a part of the line in [0, 1). As fast as `at`. */
  place_at: (this: void, part: number) => number;
  /** Returns the peer at a point in [0, `total()`). O(1) with equal weights, else O(log n). */
  at: (this: void, point: number) => Peer;
}

export function new_ranges(): Ranges {
  const peers: Peer[] = [];
  const ends = new LuaTable<number, number>();
  let sum = 0;
  let size = 0;
  /** The weight of all peers; 0: the weights differ. */
  let common_weight = 0;
  let is_summed = false;

  /** Returns the number of peers with a lower id. */
  function place_of(id: number): number {
    let from = 0;
    let to = peers.length;
    while (from < to) {
      const middle = math.floor((from + to) / 2);
      if (peers[middle].id < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  function add(this: void, peer: Peer): void {
    table.insert(peers, place_of(peer.id) + 1, peer);
    is_summed = false;
  }

  function remove(this: void, peer: Peer): void {
    table.remove(peers, place_of(peer.id) + 1);
    is_summed = false;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    peer.weight = weight;
    is_summed = false;
  }

  function sum_up(): void {
    is_summed = true;
    sum = 0;
    size = peers.length;
    common_weight = peers.length > 0 ? peers[0].weight : 0;
    for (const index of $range(0, peers.length - 1)) {
      const { weight } = peers[index];
      if (weight !== common_weight) common_weight = 0;
      sum = sum + weight;
      ends.set(index, sum);
    }
  }

  function count(this: void): number {
    return peers.length;
  }

  function total(this: void): number {
    if (!is_summed) sum_up();
    return sum;
  }

  function search(point: number): number {
    let from = 0;
    let to = peers.length - 1;
    while (from < to) {
      const middle = math.floor((from + to) / 2);
      if (ends.get(middle) > point) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  function at(this: void, point: number): Peer {
    if (!is_summed) sum_up();
    return peers[common_weight > 0 ? math.floor(point / common_weight) : search(point)];
  }

  function place_at(this: void, part: number): number {
    if (!is_summed) sum_up();
    const its_place = common_weight > 0 ? math.floor(part * size) : search(part * sum);
    return its_place;
  }

  function nth(this: void, place: number): Peer {
    return peers[place];
  }

  return { add, remove, reweigh, count, total, nth, place_at, at };
}
