import * as clock from "../../lib/clock";
import { with_rests_while } from "../../lib/rest";
import type { Result } from "../../lib/result";
import { Header } from "./header_cells";
import { lock_holder, open_memory_file, pause, try_lock, unlock } from "./posix";
import { shared_memory } from "./region";

/**
 * Locks between the workers. The kernel holds them, so that a lock ends with the process that holds it,
 * however that dies. The locks are byte ranges of a file in memory, so that no disk can delay them. A stopped
 * process keeps its locks; a waiting process gives up after some time. The kernel tells processes apart, not
 * coroutines: `held` records which locks this worker holds.
 */

export const enum Lock {
  /** Held during a write. */
  WRITE,
  /** Held while an image is written, possibly for long. */
  IMAGE,
  /** Held while the servers' health is saved. */
  HEALTH,
  /** Plus the number of a slot: held by the worker that uses the slot, for as long as it lives. */
  SLOT = 16,
}

const RETRY_SECONDS = 0.001;
/** How long a failed attempt shows that somebody waits for the lock. */
const WANTED_SECONDS = 0.005;
const PATIENCE_SECONDS = 10;
/** How long a writer rests, in a busy worker: the others must not lose their patience. */
const REST_SECONDS = 2;
/** The master waits for less time, because it can do nothing else meanwhile. */
const MASTER_PATIENCE_MILLISECONDS = 5000;

const held = new LuaTable<number, boolean>();

/** Creates the file of the locks. Phase: init_by_lua, once. Raises a text on failure. */
export function make_locks(): void {
  const [fd, cause] = open_memory_file();
  shared_memory()[Header.LOCK_FD] = fd ?? error(`could not make the locks: ${cause ?? ""}`, 0);
}

/** Notes that this worker holds the write lock, and whether the worker that held it before has died. */
function note_writer(): void {
  const memory = shared_memory();
  if (memory[Header.LOCK_HELD] === 1) memory[Header.WRITER_DIED] = 1;
  memory[Header.LOCK_HELD] = 1;
}

/** Takes a lock if it is free. Returns whether it did. Any phase. */
export function try_acquire(lock: number): boolean {
  if (held.get(lock) || !try_lock(shared_memory()[Header.LOCK_FD], lock)) return false;
  held.set(lock, true);
  if (lock === (Lock.WRITE as number)) note_writer();
  return true;
}

/**
 * Keeps this Lua VM from taking a lock that another Lua VM of the same process may hold: the kernel grants a
 * process a lock that it already has.
 */
export function renounce(lock: number): void {
  held.set(lock, true);
}

/** Returns the pid of the other process that holds a lock; 0: none. Any phase. */
export function holder_of(lock: number): number {
  return lock_holder(shared_memory()[Header.LOCK_FD], lock);
}

function still_locked(): Result<true> {
  const holder = holder_of(Lock.WRITE);
  const who = holder === 0 ? "another writer" : `process ${string.format("%d", holder)}`;
  return $multi(undefined, `could not lock the store: ${who} holds the lock`);
}

/** Waits for the write lock, for at most 10 s, without blocking the worker. Phases that can sleep. */
export function acquire(): Result<true> {
  const deadline = clock.now() + PATIENCE_SECONDS;
  while (!try_acquire(Lock.WRITE)) {
    shared_memory()[Header.LOCK_WANTED] = clock.now();
    if (clock.now() >= deadline) return still_locked();
    ngx.sleep(RETRY_SECONDS);
  }
  return $multi(true, undefined);
}

/**
 * Lets others take the write lock first, if some have just waited for it. For one that has released it and
 * wants it again: those who wait look only once in a millisecond. Phases that can sleep.
 */
export function give_way(): void {
  if (clock.now() - shared_memory()[Header.LOCK_WANTED] <= WANTED_SECONDS) ngx.sleep(2 * RETRY_SECONDS);
}

/** As `acquire`, but blocks the process, for at most 5 s. Phases that cannot sleep. */
export function acquire_now(): Result<true> {
  let waited = 0;
  while (!try_acquire(Lock.WRITE)) {
    if (waited >= MASTER_PATIENCE_MILLISECONDS) return still_locked();
    pause(1);
    waited += 1;
  }
  return $multi(true, undefined);
}

/** Returns whether this worker holds the write lock. Any phase. */
export function is_writing(): boolean {
  return held.get(Lock.WRITE);
}

/** Runs `action` and then releases a lock that is held, even if `action` raises. */
export function release_after(lock: number, action: (this: void) => void): void {
  const [returned, failure] = pcall(action);
  release(lock);
  if (!returned) error(failure, 0);
}

/** Runs `action` under the write lock. Returns true, or undefined and the cause. Phases that can sleep. */
export function with_write_lock(action: (this: void) => void): Result<true> {
  const [acquired, cause] = acquire();
  if (acquired !== undefined) {
    const end = clock.kernel_now() + REST_SECONDS;
    release_after(Lock.WRITE, () => {
      with_rests_while(() => clock.kernel_now() < end, action);
    });
  }
  return $multi(acquired, cause);
}

/** Releases a lock. */
export function release(lock: number): void {
  held.set(lock, false);
  if (lock === (Lock.WRITE as number)) shared_memory()[Header.LOCK_HELD] = 0;
  unlock(shared_memory()[Header.LOCK_FD], lock);
}
