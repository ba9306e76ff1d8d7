import { NO_ID, Row, type RowNumber } from "./cells";
import { Header, Slot } from "./header_cells";
import { UpstreamCounter } from "./counter_cells";
import { exclusively } from "./dict";
import { holder_of, Lock, release, try_acquire } from "./lock";
import {
  active_at,
  begun_at,
  counter_at,
  last_slot,
  offset_of,
  revision,
  row_at,
  shared_memory,
  slot_at,
  stamp_at,
} from "./region";

/**
 * The slots of the shared counters. A worker holds the lock of its slot for as long as it lives, so the
 * kernel tells exactly which slots are free, and no worker waits for another one. A worker goes on counting
 * where the last holder of its slot stopped; only the requests under way ended with that holder. The holder
 * of a slot's lock may write the slot's cells.
 */

/** The slot of this worker; 0: none. */
let own_slot = 0;

function lock_of(slot: number): number {
  return Lock.SLOT + slot;
}

/** Returns whether a running worker has a slot. */
export function is_held(slot: number): boolean {
  const pid = shared_memory()[slot_at(slot) + Slot.PID];
  return slot === own_slot || (pid !== 0 && holder_of(lock_of(slot)) === pid);
}

/** Clears what the dead holder of a slot had under way. */
function clear_active(slot: number): void {
  const memory = shared_memory();
  const offset = offset_of(slot);
  for (const number of $range(1, memory[Header.NEXT_ROW] - 1)) {
    const row = number as RowNumber;
    if (memory[stamp_at(slot, row)] !== 0) {
      memory[active_at(row) + offset] = 0;
      memory[begun_at(row) + offset] = 0;
      const is_upstream = memory[row_at(row) + Row.ID] === NO_ID;
      if (is_upstream) memory[counter_at(slot, row) + UpstreamCounter.WAITING] = 0;
    }
  }
}

/** Clears what is left of the last holder of a slot. The caller holds the slot's lock. */
function bury(slot: number): void {
  const memory = shared_memory();
  const at = slot_at(slot);
  if (memory[at + Slot.PID] === 0) return;
  clear_active(slot);
  // Without a reload, a worker ends only by dying, and nginx replaces it.
  const is_respawned = memory[at + Slot.GENERATION] === memory[Header.GENERATION];
  if (is_respawned) memory[at + Slot.RESPAWNED] = memory[at + Slot.RESPAWNED] + 1;
  memory[at + Slot.STREAMS] = 0;
  memory[at + Slot.PID] = 0;
}

/** Clears what workers had under way that died without a successor, after a reload. Any phase. */
export function release_dead_slots(): void {
  const memory = shared_memory();
  for (const slot of $range(1, last_slot())) {
    const is_taken = slot !== own_slot && memory[slot_at(slot) + Slot.PID] !== 0;
    if (is_taken && try_acquire(lock_of(slot))) {
      bury(slot);
      release(lock_of(slot));
    }
  }
}

/** Takes a slot for this worker, which keeps the slot's lock. */
function settle(slot: number): void {
  const memory = shared_memory();
  bury(slot);
  // Each cell is written by one store, so two workers may do this at the same time.
  for (const used of $range(1, slot)) memory[slot_at(used) + Slot.USED] = 1;
  const at = slot_at(slot);
  memory[at + Slot.WORKER] = ngx.worker.id() ?? -1;
  memory[at + Slot.GENERATION] = memory[Header.GENERATION];
  memory[at + Slot.REQUESTS] = 0;
  memory[at + Slot.SEEN_REVISION] = memory[Header.REVISION];
  memory[at + Slot.REQUESTS_AT_RESET] = 0;
  memory[at + Slot.PID] = ngx.worker.pid();
  own_slot = slot;
}

/** Takes the first free slot for this worker. Returns undefined when there is none. Any phase. */
export function take_slot(): number | undefined {
  for (const slot of $range(1, shared_memory()[Header.SLOTS] - 1)) {
    if (try_acquire(lock_of(slot))) {
      settle(slot);
      return slot;
    }
  }
  return undefined;
}

/** Notes how much memory this worker's Lua VM uses, for the metrics of all workers. Any phase. */
export function note_lua_memory(): void {
  if (own_slot === 0) return;
  shared_memory()[slot_at(own_slot) + Slot.LUA_BYTES] = collectgarbage("count") * 1024;
}

/** Notes that this worker has seen the present revision: its next request uses it. Any phase. */
export function note_seen_revision(): void {
  if (own_slot === 0) return;
  shared_memory()[slot_at(own_slot) + Slot.SEEN_REVISION] = revision();
}

/** Returns the slot that this worker has taken in another Lua VM; undefined: none. Any phase. */
export function resume_slot(): number | undefined {
  const memory = shared_memory();
  for (const slot of $range(1, last_slot())) {
    if (memory[slot_at(slot) + Slot.PID] === ngx.worker.pid()) {
      own_slot = slot;
      return slot;
    }
  }
  return undefined;
}

/** Returns the number of slots, and of those that no worker holds. Phase: init_by_lua. */
export function count_slots(): LuaMultiReturn<[number, number]> {
  const count = shared_memory()[Header.SLOTS] - 1;
  let free = 0;
  for (const slot of $range(1, count)) {
    if (holder_of(lock_of(slot)) === 0) free += 1;
  }
  return $multi(count, free);
}

/** Returns the number of workers of a generation that have a slot. Any phase. */
export function count_workers_with_slot(generation: number): number {
  const memory = shared_memory();
  let count = 0;
  for (const slot of $range(1, last_slot())) {
    const at = slot_at(slot);
    if (memory[at + Slot.PID] !== 0 && memory[at + Slot.GENERATION] === generation) count += 1;
  }
  return count;
}

function all_streams(): number {
  const memory = shared_memory();
  let streams = 0;
  for (const slot of $range(1, last_slot())) streams += memory[slot_at(slot) + Slot.STREAMS];
  return streams;
}

/**
 * Counts one more client of the event stream in this worker, unless all workers together have `limit`.
 * Returns whether it did. Any phase.
 */
export function add_stream(limit: number): boolean {
  let is_added = false;
  exclusively(() => {
    if (own_slot === 0 || all_streams() >= limit) return;
    const cell = slot_at(own_slot) + Slot.STREAMS;
    shared_memory()[cell] = shared_memory()[cell] + 1;
    is_added = true;
  });
  return is_added;
}

/** Counts one client of the event stream less in this worker. Any phase. */
export function remove_stream(): void {
  const cell = slot_at(own_slot) + Slot.STREAMS;
  shared_memory()[cell] = shared_memory()[cell] - 1;
}
