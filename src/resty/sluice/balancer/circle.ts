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
 * The circle of `hash … consistent`. It follows its peers at the next search: few points are put and taken one by one,
 * for many it is built anew, in a fraction of the time.
 *
 * A circle has a limited number of points, so that no request waits for long while it is built. As in nginx, a unit of
 * weight has 160 points; where that would be too many in all, it has fewer, in steps of a twelfth. The shares stay, and
 * as a peer's first points are always the same, a step moves few keys.
 */
export interface Circle {
  add: (this: void, peer: Peer) => void;
  remove: (this: void, peer: Peer) => void;
  /** Changes `peer.weight`. */
  reweigh: (this: void, peer: Peer, weight: number) => void;
  /** Changes `peer.server`, which its points are made from. */
  respell: (this: void, peer: Peer, server: string) => void;
  /** The first point that is not before `hash` (0 to 2^32 - 1). There are peers. */
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

/** What takes a seat. */
interface Sitter {
  peer: Peer;
  /** What its points are made from. */
  server: string;
  seat: number;
  /** 0: it was removed. */
  weight: number;
  /** How many points it has on the circle. */
  points: number;
  /** Whether the circle has to look at it. */
  is_changed: boolean;
}

/** As many as nginx gives to a sum of weights of 2,000: less than 100 ms of building. */
const MOST_POINTS = 320000;
/** Eight steps are a half. */
const STEP = 2 ** (-1 / 8);
/** To put or take a point takes about as long as to build so many. */
const BUILT_A_CHANGE = 4;

/** Makes an empty circle. Any phase. */
export function new_circle(): Circle {
  const sitters = new LuaTable<number, Sitter>();
  const free_seats: number[] = [];
  let seats = 0;
  /** Those whose weights have changed since the circle followed. */
  let changed: Sitter[] = [];
  let is_stale = false;
  let total_weight = 0;
  let points_a_weight = POINTS_A_WEIGHT;

  let buckets: Buckets = new_buckets(0);
  let { positions, followers, heads } = buckets;
  let bucket_count = buckets.count;

  /** Of two peers' points at one place the older peer's comes first: seats tell what this worker has seen, not more. */
  function seat_before(this: void, seat: number, other: number): boolean {
    return sitters.get(seat).peer.id < sitters.get(other).peer.id;
  }

  function wanted_points({ weight }: Sitter): number {
    return weight === 0 ? 0 : point_count(weight, points_a_weight);
  }

  /** Fits the number of points a unit of weight to the sum of the weights. Returns whether it is another than before. */
  function fit_points(): boolean {
    const before = points_a_weight;
    points_a_weight = POINTS_A_WEIGHT;
    while (total_weight * points_a_weight > MOST_POINTS) points_a_weight = points_a_weight * STEP;
    return points_a_weight !== before;
  }

  function for_each_point(action: (this: void, buckets: Buckets, position: number) => void): void {
    for (const seat of $range(0, seats - 1)) {
      const sitter = sitters.get(seat);
      const seed = seed_of(sitter.server);
      let point = 0;
      for (const _ of $range(1, wanted_points(sitter))) {
        point = next_point(seed, point);
        action(buckets, point * SEATS + seat);
      }
    }
  }

  function build(): void {
    let points = 0;
    for (const seat of $range(0, seats - 1)) {
      const sitter = sitters.get(seat);
      sitter.points = wanted_points(sitter);
      points = points + sitter.points;
    }
    // Others will come.
    buckets = new_buckets(math.floor(points * 1.125) + 1024);
    for_each_point(announce);
    allot(buckets);
    for_each_point(fill);
    finish(buckets, seat_before);
    ({ positions, followers, heads } = buckets);
    bucket_count = buckets.count;
  }

  function change_points(sitter: Sitter): void {
    const { server, seat, points } = sitter;
    const wanted = wanted_points(sitter);
    sitter.points = wanted;
    const from = math.min(points, wanted);
    for (const hash of points_of(server, from, math.max(points, wanted))) {
      const position = hash * SEATS + seat;
      if (wanted > points) put(buckets, position, seat_before);
      else take(buckets, position);
    }
  }

  /** Makes the circle what the peers want. */
  function update(): void {
    let is_large = fit_points();
    let points = 0;
    for (const sitter of changed) points = points + math.abs(wanted_points(sitter) - sitter.points);
    is_large = is_large || points * BUILT_A_CHANGE > buckets.size || buckets.size + points > buckets.room;
    if (is_large) build();
    for (const sitter of changed) {
      if (!is_large) change_points(sitter);
      sitter.is_changed = false;
      if (sitter.weight === 0) free_seats.push(sitter.seat);
    }
    changed = [];
    is_stale = false;
  }

  function change(sitter: Sitter, weight: number): void {
    total_weight = total_weight + weight - sitter.weight;
    sitter.weight = weight;
    if (!sitter.is_changed) changed.push(sitter);
    sitter.is_changed = true;
    is_stale = true;
  }

  function add(this: void, peer: Peer): void {
    const seat = free_seats.pop() ?? seats;
    if (seat === seats) seats = seats + 1;
    const sitter = { peer, server: peer.server, seat, weight: 0, points: 0, is_changed: false };
    sitters.set(seat, sitter);
    (peer as Placed).seat = seat;
    change(sitter, peer.weight);
  }

  function remove(this: void, peer: Peer): void {
    change(sitters.get((peer as Placed).seat), 0);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    change(sitters.get((peer as Placed).seat), weight);
    peer.weight = weight;
  }

  function respell(this: void, peer: Peer, server: string): void {
    remove(peer);
    peer.server = server;
    add(peer);
  }

  function search_from(bucket: number): number {
    let at = bucket;
    while (heads[at] === NONE) at = at + 1 < bucket_count ? at + 1 : 0;
    return heads[at];
  }

  /** The first point of the buckets behind one. There are points, and mostly in the next bucket: then without a loop. */
  function first_behind(bucket: number): number {
    const at = bucket + 1 < bucket_count ? bucket + 1 : 0;
    return heads[at] === NONE ? search_from(at) : heads[at];
  }

  function find(this: void, hash: number): number {
    if (is_stale) update();
    const position = hash * SEATS;
    const bucket = bucket_of(position, bucket_count);
    let point = heads[bucket];
    while (point !== NONE && positions[point] < position) point = followers[point];
    return point === NONE ? first_behind(bucket) : point;
  }

  function next(this: void, point: number): number {
    const follower = followers[point];
    return follower === NONE ? first_behind(bucket_of(positions[point], bucket_count)) : follower;
  }

  function peer_of(this: void, point: number): Peer {
    return sitters.get(positions[point] % SEATS).peer;
  }

  return { add, remove, reweigh, respell, find, next, peer_of };
}
