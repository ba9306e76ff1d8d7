import { type Cell, NO_ID, Row, type RowNumber } from "./cells";
import { Header, Slot } from "./header_cells";
import { active_at, last_slot, offset_of, row_at, shared_memory, slot_at } from "./region";
import { is_held } from "./slots";

/** The workers that run, and those that were replaced, as their slots show them. */

function all_respawned(): number {
  const memory = shared_memory();
  let respawned = 0;
  for (const slot of $range(1, last_slot())) respawned += memory[slot_at(slot) + Slot.RESPAWNED];
  return respawned;
}

/** Returns the number of workers that died and were replaced since the last reset. */
export function respawned_workers(): number {
  return all_respawned() - shared_memory()[Header.RESPAWNED_AT_RESET];
}

/** Sets `respawned_workers` to 0. */
export function reset_respawned(): void {
  shared_memory()[Header.RESPAWNED_AT_RESET] = all_respawned();
}

/** A running worker. */
export interface Worker {
  id: number;
  pid: number;
  slot: number;
  /** The generation of the configuration that it runs. */
  generation: number;
  /** The number of requests that it has logged since it started, or since the last reset. */
  requests: number;
  /** The number of its requests under way at servers. */
  active: number;
}

/** A worker and the memory that its Lua VM uses, in bytes. */
export interface WorkerMemory {
  id: number;
  lua_bytes: number;
}

/** Returns the running workers of the present configuration, and the number of those of earlier ones. */
export function running_workers(): LuaMultiReturn<[WorkerMemory[], number]> {
  const memory = shared_memory();
  const present: WorkerMemory[] = [];
  let earlier = 0;
  for (const slot of $range(1, last_slot())) {
    const at = slot_at(slot);
    if (is_held(slot)) {
      if (memory[at + Slot.GENERATION] === memory[Header.GENERATION])
        present.push({ id: memory[at + Slot.WORKER], lua_bytes: memory[at + Slot.LUA_BYTES] });
      else earlier += 1;
    }
  }
  return $multi(present, earlier);
}

/**
 * Returns how many workers of the newest configuration have seen a revision, and their number. Until its
 * first worker runs, the workers of the last configuration count, because they still serve. Any phase.
 */
export function workers_at(revision: number): LuaMultiReturn<[following: number, total: number]> {
  const memory = shared_memory();
  let newest = -1;
  let following = 0;
  let total = 0;
  for (const slot of $range(1, last_slot())) {
    const at = slot_at(slot);
    const generation = memory[at + Slot.GENERATION];
    if (generation >= newest && is_held(slot)) {
      if (generation > newest) [newest, following, total] = [generation, 0, 0];
      total += 1;
      if (memory[at + Slot.SEEN_REVISION] >= revision) following += 1;
    }
  }
  return $multi(following, total);
}

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

/** Returns the running workers by id, including old ones that finish their last requests after a reload. */
export function workers(): Worker[] {
  const running: Worker[] = [];
  const upstreams = upstream_cells();
  for (const slot of $range(1, last_slot())) {
    if (is_held(slot)) running.push(worker_of(slot, upstreams));
  }
  table.sort(running, (a, b) => (a.id === b.id ? a.pid < b.pid : a.id < b.id));
  return running;
}

/** Sets a worker's number of requests to 0, but not its requests under way. */
export function reset_worker({ slot }: Worker): void {
  const memory = shared_memory();
  const at = slot_at(slot);
  memory[at + Slot.REQUESTS_AT_RESET] = memory[at + Slot.REQUESTS];
}
