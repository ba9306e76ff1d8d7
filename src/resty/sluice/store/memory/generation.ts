import * as clock from "../../lib/clock";
import { Header } from "./cells";
import { shared_memory } from "./region";

/** Whose turn the background work is: after a reload, that of the new workers, though the old ones still run. */

/** Tells the workers of one configuration from those of the next: it is loaded in the master, before the fork. */
const LOADED = clock.now();

/**
 * Has this worker do background work, and workers of earlier configurations no more. Phase: init_worker_by_lua, of
 * modules that were loaded in init_by_lua.
 *
 * @returns false: this process does none. The cache manager and the privileged agent run init_worker too, and have no
 * worker id
 */
export function take_turn(): boolean {
  if (ngx.worker.id() === undefined) return false;
  shared_memory()[Header.WORKERS_LOADED] = LOADED;
  return true;
}

/** Whether this worker is to do no more background work: it ends, or workers of another configuration have come. */
export function is_over(): boolean {
  return ngx.worker.exiting() || shared_memory()[Header.WORKERS_LOADED] > LOADED;
}
