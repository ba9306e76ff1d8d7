import { new_heap, pop, push, remove, type Heap, type HeapEntry } from "../lib/heap";

/** Finds the next turn by the earliest eligible virtual deadline (Stoica, Abdel-Wahab, 1995), in O(log n). */

/** An item that takes turns. Turn k becomes eligible at base + k/weight and is due at base + (k+1)/weight. */
export interface Turns extends HeapEntry {
  weight: number;
  /** The virtual time of turn 0. */
  base: number;
  /** Number of turns since then. */
  turn: number;
}

export interface Schedule<T extends Turns> {
  /** The items whose turn is eligible, by the time when it is due. */
  readonly eligible: Heap<T>;
  /** The other items, by the time when their turn becomes eligible. */
  readonly waiting: Heap<T>;
}

export function new_schedule<T extends Turns>(): Schedule<T> {
  return { eligible: new_heap(), waiting: new_heap() };
}

export function eligible_at(turns: Turns): number {
  return turns.base + turns.turn / turns.weight;
}

export function due_at(turns: Turns): number {
  return turns.base + (turns.turn + 1) / turns.weight;
}

/** Adds an item that is in neither heap. */
export function wait_for_turn<T extends Turns>({ waiting }: Schedule<T>, turns: T): void {
  turns.key = eligible_at(turns);
  push(waiting, turns);
}

export function withdraw<T extends Turns>({ eligible, waiting }: Schedule<T>, turns: T): void {
  remove(waiting.entries.get(turns.place) === turns ? waiting : eligible, turns);
}

/** Moves the items whose turns are eligible at a virtual time to the eligible heap. */
export function admit<T extends Turns>({ eligible, waiting }: Schedule<T>, time: number): void {
  while (waiting.size > 0 && waiting.entries.get(1).key <= time) {
    const turns = pop(waiting);
    turns.key = due_at(turns);
    push(eligible, turns);
  }
}

interface Copy<T> extends Turns {
  original: T;
}

function copy_of<T extends Turns>(heap: Heap<T>): Heap<Copy<T>> {
  const copy = new_heap<Copy<T>>();
  copy.size = heap.size;
  for (const place of $range(1, heap.size)) {
    const original = heap.entries.get(place);
    const { key, weight, base, turn } = original;
    copy.entries.set(place, { key, place, weight, base, turn, original });
  }
  return copy;
}

/**
 * Returns the item that would have the turn at a virtual time, or as soon as one is eligible. It works on
 * copies, because virtual time can be set back after an item was admitted. O(n).
 */
export function first_at<T extends Turns>(schedule: Schedule<T>, time: number, slack: number): T {
  const eligible = copy_of(schedule.eligible);
  const waiting = copy_of(schedule.waiting);
  const from = eligible.size === 0 ? math.max(time, waiting.entries.get(1).key) : time;
  admit({ eligible, waiting }, from + slack);
  return eligible.entries.get(1).original;
}
