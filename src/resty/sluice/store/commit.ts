import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import { change_text, deletion_text, format_changes } from "./disk/journal";
import * as disk from "./disk/writer";
import { count_difference, type Difference } from "./document/difference";
import { format_document, type Document, type Leaver } from "./document/document";
import { numbers_in } from "./document/line";
import { OUT_OF_MEMORY } from "./document/problems";
import type { Author } from "./history/author";
import { format_entry } from "./history/entry";
import * as history from "./history/files";
import { UpstreamRow } from "./memory/cells";
import { keep_departed } from "./memory/departed";
import { delete_text, remember } from "./memory/dict";
import { row_at, shared_memory } from "./memory/region";
import { active_requests, free_row, hold_row, start_row } from "./memory/rows";
import { is_seed, note_seed } from "./memory/seeds";
import { put_staged, stage_text, unstage } from "./memory/staging";
import { ChangeKind, type UpstreamChange } from "./memory/upstream_change";
import { forget_old_places, renew_old_places } from "./old_places";
import { is_shared, NO_CLUSTER_REVISION, share, type Reach } from "./replicate";
import { begin_write, forget_write, free_rows, free_rows_of, publish_write, update_rows } from "./unfinished";

/**
 * The second half of a write; `write.ts` has the first half, lock and edit.
 *
 * 1. stage: reserve memory for the new texts, and send the changes to the other gateways of a cluster.
 * 2. journal: append the changes to the history, and to the journal, as one line.
 * 3. publish: replace the texts in the shared dict and raise the revisions, so that all workers see the
 *    changes.
 *
 * The first two steps can fail, and then nothing has changed. Publishing cannot fail. While changes are
 * journalled and published, the shared memory describes them (`unfinished.ts`): another worker finishes them
 * if the writer dies.
 */

/** A change of an upstream. */
export interface Change {
  name: string;
  /** Undefined: the upstream is created. */
  current: Document | undefined;
  /** Undefined: the upstream is deleted. */
  next: Document | undefined;
  /** The servers that differ. */
  changed: Difference;
}

/** How changes are made. */
export interface Making {
  /** The revision that they make. */
  revision: number;
  reach: Reach;
  author: Author;
  /** Called between upstreams. */
  pause: (this: void) => void;
}

/** A change with what follows from it. */
interface Prepared extends Change {
  /** The servers that get a row, and the servers whose rows become free. */
  joining: readonly Leaver[];
  gone: readonly Leaver[];
  note: UpstreamChange;
  /** The text to publish; "": none. */
  text: string;
}

let fsync = false;

/** Sets whether each write is forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  fsync = on;
}

function not_saved(cause: string | undefined): Problem {
  return { status: 500, code: "StateNotSaved", text: cause ?? "could not save the state" };
}

/** Returns the entries of `rows` that `others` does not have. */
function rows_without(rows: readonly Leaver[], others: readonly Leaver[]): Leaver[] {
  const known = new LuaSet<number>();
  for (const other of others) known.add(other.row);
  const rest: Leaver[] = [];
  for (const { row, incarnation } of rows) {
    if (!known.has(row)) rest.push({ row, incarnation });
  }
  return rest;
}

function kind_of({ current, next }: Change): ChangeKind {
  if (next === undefined) return ChangeKind.DELETED;
  return current === undefined ? ChangeKind.CREATED : ChangeKind.CHANGED;
}

/** Determines what follows from a change. Sets the revision and the leavers of its new document. */
function prepare(change: Change, { revision }: Making): Prepared {
  const { name, current, next, changed } = change;
  const joining = rows_without(changed.added, changed.removed);
  const gone: Leaver[] = [];
  if (next !== undefined) {
    const leavers = rows_without(changed.removed, changed.added);
    for (const leaver of current?.leavers ?? []) {
      const is_idle = active_requests(leaver.row) === 0;
      (is_idle ? gone : leavers).push(leaver);
    }
    next.leavers = leavers;
    next.revision = revision;
  }
  const row = ((next ?? current) as Document).row;
  const note = { name, row, kind: kind_of(change), counts: count_difference(changed) };
  return { ...change, joining, gone, note, text: "" };
}

/** Prepares new rows. The first servers of an upstream start without `slow_start`: no other could serve. */
function prepare_rows({ joining }: Prepared, next: Document): void {
  const now = clock.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + UpstreamRow.WAS_CHECKED] = 1;
  for (const { row } of joining) {
    if (is_held) hold_row(row, now);
    if (joining.length < next.lines.length) start_row(row, now);
  }
}

/** Stages the new texts of changes. A single text may be padded: a change of several needs all copies. */
function stage_texts(changes: readonly Prepared[], pause: (this: void) => void): Problem | undefined {
  for (const [position, change] of ipairs(changes)) {
    const { name, next } = change;
    if (next !== undefined) {
      const text = stage_text(position - 1, name, format_document(next), changes.length === 1);
      if (text === undefined) return OUT_OF_MEMORY;
      change.text = text;
      pause();
    }
  }
  return undefined;
}

/**
 * Stages the new texts, and sends the changes to the other gateways. Memory is reserved before, because the
 * other gateways keep the changes even if this gateway has no room for them.
 */
