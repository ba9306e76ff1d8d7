import type { Problem } from "../../config/problem";
import { check_by_hand } from "../../config/server";
import * as clock from "../../lib/clock";
import { parse_iso8601 } from "../../lib/iso8601";
import { rest } from "../../lib/rest";
import { Row, type RowNumber } from "../memory/cells";
import { rare_cells_of, use_rare_cells } from "../memory/rare_cells";
import { row_at, shared_memory, touch_health } from "../memory/region";
import { active_requests } from "../memory/rows";
import type { Difference } from "./difference";
import { find_by_id, type Document } from "./document";
import { with_drained } from "./drained";
import { copy, type Edited } from "./edit";
import { format_line, has_drain_job, parse_line, type ServerRecord } from "./line";
import { server_not_found } from "./problems";

/** Drain jobs: a server drains, and is removed when it is idle or its deadline has passed. */

/** The `leave_by` of a server that may drain without a deadline. */
export const WHEN_IDLE = "idle";

/** Returns the problem of a server without a drain job. */
export function no_job(id: number): Problem {
  return { status: 404, code: "DrainNotFound", text: `server with ID "${id}" has no drain job` };
}

function set_drain(current: Document, id: number, drain: boolean, leave_by: string): Edited {
  const index = find_by_id(current, id);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const record = parse_line(current.lines[index]);
  const foreign = check_by_hand(record);
  if (foreign !== undefined) return $multi(undefined, foreign);
  const document = copy(current);
  document.lines[index] = format_line({ ...record, drain, leave_by });
  return $multi(document, undefined);
}

/** Starts a drain job, or changes its deadline. `leave_by`: as in `ServerConfig`. */
export function start_drain(current: Document, id: number, leave_by: string): Edited {
  return set_drain(current, id, true, leave_by);
}

/** Cancels a drain job: the server stays and no longer drains. */
export function cancel_drain(current: Document, id: number): Edited {
  const index = find_by_id(current, id);
  if (index !== undefined && parse_line(current.lines[index]).leave_by === "")
    return $multi(undefined, no_job(id));
  return set_drain(current, id, false, "");
}

/** Returns all servers with a drain job. */
export function draining_servers(document: Document): ServerRecord[] {
  const records = document.lines.filter((line) => has_drain_job(line)).map((line) => parse_line(line));
  return records.filter(({ leave_by }) => leave_by !== "");
}

function set_leave_at(row: RowNumber, moment: clock.Moment): void {
  use_rare_cells(row_at(row));
  shared_memory()[row_at(row) + Row.LEAVE_AT] = moment;
  touch_health();
}

/** Converts a deadline, which is a time of day, to a moment of the monotonic clock, and records it. */
function read_deadline({ row, leave_by }: ServerRecord): clock.Moment {
  const time = parse_iso8601(leave_by);
  const moment = time === undefined ? math.huge : clock.moment_of(time);
  set_leave_at(row, moment);
  return moment;
}

/** Reads new or changed deadlines. Under the lock, before the change is published. */
export function note_deadlines({ added, removed }: Difference): void {
  const before = new LuaTable<number, string>();
  for (const { row, leave_by } of removed) before.set(row, leave_by);
  for (const record of added) {
    rest();
    const { row, leave_by } = record;
    const has_changed = leave_by !== (before.get(row) ?? "");
    if (has_changed && (leave_by === "" || leave_by === WHEN_IDLE)) set_leave_at(row, 0);
    else if (has_changed) read_deadline(record);
  }
}

function is_past_deadline(record: ServerRecord, now: clock.Moment): boolean {
  if (record.leave_by === WHEN_IDLE) return false;
  const leave_at = shared_memory()[rare_cells_of(row_at(record.row)) + Row.LEAVE_AT];
  return now >= (leave_at === 0 ? read_deadline(record) : leave_at);
}

/** Returns whether a server with a drain job may be removed now. */
export function may_leave(record: ServerRecord, now: clock.Moment): boolean {
  if (record.leave_by === "") return false;
  return is_past_deadline(record, now) || active_requests(record.row) === 0;
}

/** Removes the drained servers that may go, and records it. Returns the document and these servers. */
export function remove_drained(
  current: Document,
  now: clock.Moment,
): LuaMultiReturn<[Document, ServerRecord[]]> {
  const lines: string[] = [];
  const removed: ServerRecord[] = [];
  for (const line of current.lines) {
    const record = has_drain_job(line) ? parse_line(line) : undefined;
    if (record !== undefined && may_leave(record, now)) removed.push(record);
    else lines.push(line);
  }
  if (removed.length === 0) return $multi(current, removed);
  return $multi(
    { ...current, lines, drained: with_drained(current.drained, removed, clock.wall_time()) },
    removed,
  );
}
