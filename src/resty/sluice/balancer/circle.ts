import {
  allot,
  announce,
  bucket_of,
  fill,
  finish,
  new_buckets,
  NONE,
  put,
  SEATS,
  take,
  type Buckets,
} from "./buckets";
import type { Peer } from "./method";
import { next_point, point_count, points_of, POINTS_A_WEIGHT, seed_of } from "./points";

/**
 * The circle of `hash … consistent`. Changes of peers take effect at the next search: few points are
 * changed one by one, and for many the circle is rebuilt, which is faster.
 *
 * As in nginx, a unit of weight has 160 points. If that is too many in total, it has fewer, in steps of a
 * twelfth, so that no request waits long for a rebuild. The shares stay the same. A step moves few keys,
 * because the first points of a peer are always the same.
 */
export interface Circle {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  /** Changes `peer.weight`. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes `peer.server`, which its points are made from. */
  respell: (this: void, peer: Peer, server: string) => void;
  /** Returns the first point at or after `hash` (0 to 2^32 - 1). There must be peers. */
  find: (this: void, hash: number) => number;
  /** Returns the point after another. The first point follows the last. */
  next: (this: void, point: number) => number;
  /** Returns the peer of a point. */
  peer_of: (this: void, point: number) => Peer;
}

interface Placed extends Peer {
  /** The number of the peer on the circle. */
  seat: number;
}

/** The owner of points on the circle. */
interface Owner {
  peer: Peer;
  /** The address from which the points are computed. */
  server: string;
  seat: number;
  /** 0: the peer was removed. */
  weight: number;
  /** Number of points on the circle. */
  points: number;
  /** True: the points on the circle are not those of the current weight. */
  is_changed: boolean;
}

/** The number of points that nginx has for a sum of weights of 2,000. A rebuild takes less than 100 ms. */
const MOST_POINTS = 320000;
/** Eight steps halve the number of points. */
const STEP = 2 ** (-1 / 8);
/** The time of adding or removing a point, as a number of points that a rebuild places in that time. */
const BUILT_A_CHANGE = 4;

/** Not looked up in each request. */
const { abs, max, min } = math;

/** Makes an empty circle. Any phase. */
export function new_circle(): Circle {
  const owners = new LuaTable<number, Owner>();
  const free_seats: number[] = [];
  let seats = 0;
  /** The owners whose weights have changed since the last update. */
  let changed: Owner[] = [];
  let is_stale = false;
  let total_weight = 0;
  let points_a_weight = POINTS_A_WEIGHT;

  let buckets: Buckets = new_buckets(0);
  let { positions, followers, heads } = buckets;
  let bucket_count = buckets.count;

  /** At equal positions, the point of the older peer comes first. Seats differ between workers. */
  function seat_before(this: void, seat: number, other: number): boolean {
    return owners.get(seat).peer.id < owners.get(other).peer.id;
  }

  function wanted_points({ weight }: Owner): number {
    return weight === 0 ? 0 : point_count(weight, points_a_weight);
  }

  /** Computes the number of points for a unit of weight. Returns whether it has changed. */
  function fit_points(): boolean {
    const before = points_a_weight;
    points_a_weight = POINTS_A_WEIGHT;
    while (total_weight * points_a_weight > MOST_POINTS) points_a_weight = points_a_weight * STEP;
    return points_a_weight !== before;
  }

  function for_each_point(action: (this: void, buckets: Buckets, position: number) => void): void {
    for (const seat of $range(0, seats - 1)) {
      const owner = owners.get(seat);
      const seed = seed_of(owner.server);
      let point = 0;
      for (const _ of $range(1, wanted_points(owner))) {
        point = next_point(seed, point);
        action(buckets, point * SEATS + seat);
      }
    }
  }

  function build(): void {
    let points = 0;
    for (const seat of $range(0, seats - 1)) {
      const owner = owners.get(seat);
      owner.points = wanted_points(owner);
      points = points + owner.points;
    }
    // There is room for peers that are added later.
    buckets = new_buckets(math.floor(points * 1.125) + 1024);
    for_each_point(announce);
    allot(buckets);
    for_each_point(fill);
    finish(buckets, seat_before);
    ({ positions, followers, heads } = buckets);
    bucket_count = buckets.count;
  }

  function change_points(owner: Owner): void {
    const { server, seat, points } = owner;
    const wanted = wanted_points(owner);
    owner.points = wanted;
    const from = math.min(points, wanted);
    for (const hash of points_of(server, from, math.max(points, wanted))) {
      const position = hash * SEATS + seat;
      if (wanted > points) put(buckets, position, seat_before);
      else take(buckets, position);
    }
  }

  /** Updates the points to the current peers and weights. */
  function update(): void {
    let is_large = fit_points();
    let points = 0;
    for (const owner of changed) points = points + math.abs(wanted_points(owner) - owner.points);
    is_large = is_large || points * BUILT_A_CHANGE > buckets.size || buckets.size + points > buckets.room;
    if (is_large) build();
    for (const owner of changed) {
      if (!is_large) change_points(owner);
      owner.is_changed = false;
      if (owner.weight === 0) free_seats.push(owner.seat);
    }
    changed = [];
    is_stale = false;
  }

  function change(owner: Owner, weight: number): void {
    total_weight = total_weight + weight - owner.weight;
    owner.weight = weight;
    if (!owner.is_changed) changed.push(owner);
    owner.is_changed = true;
    is_stale = true;
  }

  function add(this: void, peer: Peer): void {
    const seat = free_seats.pop() ?? seats;
    if (seat === seats) seats = seats + 1;
    const owner = { peer, server: peer.server, seat, weight: 0, points: 0, is_changed: false };
    owners.set(seat, owner);
    (peer as Placed).seat = seat;
    change(owner, peer.weight);
  }

  function remove(this: void, peer: Peer): void {
    change(owners.get((peer as Placed).seat), 0);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    change(owners.get((peer as Placed).seat), weight);
    peer.weight = weight;
  }

  function respell(this: void, peer: Peer, server: string): void {
    remove(peer);
    peer.server = server;
    add(peer);
  }

  /** Returns the first point after a bucket. */
  function first_behind(bucket: number): number {
    const at = bucket + 1 < bucket_count ? bucket + 1 : 0;
    return abs(heads[at]);
  }

  /** Returns a point, or its follower if it is before `position`. Computed without a branch: see `find`. */
  function pass(point: number, position: number): number {
    const is_before = min(1, max(0, position - positions[point]));
    return point + (followers[point] - point) * is_before;
  }

  /**
   * Few points precede a position in its bucket. A loop would be compiled once for each number of them, each
   * time with all that follows in the request.
   */
  function find(this: void, hash: number): number {
    if (is_stale) update();
    const position = hash * SEATS;
    const bucket = bucket_of(position, bucket_count);
    const head = heads[bucket];
    if (head < NONE) return -head;
    let point = pass(pass(pass(pass(head, position), position), position), position);
    while (positions[point] < position) point = followers[point];
    return point === NONE ? first_behind(bucket) : point;
  }

  function next(this: void, point: number): number {
    const follower = followers[point];
    return follower === NONE ? first_behind(bucket_of(positions[point], bucket_count)) : follower;
  }

  function peer_of(this: void, point: number): Peer {
    return owners.get(positions[point] % SEATS).peer;
  }

  return { add, remove, reweigh, respell, find, next, peer_of };
}
