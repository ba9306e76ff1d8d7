import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import { Header, Row } from "./cells";
import { note_change } from "./changes";
import { delete_text, put_staged_text, put_text, remember, stage_text, unstage_text } from "./dict";
import { difference } from "./difference";
import * as disk from "./disk";
import { note_deadlines } from "./drain";
import { format_document, has_drain_job, parse_line, type Document, type Leaver } from "./document";
import { save_image } from "./image";
import { format_change, format_deletion } from "./journal";
import { Lock, release, try_acquire } from "./lock";
import { OUT_OF_MEMORY } from "./problems";
import { revision } from "./read";
import { row_at, shared_memory } from "./region";
import { NO_CLUSTER_REVISION, replicator_of, type Reach } from "./replicate";
import { active_requests, free_row, hold_row, start_row } from "./rows";
import { note_scaling } from "./scaling";

/** How a change that is decided on is made: find room, tell the other gateways, journal, dict, revision. */

let fsync = false;

/** Sets whether each write is forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  fsync = on;
}

function not_saved(cause: string | undefined): Problem {
  return { status: 500, code: "StateNotSaved", text: cause ?? "could not save the state" };
}

/** The rows that lines name. */
function rows_of(lines: readonly string[]): Leaver[] {
  const rows: Leaver[] = [];
  for (const line of lines) {
    const { row, incarnation } = parse_line(line);
    rows.push({ row, incarnation });
  }
  return rows;
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

function free_rows(rows: readonly Leaver[]): void {
  for (const { row } of rows) free_row(row);
}

/** The problem when somebody else holds the lock. */
export function busy(cause: string | undefined): Problem {
  return { status: 503, code: "StoreBusy", text: cause ?? "could not lock the store" };
}

function go_on(this: void): void {
  // A writer must not yield.
}

/**
 * Mends what a writer left that died in the middle: its text is put, whole, and what the dict then holds becomes the
 * next revision and the next image.
 */
export function repair(): Problem | undefined {
  const memory = shared_memory();
  const row = memory[Header.WRITING];
  if (row === 0) return undefined;
  const next_revision = revision() + 1;
  put_staged_text();
  remember("drain", next_revision);
  if (disk.is_open()) {
    if (!try_acquire(Lock.IMAGE)) return busy("an image is being written");
    const [done, cause] = save_image(next_revision, go_on);
    release(Lock.IMAGE);
    if (done === undefined) return not_saved(cause);
  }
  note_change(next_revision, undefined);
  memory[row_at(row) + Row.REVISION] = next_revision;
  memory[Header.REVISION] = next_revision;
  memory[Header.WRITING] = 0;
  unstage_text();
  return undefined;
}

/** Journals a line, then runs `change`, which cannot fail, and raises the revisions. */
function commit(name: string, row: number, line: string, change: (this: void) => void): Problem | undefined {
  const memory = shared_memory();
  memory[Header.WRITING] = row;
  if (disk.is_open()) {
    const [appended, cause] = disk.append(line, fsync);
    if (appended === undefined) {
      memory[Header.WRITING] = 0;
      return not_saved(cause);
    }
    disk.commit(line);
  }
  change();
  note_change(memory[Header.REVISION] + 1, name);
  memory[Header.REVISION] = memory[Header.REVISION] + 1;
  memory[row_at(row) + Row.REVISION] = memory[Header.REVISION];
  memory[Header.WRITING] = 0;
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
  const replicate = replicator_of(current, undefined, reach);
  if (replicate !== undefined) {
    const [replicated, refused] = replicate(name, current, undefined);
    if (replicated === undefined) return refused;
  }
  const problem = commit(name, current.row, format_deletion(name, next_revision), () => {
    delete_text(name);
  });
  if (problem !== undefined) return problem;
  free_rows(rows_of(current.lines));
  free_rows(current.leavers);
  free_row(current.row);
  return undefined;
}

/** Prepares the rows of servers that join: the first of an upstream have no slow start, there would be nobody else. */
function welcome(joining: readonly Leaver[], next: Document): void {
  const now = clock.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + Row.CHECK] = 1;
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
  const replicate = replicator_of(current, next, reach);
  if (replicate !== undefined) next.cluster_revision = NO_CLUSTER_REVISION;
  const text = stage_text(name, format_document(next));
  if (text === undefined) return $multi(undefined, OUT_OF_MEMORY);
  if (replicate === undefined) return $multi(text, undefined);
  // The copy keeps the room, so that nothing can refuse what the others have.
  const [cluster_revision, problem] = replicate(name, current, next);
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
  const problem = commit(name, next.row, format_change(name, next, changed), () => {
    note_deadlines(changed.removed, changed.added);
    note_scaling(current, next);
    put_text(name, text);
    if (has_job) remember("drain", next_revision);
  });
  unstage_text();
  free_rows(problem === undefined ? gone : joining);
  return problem;
}
