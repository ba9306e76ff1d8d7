import type { OutlierConfig } from "../config/outlier";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { rest } from "../lib/rest";
import type { Document } from "./document/document";
import { numbers_in, parse_line, type ServerRecord } from "./document/line";
import { type Cell, Row, UpstreamRow } from "./memory/cells";
import { fence } from "./memory/dict";
import { end_ejection, is_ejected } from "./memory/ejection";
import { clear_outlier } from "./memory/outlier";
import { has_rare_cells } from "./memory/rare_cells";
import { row_at, shared_memory } from "./memory/region";
import { conclude } from "./memory/state";
import { Anomaly, OutlierMode } from "./memory/states";
import { subject_of } from "./memory/subject";

/**
 * The limits by which all workers judge servers, in shared memory. A writer sets them and concludes once what
 * follows from them, so that workers that follow the change only read.
 */

/** Tells whether servers are ejected. */
function ejects(config: OutlierConfig | undefined): boolean {
  return config !== undefined && config.mode !== "detect";
}

function outlier_mode(config: OutlierConfig | undefined): OutlierMode {
  if (config?.mode === "degrade") return OutlierMode.DEGRADE;
  return config?.mode === "detect" ? OutlierMode.DETECT : OutlierMode.NONE;
}

/** A server with its limits. */
type LimitedServer = Pick<
  ServerRecord,
  "server" | "id" | "incarnation" | "row" | "max_fails" | "fail_timeout"
>;

function set_limits({ row, outlier_detection }: Document, servers: readonly LimitedServer[]): void {
  const memory = shared_memory();
  memory[row_at(row) + UpstreamRow.EJECTS] = ejects(outlier_detection) ? 1 : 0;
  memory[row_at(row) + UpstreamRow.OUTLIER_MODE] = outlier_mode(outlier_detection);
  let text = "";
  let seconds = 0;
  for (const { row, max_fails, fail_timeout } of servers) {
    rest();
    const at = row_at(row);
    memory[at + Row.MAX_FAILS] = max_fails;
    // Most servers have the same time as the one before.
    if (fail_timeout !== text) {
      text = fail_timeout;
      seconds = seconds_of(text);
    }
    memory[at + Row.FAIL_TIMEOUT] = seconds;
  }
  // Either the caller sees what a worker has noted, or that worker sees these limits.
  fence();
}

/** Concludes the states of servers that have failures or get no requests. */
function review(name: string, upstream: Document, servers: readonly LimitedServer[]): void {
  const memory = shared_memory();
  const now = clock.now();
  for (const server of servers) {
    rest();
    const at = row_at(server.row);
    if (memory[at + Row.UNAVAILABLE_UNTIL] !== 0 || memory[at + Row.FAILS] !== 0)
      conclude(subject_of(name, upstream.row, server), now, "its limits have changed");
  }
}

/** Ends the ejections of an upstream that ejects no servers. O(servers). */
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

/** Tells whether outlier detection has noted something of the server at a row. */
function has_noted(at: Cell): boolean {
  if (!has_rare_cells(at)) return false;
  const memory = shared_memory();
  const anomaly: Anomaly = memory[at + Row.ANOMALY];
  return anomaly !== Anomaly.NONE || memory[at + Row.REPORTED_UNTIL] !== 0;
}

/** Gives servers their weights back, which another mode of outlier detection has taken. O(servers). */
function clear_outliers(name: string, { row, lines }: Document): void {
  for (const line of lines) {
    const [, , server_row] = numbers_in(line);
    const at = row_at(server_row);
    if (has_noted(at)) clear_outlier(subject_of(name, row, parse_line(line)));
  }
}

/**
 * Sets the limits of servers that are new or have changed, and concludes their states. If a change removes
 * outlier detection or changes its mode, ends what it has done to servers. When it is called again for a
 * change whose writer has died, it concludes what that writer has not. The caller holds the write lock, and
 * has not published the change.
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
  if (ejects(current?.outlier_detection) && !ejects(next.outlier_detection)) end_ejections(name, next);
  if (outlier_mode(current?.outlier_detection) !== outlier_mode(next.outlier_detection))
    clear_outliers(name, next);
}

/** Tells whether a server has a state that limits may end. Nearly all servers of a start have none. */
function has_state(row: Cell): boolean {
  const memory = shared_memory();
  return (
    memory[row + Row.UNAVAILABLE_UNTIL] !== 0 ||
    memory[row + Row.FAILS] !== 0 ||
    memory[row + Row.EJECTED_UNTIL] !== 0 ||
    has_noted(row)
  );
}

/**
 * Sets the limits of all servers of an upstream, and concludes their states: after a start, because the saved
 * health may be older than the limits, or when a change is undone.
 */
export function restore_limits(name: string, document: Document, servers: readonly LimitedServer[]): void {
  set_limits(document, servers);
  if (!servers.some(({ row }) => has_state(row_at(row)))) return;
  review(name, document, servers);
  if (!ejects(document.outlier_detection)) end_ejections(name, document);
  if (outlier_mode(document.outlier_detection) === OutlierMode.NONE) clear_outliers(name, document);
}
