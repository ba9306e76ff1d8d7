import type { Problem } from "../config/problem";
import { settings_of } from "../config/settings";
import { encode } from "../lib/json";
import { note_change } from "./changes";
import { delete_text, put_staged_text, put_text, remember, stage_text, unstage_text } from "./dict";
import { difference } from "./difference";
import * as disk from "./disk";
import { format_document, has_drain_job, parse_line, type Document, type Leaver } from "./document";
import { save_image } from "./image";
import { format_change, format_deletion } from "./journal";
import { acquire, Lock, release, try_acquire } from "./lock";
import { read, revision } from "./read";
import { Header, Row } from "./cells";
import { row_at, shared_memory } from "./region";
import { active_requests, free_row, hold_row, start_row } from "./rows";

/**
 * The truth: the upstreams in the shared dict, the revision that every change raises by one, and the journal. A
 * write is: lock, edit, find room, journal, dict, revision. Each step can refuse, and then nothing has changed.
 */

/**
 * Makes the new document of an upstream; it must not yield. What it allocates for new servers must carry `revision`
 * as their incarnation.
 *
 * @param current undefined: there is no such upstream
 * @returns the document to store; undefined and no problem: delete the upstream; or the problem
 */
export type Edit = (
  this: void,
  current: Document | undefined,
  revision: number,
) => LuaMultiReturn<[Document | undefined, Problem | undefined]>;

let fsync = false;

/** Sets whether each write is forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  fsync = on;
}

export const OUT_OF_MEMORY: Problem = {
  status: 500,
  code: "UpstreamOutOfMemory",
  text: "upstream memory exhausted: lua_shared_dict is full",
};

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

function busy(cause: string | undefined): Problem {
  return { status: 503, code: "StoreBusy", text: cause ?? "could not lock the store" };
}

function go_on(this: void): void {
  // A writer must not yield.
}

/**
 * Mends what a writer left that died in the middle: its text is put, whole, and what the dict then holds becomes the
 * next revision and the next image.
 */
function repair(): Problem | undefined {
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

function delete_upstream(name: string, current: Document, next_revision: number): Problem | undefined {
  unstage_text();
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
  const now = ngx.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + Row.CHECK] = 1;
  for (const { row } of joining) {
    if (is_held) hold_row(row, now);
    if (joining.length < next.lines.length) start_row(row, now);
  }
}

function put_upstream(
  name: string,
  current: Document | undefined,
  next: Document,
  next_revision: number,
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

  const text = stage_text(name, format_document(next));
  if (text === undefined) {
    free_rows(joining);
    return OUT_OF_MEMORY;
  }
  welcome(joining, next);
  const has_job = has_drain_job(table.concat(changed.added));
  const problem = commit(name, next.row, format_change(name, next, changed), () => {
    put_text(name, text);
    if (has_job) remember("drain", next_revision);
  });
  unstage_text();
  free_rows(problem === undefined ? gone : joining);
  return problem;
}

function is_same(current: Document, next: Document): boolean {
  if (encode(settings_of(current)) !== encode(settings_of(next))) return false;
  if (current.session_secret !== next.session_secret) return false;
  if (current.lines.length !== next.lines.length) return false;
  const changed = difference(current.lines, next.lines);
  return changed.added.length === 0;
}

/** As `write`, for a caller that holds the lock. Raises what `edit` raises. */
export function write_under_lock(
  name: string,
  edit: Edit,
): LuaMultiReturn<[Document | undefined, Problem | undefined]> {
  const broken = repair();
  if (broken !== undefined) return $multi(undefined, broken);
  const current = read(name);
  const next_revision = revision() + 1;
  const [next, problem] = edit(current, next_revision);
  if (problem !== undefined) return $multi(undefined, problem);
  if (next === undefined) {
    return $multi(
      undefined,
      current === undefined ? undefined : delete_upstream(name, current, next_revision),
    );
  }
  if (current !== undefined && is_same(current, next)) return $multi(current, undefined);
  const refused = put_upstream(name, current, next, next_revision);
  if (refused !== undefined && current === undefined) free_row(next.row);
  return $multi(refused === undefined ? next : undefined, refused);
}

/**
 * Changes an upstream. When it returns no problem, the change is saved and every request that comes to a balancer
 * from now on, on any worker, sees it. An edit that changes nothing is no write. Phases that can sleep.
 *
 * @returns the stored document (undefined when deleted), and the problem if there was one
 */
export function write(name: string, edit: Edit): LuaMultiReturn<[Document | undefined, Problem | undefined]> {
  const [locked, cause] = acquire();
  if (locked === undefined) return $multi(undefined, busy(cause));
  let document: Document | undefined;
  let problem: Problem | undefined;
  const [returned, failure] = pcall(() => {
    [document, problem] = write_under_lock(name, edit);
  });
  release(Lock.WRITE);
  if (!returned) error(failure, 0);
  return $multi(document, problem);
}
