import * as ffi from "ffi";

import type { Cell, RowNumber } from "./cells";
import { Counter, TimeCell } from "./counter_cells";
import {
  counter_at,
  counters_of,
  group_at,
  RESET_SLOT,
  shared_memory,
  TIME_GROUPS,
  times_of,
} from "./region";

/**
 * Histograms of a server's header times and response times, over all workers.
 *
 * The buckets are log-scaled, six for a factor of ten, so that a quantile is correct to within one bucket.
 * The bounds are round numbers, so that a rule such as "99 % within 500 ms" has an exact count.
 */

/** The inclusive upper bounds of the buckets, in milliseconds. One more bucket has all longer times. */
export const BOUNDS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000,
  10000, 15000, 20000, 30000, 60000,
];
/** The number of buckets of a histogram. */
export const BUCKETS = 29;
const LONGEST = 60000;
/** The buckets of the first group, and of each other one. */
const FIRST_SIZE = 5;
const GROUP_SIZE = 6;
/** The bits of the groups in use. */
const BITS = [1, 2, 4, 8, 16];

/** The bucket of each time in milliseconds, which is all that nginx measures. */
const buckets = ffi.new("uint8_t[?]", LONGEST + 1) as unknown as ffi.NumberPointer;

function fill_buckets(): void {
  // From the longest time down: each step overwrites the times of the buckets below.
  for (const bucket of $range(BUCKETS - 2, 0, -1)) ffi.fill(buckets, BOUNDS[bucket] + 1, bucket);
}

fill_buckets();

/** Returns the bucket of a time in milliseconds. Hot. */
export function bucket_of(time: number): number {
  return time > LONGEST ? BUCKETS - 1 : buckets[math.floor(time + 0.5)];
}

/** Returns the group of a bucket. */
function group_of(bucket: number): number {
  return bucket < FIRST_SIZE ? 0 : math.floor((bucket - FIRST_SIZE) / GROUP_SIZE) + 1;
}

/** Returns the first bucket of a group. */
function first_of(group: number): number {
  return group === 0 ? 0 : FIRST_SIZE + (group - 1) * GROUP_SIZE;
}

function clear_group(at: Cell): void {
  const memory = shared_memory();
  for (const cell of $range(at, at + TimeCell.CELLS - 1)) memory[cell] = 0;
}

/** Empties a worker's histograms. `at`: their offset. */
export function clear_cells(at: Cell): void {
  clear_group(at);
  shared_memory()[at + TimeCell.GROUPS] = 1;
}

/** Tells whether a group of the histograms at an offset is in use. Otherwise its cells have no meaning. */
function has_group(at: Cell, group: number): boolean {
  return math.floor(shared_memory()[at + TimeCell.GROUPS] / BITS[group]) % 2 === 1;
}

/**
 * Returns the cell of the header times of a bucket, which may be changed then, in the histograms at an
 * offset. That of the response times is `TimeCell.FIRST_RESPONSE` behind it. Hot.
 */
export function use_bucket(at: Cell, bucket: number): Cell {
  if (bucket < FIRST_SIZE) return (at + bucket) as Cell;
  const group = group_of(bucket);
  const cells = group_at(at, group);
  if (!has_group(at, group)) {
    const memory = shared_memory();
    clear_group(cells);
    memory[at + TimeCell.GROUPS] = memory[at + TimeCell.GROUPS] + BITS[group];
  }
  return (cells + bucket - first_of(group)) as Cell;
}

/** Adds the histograms at an offset to others, without their number of responses. Any phase. */
export function add_cells({ header, response }: Times, at: Cell): void {
  const memory = shared_memory();
  for (const group of $range(0, TIME_GROUPS - 1)) {
    // Cells that no response has touched yet are not touched here either.
    if (has_group(at, group)) {
      const first = first_of(group);
      const cells = group_at(at, group);
      const last = group === 0 ? FIRST_SIZE - 1 : GROUP_SIZE - 1;
      for (const place of $range(0, last)) {
        header[first + place] += memory[cells + TimeCell.FIRST_HEADER + place];
        response[first + place] += memory[cells + TimeCell.FIRST_RESPONSE + place];
      }
    }
  }
}

