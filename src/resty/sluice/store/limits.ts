import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import type { Document } from "./document/document";
import { numbers_in, parse_line, type ServerRecord } from "./document/line";
import { Row, UpstreamRow } from "./memory/cells";
import { fence } from "./memory/dict";
import { end_ejection, is_ejected } from "./memory/ejection";
import { row_at, shared_memory } from "./memory/region";
import { conclude } from "./memory/state";
import { subject_of } from "./memory/subject";

/**
 * The limits by which all workers judge servers, in shared memory. A writer sets them and concludes once what
 * follows from them, so that workers that follow the change only read.
 */

function set_limits({ row, outlier_detection }: Document, servers: readonly ServerRecord[]): void {
  const memory = shared_memory();
  memory[row_at(row) + UpstreamRow.EJECTS] = outlier_detection === undefined ? 0 : 1;
  for (const { row, max_fails, fail_timeout } of servers) {
    const at = row_at(row);
    memory[at + Row.MAX_FAILS] = max_fails;
    memory[at + Row.FAIL_TIMEOUT] = seconds_of(fail_timeout);
  }
  // Either the caller sees what a worker has noted, or that worker sees these limits.
  fence();
}

/** Concludes the states of servers that have failures or get no requests. */
function review(name: string, upstream: Document, servers: readonly ServerRecord[]): void {
  const memory = shared_memory();
  const now = clock.now();
  for (const server of servers) {
    const at = row_at(server.row);
    if (memory[at + Row.UNAVAILABLE_UNTIL] !== 0 || memory[at + Row.FAILS] !== 0)
      conclude(subject_of(name, upstream.row, server), now, "its limits have changed");
  }
}

/** Ends the ejections of an upstream without outlier detection. O(servers). */
function end_ejections(name: string, { row, lines }: Document): void {
  const memory = shared_memory();
  const now = clock.now();
  for (const line of lines) {
    const [, , server_row] = numbers_in(line);
    const at = row_at(server_row);
    if (memory[at + Row.EJECTED_UNTIL] !== 0 || memory[at + Row.UNAVAILABLE_UNTIL] !== 0) {
      const subject = subject_of(name, row, parse_line(line));
      if (is_ejected(at, now)) end_ejection(subject, now);
      // A writer that has died may have ended the ejection without a conclusion.
      else conclude(subject, now, "its ejection is over");
    }
  }
}

/**
 * Sets the limits of servers that are new or have changed, and concludes their states. If a change removes
 * outlier detection, ends the ejections of all servers. When it is called again for a change whose writer has
 * died, it concludes what that writer has not. The caller holds the write lock, and has not published the
 * change.
 *
 * @param servers those of `next` that `current` does not have, or has with other parameters
 */
export function note_limits(
  name: string,
  current: Document | undefined,
  next: Document,
  servers: readonly ServerRecord[],
): void {
  set_limits(next, servers);
  review(name, next, servers);
  const is_removed = current?.outlier_detection !== undefined && next.outlier_detection === undefined;
  if (is_removed) end_ejections(name, next);
}

/**
 * Sets the limits of all servers of an upstream, and concludes their states: after a start, because the saved
 * health may be older than the limits, or when a change is undone.
 */
export function restore_limits(name: string, document: Document, servers: readonly ServerRecord[]): void {
  set_limits(document, servers);
  review(name, document, servers);
  if (document.outlier_detection === undefined) end_ejections(name, document);
}
