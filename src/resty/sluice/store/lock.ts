import * as clock from "../lib/clock";
import { Header } from "./cells";
import { shared_memory } from "./region";
import { try_lock, unlock, wait_lock } from "./posix";

/**
 * Locks between the workers. The kernel holds them, so a lock ends with its holder, however that dies. It knows
 * processes, not coroutines: `held` keeps those of this worker apart.
 */

export const enum Lock {
  /** Held by whoever changes anything. */
  WRITE,
  /** Held by whoever writes an image; may be held for long. */
  IMAGE,
  /** The same of the servers' health. */
  HEALTH,
}

const RETRY_SECONDS = 0.001;
const PATIENCE_SECONDS = 10;

const held = new LuaTable<Lock, boolean>();

/** Takes a lock if nobody has it. Any phase. Returns whether it did. */
export function try_acquire(lock: Lock): boolean {
  if (held.get(lock) || !try_lock(shared_memory()[Header.LOCK_FD], lock)) return false;
  held.set(lock, true);
  return true;
}

/**
 * Waits for the lock of writers without stopping the worker. Phases that can sleep.
 *
 * @returns true, or undefined and the cause after 10 s
 */
export function acquire(): LuaMultiReturn<[true | undefined, string | undefined]> {
  const deadline = clock.now() + PATIENCE_SECONDS;
  while (!try_acquire(Lock.WRITE)) {
    if (clock.now() >= deadline)
      return $multi(undefined, "could not lock the store: another writer holds it");
    ngx.sleep(RETRY_SECONDS);
  }
  return $multi(true, undefined);
}

/** Waits for the lock of writers and stops the process meanwhile. Phases that cannot sleep. */
export function acquire_now(): void {
  wait_lock(shared_memory()[Header.LOCK_FD], Lock.WRITE);
  held.set(Lock.WRITE, true);
}

/** Whether this worker holds the lock of writers. Any phase. */
export function is_writing(): boolean {
  return held.get(Lock.WRITE);
}

/** Gives a lock back. */
export function release(lock: Lock): void {
  held.set(lock, false);
  unlock(shared_memory()[Header.LOCK_FD], lock);
}
