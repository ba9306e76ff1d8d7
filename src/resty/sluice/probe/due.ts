import { new_heap, pop, push, remove, type Heap, type HeapEntry } from "../lib/heap";

/** Schedules probes. Pure: the caller has the monotonic clock and the random numbers. */

/** An item that is probed repeatedly. Its `key` is the time of the next probe. */
export interface Turn extends HeapEntry {
  /** Time from one probe to the next, in seconds. */
  interval: number;
  /** Largest random delay, in seconds. */
  jitter: number;
  /** True: the item is in the schedule. */
  is_scheduled: boolean;
}

export type Schedule<T extends Turn> = Heap<T>;

/** Time between the first probes of servers that were added together, in seconds. */
const STEP = 0.005;
/** A probe that is late by more than this, in seconds, or by half its interval is skipped. */
const LATEST = 1;
/** The fractional parts of its multiples are spread evenly over the numbers from 0 to 1. */
const GOLDEN_RATIO = 0.6180339887498949;

export function new_schedule<T extends Turn>(): Schedule<T> {
  return new_heap<T>();
}

/**
 * Returns the time of the first probe of a server that was added at run time: immediately, but one after the
 * other if `count` were added together. `index` counts them from 0.
 */
export function due_soon(now: number, interval: number, index: number, count: number): number {
  return now + index * math.min(STEP, interval / count);
}

/**
 * Returns the time of the first probe of a server that existed when nginx started. The servers of an upstream
 * are spread over the interval, and so are the upstreams, which a number identifies.
 */
export function due_spread(
  now: number,
  interval: number,
  upstream: number,
  index: number,
  count: number,
): number {
  return now + ((upstream * GOLDEN_RATIO + index / count) % 1) * interval;
}

/** Returns the time of the probe after the one at `due`. `random` is a random number from 0 to 1. */
export function due_next(turn: Turn, due: number, now: number, random: number): number {
  const missed = math.max(0, math.floor((now - due) / turn.interval));
  return due + (missed + 1) * turn.interval + random * turn.jitter;
}

/** Tells whether a probe is so late that it must be skipped. */
export function is_too_late(turn: Turn, now: number): boolean {
  return now - turn.key > math.min(LATEST, turn.interval / 2);
}

/** Sets the time of an item, and adds the item if it is not in the schedule. O(log n). */
export function schedule<T extends Turn>(turns: Schedule<T>, turn: T, due: number): void {
  unschedule(turns, turn);
  turn.key = due;
  turn.is_scheduled = true;
  push(turns, turn);
}

/** Removes an item, if it is in the schedule. O(log n). */
export function unschedule<T extends Turn>(turns: Schedule<T>, turn: T): void {
  if (turn.is_scheduled) remove(turns, turn);
  turn.is_scheduled = false;
}

/** Returns the time of the next probe; undefined: there is none. */
export function next_due<T extends Turn>(turns: Schedule<T>): number | undefined {
  return turns.size === 0 ? undefined : turns.entries.get(1).key;
}

/** Removes and returns the next item if it is due; undefined: none is due. O(log n). */
export function take_due<T extends Turn>(turns: Schedule<T>, now: number): T | undefined {
  const due = next_due(turns);
  if (due === undefined || due > now) return undefined;
  const turn = pop(turns);
  turn.is_scheduled = false;
  return turn;
}
