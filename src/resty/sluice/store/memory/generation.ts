import * as clock from "../../lib/clock";
import { Header } from "./header_cells";
import { shared_memory } from "./region";

/** The workers that do the background work: after a reload the new ones, although old ones still run. */

/** Identifies the configuration of this worker: it is loaded in the master, before the fork. */
const LOADED = clock.now();

/**
 * Assigns the background work to the workers of this configuration. Phase: init_worker_by_lua. Returns false
 * in a process without a worker id, such as the cache manager, which does none.
 */
export function take_over_background_work(): boolean {
  if (ngx.worker.id() === undefined) return false;
  shared_memory()[Header.WORKERS_LOADED] = LOADED;
  return true;
}

/** Returns whether this worker must end its background work: it exits, or newer workers have started. */
export function is_over(): boolean {
  return ngx.worker.exiting() || shared_memory()[Header.WORKERS_LOADED] > LOADED;
}
