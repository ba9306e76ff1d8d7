import * as ffi from "ffi";

import type { Peer } from "./method";
import { point_count, points_of } from "./points";

/**
 * The circle of `hash … consistent`, changed by difference: to put a point or take one costs O(1) however many there
 * are, for points lie evenly. They stand in buckets, each a part of the circle, in sorted lists that are linked by
 * number, in arrays that the garbage collector need not look into.
 */
export interface Circle {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  /** Changes `peer.weight`. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes `peer.server`, which its points are made from. */
  respell: (this: void, peer: Peer, server: string) => void;
  /** The first point that is not before `hash` (0 to 2^32 - 1). */
  find: (this: void, hash: number) => number;
  /** The point behind another; behind the last comes the first. */
  next: (this: void, point: number) => number;
  /** Whose a point is. */
  peer_of: (this: void, point: number) => Peer;
}

interface Placed extends Peer {
  /** Its number on the circle. */
  seat: number;
}

/** So many points a bucket has on average at the most, and a quarter of them at the least. */
const MOST_IN_BUCKET = 8;
const SEATS = 2 ** 20;
/** Positions are hash × SEATS + seat: what a 64-bit float holds exactly. */
const POSITIONS = 2 ** 32 * SEATS;
const NONE = 0;

function numbers(type: "double" | "int32_t", count: number): ffi.NumberPointer {
  return ffi.new(`${type}[?]`, count) as ffi.NumberPointer;
}

/** Makes an empty circle. Any phase. */
export function new_circle(): Circle {
  const seated = new LuaTable<number, Placed>();
  const free_seats: number[] = [];
  let seats = 0;

  let capacity = 1024;
  let positions = numbers("double", capacity);
  /** The point behind it in its bucket or, of a point that is free, the next one that is. */
  let followers = numbers("int32_t", capacity);
  let free_point = NONE;
  let points = 0;
  let size = 0;

  let buckets = 64;
  let heads = numbers("int32_t", buckets);

  function bucket_of(position: number): number {
    return math.floor((position * buckets) / POSITIONS);
  }

  function peer_of(this: void, point: number): Peer {
    return seated.get(positions[point] % SEATS);
  }

  /** Of two peers' points at one place the older peer's comes first: seats tell what this worker has seen, not more. */
  function stands_before(one: number, other: number): boolean {
    const distance = math.floor(positions[one] / SEATS) - math.floor(positions[other] / SEATS);
    return distance < 0 || (distance === 0 && peer_of(one).id < peer_of(other).id);
  }

  /** Puts a point into its bucket. */
  function link(point: number): void {
    const bucket = bucket_of(positions[point]);
    let before = NONE;
    let follower = heads[bucket];
    while (follower !== NONE && stands_before(follower, point)) {
      before = follower;
      follower = followers[follower];
    }
    followers[point] = follower;
    if (before === NONE) heads[bucket] = point;
    else followers[before] = point;
  }

  /** Divides the circle into more buckets. O(points), after the number of points has grown fourfold. */
  function divide(): void {
    const old_heads = heads;
    const old_buckets = buckets;
    buckets = buckets * 4;
    heads = numbers("int32_t", buckets);
    for (const bucket of $range(0, old_buckets - 1)) {
      let point = old_heads[bucket];
      while (point !== NONE) {
        const follower = followers[point];
        link(point);
        point = follower;
      }
    }
  }

  function enlarge(): void {
    const old_positions = positions;
    const old_followers = followers;
    positions = numbers("double", capacity * 2);
    followers = numbers("int32_t", capacity * 2);
    ffi.copy(positions, old_positions, capacity * 8);
    ffi.copy(followers, old_followers, capacity * 4);
    capacity = capacity * 2;
  }

  function free_number(): number {
    if (free_point !== NONE) {
      const point = free_point;
      free_point = followers[point];
      return point;
    }
    points = points + 1;
    if (points === capacity) enlarge();
    return points;
  }

  function put(position: number): void {
    const point = free_number();
    positions[point] = position;
    link(point);
    size = size + 1;
    if (size > buckets * MOST_IN_BUCKET) divide();
  }

  function take(position: number): void {
    const bucket = bucket_of(position);
    let before = NONE;
    let point = heads[bucket];
    while (point !== NONE && positions[point] !== position) {
      before = point;
      point = followers[point];
    }
    if (point === NONE) return;
    if (before === NONE) heads[bucket] = followers[point];
    else followers[before] = followers[point];
    followers[point] = free_point;
    free_point = point;
    size = size - 1;
  }

  /** Puts or takes a peer's points from the number `from` + 1 to the number `to`. */
  function change(
    peer: Placed,
    from: number,
    to: number,
    action: (this: void, position: number) => void,
  ): void {
    for (const hash of points_of(peer.server, from, to)) action(hash * SEATS + peer.seat);
  }

  function add(this: void, peer: Peer): void {
    const placed = peer as Placed;
    placed.seat = free_seats.pop() ?? seats;
    if (placed.seat === seats) seats = seats + 1;
    seated.set(placed.seat, placed);
    change(placed, 0, point_count(peer.weight), put);
  }

  function remove(this: void, peer: Peer): void {
    const placed = peer as Placed;
    change(placed, 0, point_count(peer.weight), take);
    seated.delete(placed.seat);
    free_seats.push(placed.seat);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    const before = point_count(peer.weight);
    const after = point_count(weight);
    if (after > before) change(peer as Placed, before, after, put);
    if (after < before) change(peer as Placed, after, before, take);
    peer.weight = weight;
  }

  function respell(this: void, peer: Peer, server: string): void {
    const count = point_count(peer.weight);
    change(peer as Placed, 0, count, take);
    peer.server = server;
    change(peer as Placed, 0, count, put);
  }

  function search_from(bucket: number): number {
    let at = bucket;
    while (heads[at] === NONE) at = at + 1 < buckets ? at + 1 : 0;
    return heads[at];
  }

  /** The first point of the buckets behind one. There are points, and mostly in the next bucket: then without a loop. */
  function first_behind(bucket: number): number {
    const at = bucket + 1 < buckets ? bucket + 1 : 0;
    return heads[at] === NONE ? search_from(at) : heads[at];
  }

  function find(this: void, hash: number): number {
    const position = hash * SEATS;
    const bucket = bucket_of(position);
    let point = heads[bucket];
    while (point !== NONE && positions[point] < position) point = followers[point];
    return point === NONE ? first_behind(bucket) : point;
  }

  function next(this: void, point: number): number {
    const follower = followers[point];
    return follower === NONE ? first_behind(bucket_of(positions[point])) : follower;
  }

  return { add, remove, reweigh, respell, find, next, peer_of };
}