function stage(changes: readonly Prepared[], { reach, pause }: Making): Problem | undefined {
  // A write that raised may have left staged texts.
  unstage();
  const shared = changes.filter((change) => is_shared(change, reach));
  for (const { next } of shared) {
    if (next !== undefined) next.cluster_revision = NO_CLUSTER_REVISION;
  }
  const full = stage_texts(changes, pause);
  if (full !== undefined || shared.length === 0) return full;
  const [cluster_revision, refused] = share(shared, reach);
  if (cluster_revision === undefined) return refused;
  for (const { next } of shared) {
    if (next !== undefined) next.cluster_revision = cluster_revision;
  }
  return stage_texts(changes, pause);
}

/** Returns the changes as JSON, as the journal holds them. */
function texts_of(changes: readonly Prepared[], { revision, pause }: Making): string[] {
  const texts: string[] = [];
  for (const { name, next, changed } of changes) {
    texts.push(
      next === undefined ? deletion_text(name, revision, is_seed(name)) : change_text(name, next, changed),
    );
    pause();
  }
  return texts;
}

/** Returns what is to be appended to the history; "": nothing. */
function entry_of(changes: readonly Prepared[], texts: readonly string[], making: Making): string {
  if (!history.keeps_history()) {
    history.note_entry("", false);
    return "";
  }
  history.prepare_append(making.revision);
  const [entry, is_change] = format_entry(changes, texts, making);
  history.note_entry(entry, is_change);
  return entry;
}

/** Appends changes to the history and then to the journal. Returns the cause when it fails. */
function append(entry: string, line: string): string | undefined {
  if (!disk.is_open()) return undefined;
  if (entry !== "") {
    const [recorded, unrecorded] = history.append_entry(entry, fsync);
    if (recorded === undefined) return unrecorded;
  }
  const [appended, cause] = disk.append(line, fsync);
  return appended === undefined ? cause : undefined;
}

function replace_text(number: number, change: Prepared, { revision }: Making): void {
  const { name, current, next, changed, gone, text } = change;
  if (next === undefined) {
    delete_text(name);
    note_seed(name, true);
    if (current !== undefined) forget_old_places(name, current);
    return;
  }
  update_rows(name, current, next, changed);
  keep_departed(next.row, gone);
  put_staged(number, name, text);
  note_seed(name, false);
  const has_drain_job = changed.added.some(({ leave_by }) => leave_by !== "");
  if (has_drain_job) remember("drain", revision);
}

/** Journals and publishes staged changes. Returns the problem when journalling fails. */
function journal_and_publish(changes: readonly Prepared[], making: Making): Problem | undefined {
  const texts = texts_of(changes, making);
  const entry = entry_of(changes, texts, making);
  const line = format_changes(making.revision, texts, making.pause);
  if (disk.is_open()) {
    const [trimmed, cause] = disk.trim_journal();
    if (trimmed === undefined) return not_saved(cause);
  }
  const notes = changes.map(({ note }) => note);
  if (!begin_write(notes, line)) return OUT_OF_MEMORY;
  const unsaved = append(entry, line);
  if (unsaved !== undefined) {
    forget_write();
    return not_saved(unsaved);
  }
  for (const [position, change] of ipairs(changes)) {
    replace_text(position - 1, change, making);
    making.pause();
  }
  publish_write(notes);
  return undefined;
}

/** Frees the rows that the edits of changes have allocated. The caller holds the write lock. */
export function free_new_rows(changes: readonly Pick<Change, "current" | "next">[]): void {
  for (const { current, next } of changes) {
    const known = new LuaSet<number>();
    for (const line of current?.lines ?? []) known.add(numbers_in(line)[2]);
    for (const line of next?.lines ?? []) {
      const [, , row] = numbers_in(line);
      if (!known.has(row)) free_row(row);
    }
    if (current === undefined && next !== undefined) free_row(next.row);
  }
}

function prepare_all(changes: readonly Change[], making: Making): Prepared[] {
  const prepared: Prepared[] = [];
  for (const change of changes) {
    prepared.push(prepare(change, making));
    making.pause();
  }
  return prepared;
}

/**
 * Returns the problem for which `commit` would refuse changes, except those of the disk and of etcd. Nothing
 * changes. The rows that the edits have allocated are free again. The caller holds the write lock.
 */
export function try_out(changes: readonly Change[], making: Making): Problem | undefined {
  unstage();
  const problem = stage_texts(prepare_all(changes, making), making.pause);
  unstage();
  free_new_rows(changes);
  return problem;
}

/**
 * Makes changes, all of them or none. The caller holds the write lock. If it fails, it returns the problem,
 * and the rows that the edits have allocated are free again.
 */
export function commit(changes: readonly Change[], making: Making): Problem | undefined {
  const prepared = prepare_all(changes, making);
  let problem = stage(prepared, making);
  if (problem === undefined) {
    for (const change of prepared) {
      if (change.next !== undefined) prepare_rows(change, change.next);
    }
    problem = journal_and_publish(prepared, making);
  }
  unstage();
  if (problem !== undefined) {
    free_new_rows(changes);
    return problem;
  }
  for (const { name, current, next, gone } of prepared) {
    if (next !== undefined) renew_old_places(name, next);
    free_rows(gone);
    if (next === undefined && current !== undefined) free_rows_of(current);
  }
  return undefined;
}
