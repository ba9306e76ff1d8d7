import { Header, NO_ID, Row, Slot, UpstreamCounter } from "../store/cells";
import { active_at, begun_at, counter_at, row_at, shared_memory, slot_at, stamp_at } from "../store/region";
import * as lock from "../store/lock";

/**
 * Which slot of the shared counters is whose. A worker takes one that nobody holds any more, and goes on counting
 * where its last holder stopped; only what was under way died with that one.
 */

/** When a process started, in clock ticks since boot: with the pid it names a process for good. 0: not there. */
function birth_of(pid: number): number {
  const [file] = io.open(`/proc/${pid}/stat`, "r");
  if (file === undefined) return 0;
  const stat = file.read("*a") ?? "";
  file.close();
  // The second field, the command in parentheses, may hold anything.
  const [fields] = string.match(stat, "^.*%) (.*)$");
  let number = 2;
  for (const [field] of string.gmatch(fields ?? "", "%S+")) {
    number += 1;
    if (number === 22) return tonumber(field) ?? 0;
  }
  return 0;
}

function is_held(slot: number): boolean {
  const memory = shared_memory();
  const at = slot_at(slot);
  const pid = memory[at + Slot.PID];
  return pid !== 0 && birth_of(pid) === memory[at + Slot.BORN];
}

/** Takes off what the dead holder of a slot had under way. */
function clear_active(slot: number): void {
  const memory = shared_memory();
  for (const row of $range(1, memory[Header.NEXT_ROW] - 1)) {
    if (memory[stamp_at(slot, row)] !== 0) {
      memory[active_at(row) + slot] = 0;
      memory[begun_at(row) + slot] = 0;
      const is_upstream = memory[row_at(row) + Row.ID] === NO_ID;
      if (is_upstream) memory[counter_at(slot, row) + UpstreamCounter.WAITING] = 0;
    }
  }
}

function release_dead(): void {
  const memory = shared_memory();
  for (const slot of $range(1, memory[Header.SLOTS] - 1)) {
    const at = slot_at(slot);
    if (memory[at + Slot.PID] !== 0 && !is_held(slot)) {
      clear_active(slot);
      // Without a reload between, workers end only by dying, and each is replaced.
      const is_respawned = memory[at + Slot.GENERATION] === memory[Header.GENERATION];
      if (is_respawned) memory[Header.RESPAWNED] = memory[Header.RESPAWNED] + 1;
      memory[at + Slot.PID] = 0;
    }
  }
}

/**
 * Takes off what workers had under way that died with nobody to take their place: old ones that were finishing their
 * requests after a reload. Phases that can sleep.
 */
export function release_dead_slots(): void {
  if (lock.acquire()[0] === undefined) return;
  release_dead();
  lock.release(lock.Lock.WRITE);
}

/** Takes a free slot for this worker. Phase: init_worker_by_lua. Returns undefined when there is none. */
export function take_slot(): number | undefined {
  const memory = shared_memory();
  const pid = ngx.worker.pid();
  lock.acquire_now();
  release_dead();
  let taken: number | undefined;
  for (const slot of $range(1, memory[Header.SLOTS] - 1)) {
    const at = slot_at(slot);
    if (taken === undefined && memory[at + Slot.PID] === 0) {
      memory[at + Slot.PID] = pid;
      memory[at + Slot.BORN] = birth_of(pid);
      memory[at + Slot.WORKER] = ngx.worker.id() ?? -1;
      memory[at + Slot.GENERATION] = memory[Header.GENERATION];
      memory[at + Slot.USED] = 1;
      memory[Header.LAST_SLOT] = math.max(memory[Header.LAST_SLOT], slot);
      taken = slot;
    }
  }
  lock.release(lock.Lock.WRITE);
  return taken;
}

/** A worker that runs. */
export interface Worker {
  id: number;
  pid: number;
}

/** The workers that run, those that finish their last requests after a reload included, by id. */
export function workers(): Worker[] {
  const memory = shared_memory();
  const running: Worker[] = [];
  for (const slot of $range(1, memory[Header.SLOTS] - 1)) {
    const at = slot_at(slot);
    if (is_held(slot)) running.push({ id: memory[at + Slot.WORKER], pid: memory[at + Slot.PID] });
  }
  table.sort(running, (a, b) => (a.id === b.id ? a.pid < b.pid : a.id < b.id));
  return running;
}
