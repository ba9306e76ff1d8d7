import * as clock from "../../lib/clock";
import { Header } from "./cells";
import { lock_holder, open_memory_file, pause, try_lock, unlock } from "./posix";
import { shared_memory } from "./region";

/**
 * Locks between the workers. The kernel holds them, so a lock ends with its holder, however that dies. They are bytes
 * of a file in memory, so that no disk can delay them. A stopped process keeps its locks: whoever waits for one gives
 * up after some time. The kernel knows processes, not coroutines: `held` keeps those of this worker apart.
 */

export const enum Lock {
  /** Held by whoever changes anything. */
  WRITE,
  /** Held by whoever writes an image; may be held for long. */
  IMAGE,
  /** The same of the servers' health. */
  HEALTH,
  /** With a slot's number added: held by the worker that counts there, for as long as it lives. */
  SLOT = 16,
}

const RETRY_SECONDS = 0.001;
const PATIENCE_SECONDS = 10;
/** For the master, which cannot do anything else meanwhile. */
const MASTER_PATIENCE_MILLISECONDS = 5000;

type Acquired = LuaMultiReturn<[true | undefined, string | undefined]>;

const held = new LuaTable<number, boolean>();

/** Makes the locks. Phase: init_by_lua, once. Raises a text when it cannot. */
export function make_locks(): void {
  const [fd, cause] = open_memory_file();
  shared_memory()[Header.LOCK_FD] = fd ?? error(`could not make the locks: ${cause ?? ""}`, 0);
}

/** Takes a lock if nobody has it. Any phase. Returns whether it did. */
export function try_acquire(lock: number): boolean {
  if (held.get(lock) || !try_lock(shared_memory()[Header.LOCK_FD], lock)) return false;
  held.set(lock, true);
  return true;
}

/**
 * Never takes a lock from now on. Another Lua VM of this worker may hold it, and to the kernel both are one holder.
 */
export function renounce(lock: number): void {
  held.set(lock, true);
}

/** The pid of the other process that holds a lock; 0: none does. Any phase. */
export function holder_of(lock: number): number {
  return lock_holder(shared_memory()[Header.LOCK_FD], lock);
}

function still_locked(): Acquired {
  const holder = holder_of(Lock.WRITE);
  const who = holder === 0 ? "another writer" : `process ${string.format("%d", holder)}`;
  return $multi(undefined, `could not lock the store: ${who} holds the lock`);
}

/**
 * Waits for the lock of writers without stopping the worker. Phases that can sleep.
 *
 * @returns true, or undefined and the cause after 10 s
 */
export function acquire(): Acquired {
  const deadline = clock.now() + PATIENCE_SECONDS;
  while (!try_acquire(Lock.WRITE)) {
    if (clock.now() >= deadline) return still_locked();
    ngx.sleep(RETRY_SECONDS);
  }
  return $multi(true, undefined);
}

/** As `acquire`, but stops the process meanwhile, for 5 s at most. Phases that cannot sleep. */
export function acquire_now(): Acquired {
  let waited = 0;
  while (!try_acquire(Lock.WRITE)) {
    if (waited >= MASTER_PATIENCE_MILLISECONDS) return still_locked();
    pause(1);
    waited += 1;
  }
  return $multi(true, undefined);
}

/** Whether this worker holds the lock of writers. Any phase. */
export function is_writing(): boolean {
  return held.get(Lock.WRITE);
}

/** Gives a lock back. */
export function release(lock: number): void {
  held.set(lock, false);
  unlock(shared_memory()[Header.LOCK_FD], lock);
}
