import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import { format_change, format_deletion } from "./disk/journal";
import * as disk from "./disk/writer";
import { difference } from "./document/difference";
import { format_document, has_drain_job, type Document, type Leaver } from "./document/document";
import { OUT_OF_MEMORY } from "./document/problems";
import { type RowNumber, UpstreamRow } from "./memory/cells";
import { delete_text, put_text, remember, stage_text, unstage_text } from "./memory/dict";
import { row_at, shared_memory } from "./memory/region";
import { active_requests, hold_row, start_row } from "./memory/rows";
import { is_seed, note_seed } from "./memory/seeds";
import { NO_CLUSTER_REVISION, replicator_of, type Reach } from "./replicate";
import {
  begin_write,
  begin_times,
  forget_write,
  free_rows,
  free_rows_of,
  publish_write,
  rows_of,
} from "./unfinished";

/** How a change that is decided on is made: find room, tell the other gateways, journal, dict, revision. */

let fsync = false;

/** Sets whether each write is forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  fsync = on;
}

function not_saved(cause: string | undefined): Problem {
  return { status: 500, code: "StateNotSaved", text: cause ?? "could not save the state" };
}

/** The rows that are in `rows` and not in `others`. */
function rows_without(rows: readonly Leaver[], others: readonly Leaver[]): Leaver[] {
  const known = new LuaSet<number>();
  for (const other of others) known.add(other.row);
  const rest: Leaver[] = [];
  for (const entry of rows) {
    if (!known.has(entry.row)) rest.push(entry);
  }
  return rest;
}

/** The problem when somebody else holds the lock. */
export function busy(cause: string | undefined): Problem {
  return { status: 503, code: "StoreBusy", text: cause ?? "could not lock the store" };
}

/** Journals a line, then runs `change`, which cannot fail, and raises the revisions. */
function commit(
  name: string,
  row: RowNumber,
  line: string,
  deletes: boolean,
  change: (this: void) => void,
): Problem | undefined {
  if (disk.is_open()) {
    const [cut, cause] = disk.cut_rest();
    if (cut === undefined) return not_saved(cause);
  }
  begin_write(name, row, line, deletes);
  if (disk.is_open()) {
    const [appended, cause] = disk.append(line, fsync);
    if (appended === undefined) {
      forget_write();
      return not_saved(cause);
    }
    disk.commit(line);
  }
  change();
  publish_write();
  return undefined;
}

/** Deletes an upstream. Under the lock. Returns the problem when it is refused. */
export function delete_upstream(
  name: string,
  current: Document,
  next_revision: number,
  reach: Reach,
): Problem | undefined {
  unstage_text();
  const replicate = replicator_of(name, current, undefined, reach);
  if (replicate !== undefined) {
    const [replicated, refused] = replicate(name, current, undefined, reach);
    if (replicated === undefined) return refused;
  }
  const line = format_deletion(name, next_revision, is_seed(name));
  const problem = commit(name, current.row, line, true, () => {
    delete_text(name);
    note_seed(name, true);
  });
  if (problem !== undefined) return problem;
  free_rows_of(current);
  return undefined;
}

/** Prepares the rows of servers that join: the first of an upstream have no slow start, there would be nobody else. */
function welcome(joining: readonly Leaver[], next: Document): void {
  const now = clock.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + UpstreamRow.WAS_CHECKED] = 1;
  for (const { row } of joining) {
    if (is_held) hold_row(row, now);
    if (joining.length < next.lines.length) start_row(row, now);
  }
}

/** Keeps a copy of the document's text, after the other gateways have it if they are to. Returns it, or undefined and the problem. */
function stage(
  name: string,
  current: Document | undefined,
  next: Document,
  reach: Reach,
): LuaMultiReturn<[string | undefined, Problem | undefined]> {
  const replicate = replicator_of(name, current, next, reach);
  if (replicate !== undefined) next.cluster_revision = NO_CLUSTER_REVISION;
  const text = stage_text(name, format_document(next));
  if (text === undefined) return $multi(undefined, OUT_OF_MEMORY);
  if (replicate === undefined) return $multi(text, undefined);
  // The copy keeps the room, so that nothing can refuse what the others have.
  const [cluster_revision, problem] = replicate(name, current, next, reach);
  if (cluster_revision === undefined) {
    unstage_text();
    return $multi(undefined, problem);
  }
  next.cluster_revision = cluster_revision;
  const final_text = stage_text(name, format_document(next));
  return $multi(final_text, final_text === undefined ? OUT_OF_MEMORY : undefined);
}

/** Puts a document in the place of another, or of none. Under the lock. Returns the problem when it is refused. */
export function put_upstream(
  name: string,
  current: Document | undefined,
  next: Document,
  next_revision: number,
  reach: Reach,
): Problem | undefined {
  const before = current?.lines ?? [];
  const changed = difference(before, next.lines);
  const rows_added = rows_of(changed.added);
  const rows_removed = rows_of(changed.removed);
  const leaving = rows_without(rows_removed, rows_added);
  const joining = rows_without(rows_added, rows_removed);
  const gone: Leaver[] = [];
  next.leavers = leaving;
  for (const leaver of current?.leavers ?? []) {
    const still_busy = active_requests(leaver.row) > 0;
    (still_busy ? next.leavers : gone).push(leaver);
  }
  next.revision = next_revision;

  const [text, refused] = stage(name, current, next, reach);
  if (text === undefined) {
    free_rows(joining);
    return refused;
  }
  welcome(joining, next);
  const has_job = has_drain_job(table.concat(changed.added));
  const problem = commit(name, next.row, format_change(name, next, changed), false, () => {
    begin_times(current, next, changed);
    put_text(name, text);
    note_seed(name, false);
    if (has_job) remember("drain", next_revision);
  });
  unstage_text();
  free_rows(problem === undefined ? gone : joining);
  return problem;
}
