import { new_heap, pop, push, remove as take_out, type Heap, type HeapEntry } from "../lib/heap";
import type { Available, Method, Peer } from "./method";

/**
 * Smooth weighted round robin in O(log n): earliest eligible virtual deadline first (Stoica, Abdel-Wahab, "Earliest
 * Eligible Virtual Deadline First", 1995; Linux schedules processes so).
 *
 * Virtual time goes forward by 1/total with each pick, so that one unit is a full cycle. A peer's k-th turn becomes
 * eligible at its base + k/weight and is due at base + (k+1)/weight. The eligible peer that is due first is picked.
 * That keeps every peer within one pick of its exact share at any time: counts over a cycle are exact, and no peer
 * waits longer than 2 × total/weight picks.
 */
interface Entry extends Peer, HeapEntry {
  /** The virtual time of its turn 0. */
  base: number;
  /** How many turns it has had since. */
  turn: number;
}

/** Orders peers that are due at the same time: differently on each worker, the same in each cycle. */
const JITTER = 1e-9;
/** A turn counts as eligible this much of a pick too early, so that neither jitter nor rounding delays it. */
const SLACK = 1e-3;
/** Virtual time begins anew from here on, while jitter is still larger than the rounding of its sum with the time. */
const LATEST = 1e6;
/** So many unavailable peers in a row, then all are looked at. */
const MOST_SKIPS = 8;

/** Makes a round robin without peers. Any phase; `pick` is O(log n), and O(n) while most peers are unavailable. */
export function new_round_robin(this: void, random: (this: void) => number): Method {
  /** Peers whose turn is eligible, by when it is due. */
  const eligible: Heap<Entry> = new_heap();
  /** The others, by when their turn becomes eligible. */
  const waiting: Heap<Entry> = new_heap();
  let total = 0;
  let time_base = 0;
  let picks = 0;

  /** Sums up the picks so far, before `total` changes. */
  function settle(): void {
    if (total > 0) time_base = time_base + picks / total;
    picks = 0;
  }

  function wait_for_turn(entry: Entry): void {
    entry.key = entry.base + entry.turn / entry.weight;
    push(waiting, entry);
  }

  function withdraw(entry: Entry): void {
    const is_waiting = waiting.entries.get(entry.place) === entry;
    take_out(is_waiting ? waiting : eligible, entry);
  }

  /** How many picks the peer is owed at this time; negative when it is ahead. Settled. */
  function lag(entry: Entry): number {
    return entry.weight * (time_base - entry.base) - entry.turn;
  }

  function begin_anew(heap: Heap<Entry>, past: number): void {
    for (const place of $range(1, heap.size)) {
      const entry = heap.entries.get(place);
      entry.base = entry.base - past;
      entry.key = entry.key - past;
    }
  }

  function add(this: void, peer: Peer): void {
    const entry = peer as Entry;
    settle();
    total = total + entry.weight;
    entry.base = time_base + random() * JITTER;
    entry.turn = 0;
    wait_for_turn(entry);
  }

  function remove(this: void, peer: Peer): void {
    const entry = peer as Entry;
    settle();
    withdraw(entry);
    total = total - entry.weight;
    if (eligible.size + waiting.size === 0) total = 0;
    // What it was owed falls to the others.
    if (total > 0) time_base = time_base + lag(entry) / total;
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    const entry = peer as Entry;
    settle();
    withdraw(entry);
    const owed = lag(entry);
    total = total + weight - entry.weight;
    entry.weight = weight;
    entry.base = time_base - owed / weight;
    entry.turn = 0;
    wait_for_turn(entry);
  }

  function take_turn(entry: Entry): void {
    picks = picks + 1;
    entry.turn = entry.turn + 1;
    wait_for_turn(entry);
  }

  function next_turn(): Entry | undefined {
    let now = time_base + picks / total;
    const first = waiting.entries.get(1);
    if (eligible.size === 0) {
      if (waiting.size === 0) return undefined;
      if (first.key > now) {
        time_base = first.key;
        picks = 0;
        now = time_base;
      }
    }
    const horizon = now + SLACK / total;
    while (waiting.size > 0 && waiting.entries.get(1).key <= horizon) {
      const entry = pop(waiting);
      entry.key = entry.base + (entry.turn + 1) / entry.weight;
      push(eligible, entry);
    }
    if (now > LATEST) {
      settle();
      begin_anew(eligible, time_base);
      begin_anew(waiting, time_base);
      time_base = 0;
    }
    return pop(eligible);
  }

  /** The available peer that is due first, eligible or not. */
  function find_available(available: Available): Peer | undefined {
    let found: Entry | undefined;
    let due = math.huge;
    for (const place of $range(1, eligible.size + waiting.size)) {
      const entry =
        place <= eligible.size ? eligible.entries.get(place) : waiting.entries.get(place - eligible.size);
      const its_due = entry.base + (entry.turn + 1) / entry.weight;
      if (its_due < due && available(entry)) {
        found = entry;
        due = its_due;
      }
    }
    if (found === undefined) return undefined;
    withdraw(found);
    take_turn(found);
    return found;
  }

  function pick(this: void, available: Available): Peer | undefined {
    for (const _ of $range(1, MOST_SKIPS)) {
      const entry = next_turn();
      if (entry === undefined) return undefined;
      take_turn(entry);
      if (available(entry)) return entry;
    }
    return find_available(available);
  }

  return { add, remove, reweigh, pick };
}
