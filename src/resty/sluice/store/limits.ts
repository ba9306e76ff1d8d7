import { seconds_of } from "../config/time";
import type { ServerRecord } from "./document/line";
import { Row } from "./memory/cells";
import { row_at, shared_memory } from "./memory/region";

/** The limits of servers by which all workers judge their failures, in shared memory. */

/**
 * Sets the limits of servers that are new or have changed. The caller holds the write lock, and has not
 * published the change. O(servers).
 */
export function note_limits(servers: readonly ServerRecord[]): void {
  const memory = shared_memory();
  for (const { row, max_fails, fail_timeout } of servers) {
    const at = row_at(row);
    memory[at + Row.MAX_FAILS] = max_fails;
    memory[at + Row.FAIL_TIMEOUT] = seconds_of(fail_timeout);
  }
}
