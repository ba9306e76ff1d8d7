import { may_serve } from "../../config/server";
import type { Moment } from "../../lib/clock";
import type { RowNumber } from "../memory/cells";
import { start_row } from "../memory/rows";
import { parse_line } from "./document";

/** Servers that come back into service after `drain`, `down` or standby: they are as cold as new ones. */

/** True: a line may have `slow_start`, without which a server's weight does not rise. */
function may_have_slow_start(line: string): boolean {
  return string.find(line, '"slow_start":', 1, true)[0] !== undefined;
}

/** The rows of the servers in `lines` that may not have requests. */
function rows_out_of_service(lines: readonly string[]): LuaSet<number> {
  const rows = new LuaSet<number>();
  for (const line of lines) {
    const record = parse_line(line);
    if (!may_serve(record)) rows.add(record.row);
  }
  return rows;
}

/**
 * Starts `slow_start` for the servers that come back into service, unless that is all the upstream has:
 * then there is nobody else to take the requests meanwhile. Under the lock, before the change is published.
 *
 * @param removed the servers' lines before the change, as far as it replaces them
 * @param added the lines that it brings
 * @param size how many servers there are after it
 */
export function start_returning(
  removed: readonly string[],
  added: readonly string[],
  size: number,
  now: Moment,
): void {
  const candidates: string[] = [];
  for (const line of added) {
    if (may_have_slow_start(line)) candidates.push(line);
  }
  if (candidates.length === 0) return;
  const out_of_service = rows_out_of_service(removed);
  const returning: RowNumber[] = [];
  for (const line of candidates) {
    const record = parse_line(line);
    if (out_of_service.has(record.row) && may_serve(record)) returning.push(record.row);
  }
  if (returning.length >= size) return;
  for (const row of returning) start_row(row, now);
}
