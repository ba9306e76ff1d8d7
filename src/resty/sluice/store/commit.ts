import type { Problem } from "../config/problem";
import { no_pause } from "../lib/pause";
import { rest } from "../lib/rest";
import { change_text, deletion_text, format_changes } from "./disk/journal";
import * as disk from "./disk/writer";
import { format_document } from "./document/document";
import { numbers_in } from "./document/line";
import { OUT_OF_MEMORY } from "./document/problems";
import { format_entry } from "./history/entry";
import * as history from "./history/files";
import { keep_departed } from "./memory/departed";
import { delete_text, remember } from "./memory/dict";
import { free_row } from "./memory/rows";
import { is_seed, note_seed } from "./memory/seeds";
import { put_staged, stage_text, unstage } from "./memory/staging";
import { forget_old_places, renew_old_places } from "./old_places";
import { prepare_all, prepare_rows, type Change, type Making, type Prepared } from "./prepare";
import { is_shared, NO_CLUSTER_REVISION, share } from "./replicate";
import { begin_write, forget_write, free_rows, free_rows_of, publish_write, update_rows } from "./unfinished";

/**
 * The second half of a write; `write.ts` has the first half, lock and edit, and `prepare.ts` what follows
 * from the changes.
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

/** The problem of changes that could not be saved. */
export function not_saved(cause: string | undefined): Problem {
  return { status: 500, code: "StateNotSaved", text: cause ?? "could not save the state" };
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
    if (next !== undefined) {
      next.cluster_revision = NO_CLUSTER_REVISION;
      if (reach === "all") next.cluster_origin = undefined;
    }
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
    history.note_entry("", 0);
    return "";
  }
  history.prepare_append(making.revision);
  const [entry, is_change] = format_entry(changes, texts, making);
  history.note_entry(entry, is_change ? 1 : 0);
  return entry;
}

/** Appends changes to the history and then to the journal. Returns the cause when it fails. May sleep. */
export function append(entry: string, line: string): string | undefined {
  if (!disk.is_open()) return undefined;
  if (entry !== "") {
    const [recorded, unrecorded] = history.append_entry(entry);
    if (recorded === undefined) return unrecorded;
  }
  const [appended, cause] = disk.append(line);
  return appended === undefined ? cause : undefined;
}

/** Puts the staged text of a change into the dict. */
export function replace_text(
  number: number,
  change: Omit<Prepared, "note" | "joining" | "has_effect">,
  revision: number,
): void {
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
  making.pause();
  if (!begin_write(notes, line)) return OUT_OF_MEMORY;
  const unsaved = append(entry, line);
  if (unsaved !== undefined) {
    forget_write();
    return not_saved(unsaved);
  }
  making.pause();
  for (const [position, change] of ipairs(changes)) {
    replace_text(position - 1, change, making.revision);
    making.pause();
  }
  publish_write(notes);
  return undefined;
}

/** Frees the rows that the edits of changes have allocated. The caller holds the write lock. */
export function free_new_rows(
  changes: readonly Pick<Change, "current" | "next">[],
  pause: (this: void) => void = no_pause,
): void {
  for (const { current, next } of changes) {
    const known = new LuaSet<number>();
    for (const line of current?.lines ?? []) known.add(numbers_in(line)[2]);
    for (const line of next?.lines ?? []) {
      rest();
      const [, , row] = numbers_in(line);
      if (!known.has(row)) free_row(row);
    }
    if (current === undefined && next !== undefined) free_row(next.row);
    pause();
  }
}

/**
 * Returns the problem for which `commit` would refuse changes, except those of the disk and of etcd. Nothing
 * changes. The rows that the edits have allocated are free again. The caller holds the write lock.
 */
export function try_out(changes: readonly Change[], making: Making): Problem | undefined {
  unstage();
  const problem = stage_texts(prepare_all(changes, making), making.pause);
  unstage(making.pause);
  free_new_rows(changes, making.pause);
  return problem;
}

/** Frees what published changes no longer need. */
export function clean_up(changes: readonly Prepared[], pause: (this: void) => void): void {
  for (const { name, current, next, gone } of changes) {
    if (next !== undefined) renew_old_places(name, next);
    free_rows(gone);
    if (next === undefined && current !== undefined) free_rows_of(current);
    pause();
  }
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
      making.pause();
    }
    problem = journal_and_publish(prepared, making);
  }
  if (problem === undefined) clean_up(prepared, making.pause);
  else free_new_rows(changes, making.pause);
  unstage(making.pause);
  return problem;
}
