import { UpstreamCounter } from "../store/memory/cells";
import { acquire, Lock, release } from "../store/memory/lock";
import { counters_of, shared_memory, stamp_of } from "../store/memory/region";
import { reset_cells } from "../store/memory/statistics";

/** What requests to a whole upstream did, over all workers. */
export interface UpstreamStatus {
  /** Had no value for the key of `hash`. */
  without_key: number;
  /** Wait in the queue now. */
  waiting: number;
  /** Found the queue full. */
  overflows: number;
}

/** Sums up the counters of the upstream at a row. Any phase. */
export function upstream_status(row: number): UpstreamStatus {
  const memory = shared_memory();
  const status = { without_key: 0, waiting: 0, overflows: 0 };
  for (const at of counters_of(row, stamp_of(row))) {
    status.without_key += memory[at + UpstreamCounter.WITHOUT_KEY];
    status.waiting += memory[at + UpstreamCounter.WAITING];
    status.overflows += memory[at + UpstreamCounter.OVERFLOWS];
  }
  return status;
}

/**
 * Sets an upstream's counters, but not its requests that wait, to 0. Phases that can sleep.
 *
 * @returns true, or undefined and the cause
 */
export function reset_upstream_status(row: number): LuaMultiReturn<[true | undefined, string | undefined]> {
  const [locked, cause] = acquire();
  if (locked === undefined) return $multi(undefined, cause);
  const memory = shared_memory();
  const { without_key, overflows } = upstream_status(row);
  const at = reset_cells(row, stamp_of(row));
  memory[at + UpstreamCounter.WITHOUT_KEY] = memory[at + UpstreamCounter.WITHOUT_KEY] - without_key;
  memory[at + UpstreamCounter.OVERFLOWS] = memory[at + UpstreamCounter.OVERFLOWS] - overflows;
  release(Lock.WRITE);
  return $multi(true, undefined);
}
