import * as ffi from "ffi";

/**
 * Points on a circle. Each bucket has a sorted list of the points in its part, linked by their numbers, in
 * memory that the garbage collector does not scan. Finding, adding or removing a point takes O(1).
 */
export interface Buckets {
  /** Number of points. */
  size: number;
  /** That of `NONE` is behind all others. */
  readonly positions: ffi.NumberPointer;
  /** The next point in the bucket of a point, or the next free point after a free one. */
  readonly followers: ffi.NumberPointer;
  /** The first point of each bucket; below 0, for an empty one: the first point in a later bucket. */
  readonly heads: ffi.NumberPointer;
  readonly count: number;
  /** Maximum number of points. */
  readonly room: number;
  /** Number of points that have ever been used. */
  used: number;
  /** The first point that is free again. */
  free: number;
}

/** Tells which of two peers with a point at the same position comes first. The arguments are seats. */
export type SeatBefore = (this: void, seat: number, other: number) => boolean;

/** Upper limit of the average number of points in a bucket. */
const MOST_IN_BUCKET = 4;
/** A position is hash × SEATS + seat. A 64-bit float represents it exactly. */
export const SEATS = 2 ** 20;
const POSITIONS = 2 ** 32 * SEATS;
export const NONE = 0;

function numbers(type: "double" | "int32_t", count: number): ffi.NumberPointer {
  return ffi.new(`${type}[?]`, count) as ffi.NumberPointer;
}

/** Makes empty buckets for a number of points. Any phase. */
export function new_buckets(room: number): Buckets {
  let count = 64;
  while (count * MOST_IN_BUCKET < room) count *= 2;
  const positions = numbers("double", room + 1);
  positions[NONE] = math.huge;
  return {
    size: 0,
    positions,
    followers: numbers("int32_t", room + 1),
    heads: numbers("int32_t", count),
    count,
    room,
    used: 0,
    free: NONE,
  };
}

export function bucket_of(position: number, count: number): number {
  return math.floor((position * count) / POSITIONS);
}

function comes_before(one: number, other: number, seat_before: SeatBefore): boolean {
  const distance = math.floor(one / SEATS) - math.floor(other / SEATS);
  return distance < 0 || (distance === 0 && seat_before(one % SEATS, other % SEATS));
}

/** Sets the first point of a bucket, to which the empty buckets before it lead too. `NONE`: it is empty. */
function set_first({ heads, count, size }: Buckets, bucket: number, first: number): void {
  const later = size === 0 ? NONE : math.abs(heads[(bucket + 1) % count]);
  heads[bucket] = first === NONE ? -later : first;
  const target = -math.abs(heads[bucket]);
  let before = (bucket + count - 1) % count;
  while (heads[before] <= NONE && before !== bucket) {
    heads[before] = target;
    before = (before + count - 1) % count;
  }
}

/** Lets each empty bucket lead to the first point after it. The first point follows the last. */
function lead_on({ heads, count }: Buckets): void {
  let first = NONE;
  for (const step of $range(2 * count - 1, 0, -1)) {
    const bucket = step % count;
    if (heads[bucket] > NONE) first = heads[bucket];
    else heads[bucket] = -first;
  }
}

/** Inserts a point into the list of its bucket. */
function link(buckets: Buckets, point: number, seat_before: SeatBefore): void {
  const { positions, followers, heads } = buckets;
  const position = positions[point];
  const bucket = bucket_of(position, buckets.count);
  let before = NONE;
  let follower = math.max(heads[bucket], NONE);
  while (follower !== NONE && comes_before(positions[follower], position, seat_before)) {
    before = follower;
    follower = followers[follower];
  }
  followers[point] = follower;
  if (before === NONE) set_first(buckets, bucket, point);
  else followers[before] = point;
}

/** Counts a point that `fill` adds later. */
export function announce({ heads, count }: Buckets, position: number): void {
  const bucket = bucket_of(position, count);
  heads[bucket] = heads[bucket] + 1;
}

/** Sets each head to the first number of its bucket's points, after all points were announced. */
export function allot({ heads, count }: Buckets): void {
  let first = 1;
  for (const bucket of $range(0, count - 1)) {
    const points = heads[bucket];
    heads[bucket] = first;
    first = first + points;
  }
}

/** Adds an announced point at the end of its bucket. */
export function fill({ positions, heads, count }: Buckets, position: number): void {
  const bucket = bucket_of(position, count);
  const point = heads[bucket];
  positions[point] = position;
  heads[bucket] = point + 1;
}

/** Moves a point to its position among the sorted points from `first` on. */
function insert(positions: ffi.NumberPointer, first: number, point: number, seat_before: SeatBefore): void {
  const position = positions[point];
  let place = point;
  while (place > first && comes_before(position, positions[place - 1], seat_before)) {
    positions[place] = positions[place - 1];
    place = place - 1;
  }
  positions[place] = position;
}

/** Sorts and links the points of each bucket, after all were added. */
export function finish(buckets: Buckets, seat_before: SeatBefore): void {
  const { positions, followers, heads } = buckets;
  let first = 1;
  for (const bucket of $range(0, buckets.count - 1)) {
    const behind = heads[bucket];
    for (const point of $range(first + 1, behind - 1)) {
      insert(positions, first, point, seat_before);
      followers[point - 1] = point;
    }
    heads[bucket] = behind > first ? first : NONE;
    first = behind;
  }
  buckets.used = first - 1;
  buckets.size = first - 1;
  lead_on(buckets);
}

/** Adds a point. There must be room. */
export function put(buckets: Buckets, position: number, seat_before: SeatBefore): void {
  let point = buckets.free;
  if (point === NONE) {
    point = buckets.used + 1;
    buckets.used = point;
  } else {
    buckets.free = buckets.followers[point];
  }
  buckets.positions[point] = position;
  link(buckets, point, seat_before);
  buckets.size = buckets.size + 1;
}

export function take(buckets: Buckets, position: number): void {
  const { positions, followers, heads } = buckets;
  const bucket = bucket_of(position, buckets.count);
  let before = NONE;
  let point = math.max(heads[bucket], NONE);
  while (point !== NONE && positions[point] !== position) {
    before = point;
    point = followers[point];
  }
  if (point === NONE) return;
  buckets.size = buckets.size - 1;
  if (before === NONE) set_first(buckets, bucket, followers[point]);
  else followers[before] = followers[point];
  followers[point] = buckets.free;
  buckets.free = point;
}
