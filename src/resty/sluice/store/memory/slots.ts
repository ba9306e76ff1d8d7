import { type Cell, Header, NO_ID, Row, type RowNumber, Slot, UpstreamCounter } from "./cells";
import { holder_of, Lock, release, try_acquire } from "./lock";
import {
  active_at,
  begun_at,
  counter_at,
  last_slot,
  offset_of,
  row_at,
  shared_memory,
  slot_at,
  stamp_at,
} from "./region";

/**
 * Which slot of the shared counters is whose. A worker holds the lock of its slot for as long as it lives, so the
 * kernel tells exactly which slots are free, and no worker waits for another one. A worker goes on counting where the
 * last holder of its slot stopped; only what was under way died with that one. Whoever holds the lock of a slot may
 * write its cells.
 */

/** The slot of this worker; 0: none. */
let own_slot = 0;

function lock_of(slot: number): number {
  return Lock.SLOT + slot;
}

function is_held(slot: number): boolean {
  const pid = shared_memory()[slot_at(slot) + Slot.PID];
  return slot === own_slot || (pid !== 0 && holder_of(lock_of(slot)) === pid);
}

/** Takes off what the dead holder of a slot had under way. */
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

/** Takes off what is left of the last holder of a slot. Under the slot's lock. */
function bury(slot: number): void {
  const memory = shared_memory();
  const at = slot_at(slot);
  if (memory[at + Slot.PID] === 0) return;
  clear_active(slot);
  // Without a reload between, workers end only by dying, and each is replaced.
  const is_respawned = memory[at + Slot.GENERATION] === memory[Header.GENERATION];
  if (is_respawned) memory[at + Slot.RESPAWNED] = memory[at + Slot.RESPAWNED] + 1;
  memory[at + Slot.PID] = 0;
}

/**
 * Takes off what workers had under way that died with nobody to take their place: old ones that were finishing their
 * requests after a reload. Any phase.
 */
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

/** Makes a slot this worker's. Under the slot's lock, which it keeps. */
function settle(slot: number): void {
  const memory = shared_memory();
  bury(slot);
  // All up to this one, each by one store: two workers can do this at the same time.
  for (const used of $range(1, slot)) memory[slot_at(used) + Slot.USED] = 1;
  const at = slot_at(slot);
  memory[at + Slot.WORKER] = ngx.worker.id() ?? -1;
  memory[at + Slot.GENERATION] = memory[Header.GENERATION];
  memory[at + Slot.REQUESTS] = 0;
  memory[at + Slot.REQUESTS_AT_RESET] = 0;
  memory[at + Slot.PID] = ngx.worker.pid();
  own_slot = slot;
}

/** Takes the first free slot for this worker, which has none. Any phase. Returns undefined when there is none. */
export function take_slot(): number | undefined {
  for (const slot of $range(1, shared_memory()[Header.SLOTS] - 1)) {
    if (try_acquire(lock_of(slot))) {
      settle(slot);
      return slot;
    }
  }
  return undefined;
}

/** The slot that this worker has taken in another Lua VM. Any phase. Returns undefined when it has none. */
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

/** How many slots there are, and how many of them no worker holds. Phase: init_by_lua. */
export function count_slots(): LuaMultiReturn<[number, number]> {
  const count = shared_memory()[Header.SLOTS] - 1;
  let free = 0;
  for (const slot of $range(1, count)) {
    if (holder_of(lock_of(slot)) === 0) free += 1;
  }
  return $multi(count, free);
}

function all_respawned(): number {
  const memory = shared_memory();
  let respawned = 0;
  for (const slot of $range(1, last_slot())) respawned += memory[slot_at(slot) + Slot.RESPAWNED];
  return respawned;
}

/** How many workers have died and were replaced, since that was reset. */
export function respawned_workers(): number {
  return all_respawned() - shared_memory()[Header.RESPAWNED_AT_RESET];
}

/** Sets `respawned_workers` to 0. */
export function reset_respawned(): void {
  shared_memory()[Header.RESPAWNED_AT_RESET] = all_respawned();
}

/** A worker that runs. */
export interface Worker {
  id: number;
  pid: number;
  slot: number;
  /** Of the configuration that it runs. */
  generation: number;
  /** How many requests it has logged since it began, or since that was reset. */
  requests: number;
  /** How many requests it has under way at servers. */
  active: number;
}

/** Where the requests under way at each upstream stand. */
function upstream_cells(): Cell[] {
  const memory = shared_memory();
  const cells: Cell[] = [];
  for (const number of $range(1, memory[Header.NEXT_ROW] - 1)) {
    const row = number as RowNumber;
    if (memory[row_at(row) + Row.ID] === NO_ID) cells.push(active_at(row));
  }
  return cells;
}

function worker_of(slot: number, upstreams: readonly Cell[]): Worker {
  const memory = shared_memory();
  const at = slot_at(slot);
  const offset = offset_of(slot);
  let active = 0;
  for (const cell of upstreams) active += memory[cell + offset];
  return {
    id: memory[at + Slot.WORKER],
    pid: memory[at + Slot.PID],
    slot,
    generation: memory[at + Slot.GENERATION],
    requests: memory[at + Slot.REQUESTS] - memory[at + Slot.REQUESTS_AT_RESET],
    active,
  };
}

/** The workers that run, those that finish their last requests after a reload included, by id. */
export function workers(): Worker[] {
  const running: Worker[] = [];
  const upstreams = upstream_cells();
  for (const slot of $range(1, last_slot())) {
    if (is_held(slot)) running.push(worker_of(slot, upstreams));
  }
  table.sort(running, (a, b) => (a.id === b.id ? a.pid < b.pid : a.id < b.id));
  return running;
}

/** Sets the requests of a worker, but not those that it has under way, to 0. */
export function reset_worker({ slot }: Worker): void {
  const memory = shared_memory();
  const at = slot_at(slot);
  memory[at + Slot.REQUESTS_AT_RESET] = memory[at + Slot.REQUESTS];
}
