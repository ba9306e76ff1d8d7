import { new_heap, pop, push, remove, type Heap, type HeapEntry } from "../lib/heap";

/** When which server is probed. Times are moments of the monotonic clock. Pure: the caller has the clock and the chance. */

/** What is probed in turn. Its `key` is when it is due. */
export interface Turn extends HeapEntry {
  /** Seconds from one probe to the next. */
  interval: number;
  /** At most so many seconds later, by chance. */
  jitter: number;
  /** True: it is in the schedule. */
  is_scheduled: boolean;
}

export type Schedule<T extends Turn> = Heap<T>;

/** Of those that come while traffic flows, in seconds: all of an upstream's are probed soon, yet not at one moment. */
const STEP = 0.005;
/** Who is this late, in seconds, or half its interval, lets its turn pass: else all that was missed would come at once. */
const LATEST = 1;
/** Its multiples are spread over the numbers from 0 to 1 as evenly as can be. */
const GOLDEN_RATIO = 0.6180339887498949;

/** Makes an empty schedule. */
export function new_schedule<T extends Turn>(): Schedule<T> {
  return new_heap<T>();
}

/**
 * When a server is due that never was probed and has come while traffic flows: at once, but those that have come
 * together one after the other.
 *
 * @param index its number among those, from 0
 * @param count how many those are
 */
export function due_soon(now: number, interval: number, index: number, count: number): number {
  return now + index * math.min(STEP, interval / count);
}

/**
 * When a server is due that never was probed and was there at the start: servers of one upstream are spread over the
 * interval, and so are upstreams.
 *
 * @param upstream a number of the upstream
 * @param index its number among the upstream's servers, from 0
 * @param count how many those are
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

/** When the server of a turn is due after it was at `due`. `chance` is from 0 to 1. */
export function due_next(turn: Turn, due: number, now: number, chance: number): number {
  const missed = math.max(0, math.floor((now - due) / turn.interval));
  return due + (missed + 1) * turn.interval + chance * turn.jitter;
}

/** Whether a turn comes too late to be taken. */
export function is_too_late(turn: Turn, now: number): boolean {
  return now - turn.key > math.min(LATEST, turn.interval / 2);
}

/** Has a turn come at `due`, whether it was in the schedule before or not. O(log n). */
export function schedule<T extends Turn>(turns: Schedule<T>, turn: T, due: number): void {
  unschedule(turns, turn);
  turn.key = due;
  turn.is_scheduled = true;
  push(turns, turn);
}

/** Takes a turn out, if it is in. O(log n). */
export function unschedule<T extends Turn>(turns: Schedule<T>, turn: T): void {
  if (turn.is_scheduled) remove(turns, turn);
  turn.is_scheduled = false;
}

/** When the next turn comes; undefined: there is none. */
export function next_due<T extends Turn>(turns: Schedule<T>): number | undefined {
  return turns.size === 0 ? undefined : turns.entries.get(1).key;
}

/** Takes out the next turn if it has come; undefined: none has. O(log n). */
export function take_due<T extends Turn>(turns: Schedule<T>, now: number): T | undefined {
  const due = next_due(turns);
  if (due === undefined || due > now) return undefined;
  const turn = pop(turns);
  turn.is_scheduled = false;
  return turn;
}
