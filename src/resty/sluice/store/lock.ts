import { Header, shared_memory } from "./region";
import { try_lock, unlock, wait_lock } from "./posix";

/**
 * One writer at a time over all workers. The kernel holds the lock, so it ends with its holder, however that dies.
 * It knows processes, not coroutines: `held` keeps those of this worker apart.
 */

const RETRY_SECONDS = 0.001;
const PATIENCE_SECONDS = 10;

let held = false;

/**
 * Waits for the lock without stopping the worker. Phases that can sleep.
 *
 * @returns true, or undefined and the cause after 10 s
 */
export function acquire(): LuaMultiReturn<[true | undefined, string | undefined]> {
  const fd = shared_memory()[Header.LOCK_FD];
  const deadline = ngx.now() + PATIENCE_SECONDS;
  while (held || !try_lock(fd)) {
    if (ngx.now() >= deadline) return $multi(undefined, "could not lock the store: another writer holds it");
    ngx.sleep(RETRY_SECONDS);
  }
  held = true;
  return $multi(true, undefined);
}

/** Waits for the lock and stops the process meanwhile. Phase: init_by_lua, which cannot sleep. */
export function acquire_now(): void {
  wait_lock(shared_memory()[Header.LOCK_FD]);
  held = true;
}

/** Gives the lock back. */
export function release(): void {
  held = false;
  unlock(shared_memory()[Header.LOCK_FD]);
}