/** Adds histograms, times a sign, to those at an offset. Under the write lock. */
export function keep_cells(at: Cell, times: Times, sign: 1 | -1): void {
  const memory = shared_memory();
  memory[at + TimeCell.HEADER_SUM] = memory[at + TimeCell.HEADER_SUM] + sign * times.header_sum;
  memory[at + TimeCell.RESPONSE_SUM] = memory[at + TimeCell.RESPONSE_SUM] + sign * times.response_sum;
  for (const bucket of $range(0, BUCKETS - 1)) {
    if (times.header[bucket] !== 0 || times.response[bucket] !== 0) {
      const header = use_bucket(at, bucket);
      const response = header + TimeCell.FIRST_RESPONSE;
      memory[header] = memory[header] + sign * times.header[bucket];
      memory[response] = memory[response] + sign * times.response[bucket];
    }
  }
}

/** The histograms of one server or of several, with times in milliseconds. */
export interface Times {
  /** The number of responses. */
  count: number;
  header_sum: number;
  response_sum: number;
  /** The number of responses in each bucket. */
  header: number[];
  response: number[];
}

/** Makes empty histograms. */
export function new_times(): Times {
  const times: Times = { count: 0, header_sum: 0, response_sum: 0, header: [], response: [] };
  clear_times(times);
  return times;
}

/** Empties histograms, so that they can be used for another server. */
export function clear_times(times: Times): void {
  times.count = 0;
  times.header_sum = 0;
  times.response_sum = 0;
  for (const bucket of $range(0, BUCKETS - 1)) {
    times.header[bucket] = 0;
    times.response[bucket] = 0;
  }
}

/** Adds the histograms of a server. Returns false if it has none. Any phase. */
export function add_times(times: Times, row: RowNumber, incarnation: number): boolean {
  const memory = shared_memory();
  let has_any = false;
  for (const counters of counters_of(row, incarnation)) {
    const count = memory[counters + Counter.TIMED];
    if (count !== 0) {
      const at = times_of(counters);
      has_any = true;
      times.count += count;
      times.header_sum += memory[at + TimeCell.HEADER_SUM];
      times.response_sum += memory[at + TimeCell.RESPONSE_SUM];
      add_cells(times, at);
    }
  }
  return has_any;
}

/** Subtracts a server's histograms of now from all that follow. The caller holds the write lock. */
export function reset_times(row: RowNumber, incarnation: number): void {
  const memory = shared_memory();
  const times = new_times();
  if (!add_times(times, row, incarnation)) return;
  const counters = counter_at(RESET_SLOT, row);
  const at = times_of(counters);
  if (memory[counters + Counter.TIMED] === 0) clear_cells(at);
  memory[counters + Counter.TIMED] = memory[counters + Counter.TIMED] - times.count;
  keep_cells(at, times, -1);
}

/**
 * Returns the time, in milliseconds, within which a part of all responses arrived. The time is interpolated
 * linearly within its bucket, as `histogram_quantile` of Prometheus does. A time in the last bucket counts as
 * its lower bound.
 *
 * @param counts the number of responses in each bucket
 * @param count the sum of `counts`, above 0
 * @param part from 0 to 1; 0.99 for the 99th percentile
 */
export function quantile(counts: readonly number[], count: number, part: number): number {
  const rank = part * count;
  let below = 0;
  let lower = 0;
  for (const [index, upper] of ipairs(BOUNDS)) {
    const here = counts[index - 1];
    if (here > 0 && below + here >= rank) return lower + ((upper - lower) * (rank - below)) / here;
    below += here;
    lower = upper;
  }
  return lower;
}
