import type { Peer } from "./method";
import { new_ranges } from "./ranges";

/**
 * Draws peers by their weights, and knows the numbers by which their loads are read. Hot. Here, in
 * `least_load` and in the loads of servers, results are kept in a constant before they are returned:
 * `return f()` is a tail call, and LuaJIT gives up a trace after 15 of them.
 */
export interface Draws {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  reweigh: (this: void, peer: Peer, weight: number) => void;
  count: (this: void) => number;
  /** Begins a pick. Returns true if peers or weights have changed since the last one. */
  begin: (this: void) => boolean;
  /** Returns the place of the peer that is drawn as the `turn`th one of a pick, from 0 up. */
  place: (this: void, turn: number) => number;
  peer_at: (this: void, place: number) => Peer;
  number_at: (this: void, place: number) => number;
  weight_at: (this: void, place: number) => number;
}

/**
 * Makes a draw without peers. Any phase.
 *
 * All points of a pick have the same distance, which is drawn as well. Each of them can be anywhere, and any
 * two of them are independent, with two random numbers for a pick. With few peers they are all drawn, in
 * turn from a random one.
 *
 * @param few number of peers up to which all are drawn
 */
export function new_draws(
  few: number,
  random: (this: void) => number,
  number_of: (this: void, peer: Peer) => number,
): Draws {
  const ranges = new_ranges();
  const { nth, place_at } = ranges;
  const numbers = new LuaTable<number, number>();
  const weights = new LuaTable<number, number>();
  let is_known = false;
  let peers = 0;
  let from = 0;
  let distance = 0;

  function add(this: void, peer: Peer): void {
    ranges.add(peer);
    peers = peers + 1;
    is_known = false;
  }

  function remove(this: void, peer: Peer): void {
    ranges.remove(peer);
    peers = peers - 1;
    is_known = false;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    ranges.reweigh(peer, weight);
    is_known = false;
  }

  function count(this: void): number {
    return peers;
  }

  function learn(): void {
    is_known = true;
    for (const place of $range(0, peers - 1)) {
      const peer = nth(place);
      numbers.set(place, number_of(peer));
      weights.set(place, peer.weight);
    }
  }

  function begin(this: void): boolean {
    const has_changed = !is_known;
    if (has_changed) learn();
    from = peers <= few ? math.floor(random() * peers) : random();
    distance = random();
    return has_changed;
  }

  function place(this: void, turn: number): number {
    if (peers <= few) return (from + turn) % peers;
    const point = from + turn * distance;
    const its_place = place_at(point - math.floor(point));
    return its_place;
  }

  function number_at(this: void, its_place: number): number {
    return numbers.get(its_place);
  }

  function weight_at(this: void, its_place: number): number {
    return weights.get(its_place);
  }

  return { add, remove, reweigh, count, begin, place, peer_at: nth, number_at, weight_at };
}
