import type { Result } from "../../lib/result";
import { note_saving } from "../disk/failures";
import { format_start } from "../disk/journal";
import { sync_change } from "../disk/sync";
import { Header } from "../memory/header_cells";
import * as posix from "../memory/posix";
import { shared_memory } from "../memory/region";

/**
 * The two files of the history. Changes are appended to one of them; when it is full, the other one, which
 * holds older changes, is emptied and appended to. As with a journal, later bytes than those that count were
 * never acknowledged: the next change replaces them.
 */

/** How much of the history is kept; see `HISTORY` in `config/options.ts`. */
export interface Extent {
  readonly changes: number;
  /** In bytes. */
  readonly max_size: number;
}

let kept: Extent = { changes: 0, max_size: 0 };

/** Sets how much is kept. Phase: init_by_lua. */
export function use_extent(extent: Extent): void {
  kept = extent;
}

/** Tells whether changes are recorded. Any phase. */
export function keeps_history(): boolean {
  return kept.changes > 0 && shared_memory()[Header.HISTORY_0_FD] !== 0;
}

/** Returns the descriptor of a file, and how many of its bytes count. */
export function history_file(index: number): LuaMultiReturn<[fd: number, bytes: number]> {
  const memory = shared_memory();
  return $multi(memory[Header.HISTORY_0_FD + index], memory[Header.HISTORY_0_BYTES + index]);
}

function other_index(): number {
  return shared_memory()[Header.HISTORY] === 0 ? 1 : 0;
}

function empty_file(index: number): void {
  const memory = shared_memory();
  memory[Header.HISTORY_0_BYTES + index] = 0;
  // If this fails, the next append cuts the file, or fails too.
  posix.cut_file(memory[Header.HISTORY_0_FD + index], 0);
}

/** Continues in the other file, after `revision`. */
function use_other_file(revision: number): void {
  const memory = shared_memory();
  const next = other_index();
  empty_file(next);
  memory[Header.HISTORY] = next;
  memory[Header.HISTORY_CHANGES] = 0;
  memory[Header.HISTORY_FOLLOWS] = revision;
}

/** Empties the history: its first change will follow `revision`. The caller holds the write lock. */
export function begin_anew(revision: number): void {
  const memory = shared_memory();
  memory[Header.HISTORY_START] = revision;
  const left = memory[Header.HISTORY];
  use_other_file(revision);
  // A later start must not take it for the history.
  empty_file(left);
  memory[Header.HISTORY_LAST] = revision;
}

/** Tells whether the present file is full: the changes in the other one are not needed any more. */
function is_full(): boolean {
  const memory = shared_memory();
  const [, bytes] = history_file(memory[Header.HISTORY]);
  return memory[Header.HISTORY_CHANGES] >= kept.changes || bytes >= kept.max_size / 2;
}

/** Continues in the other file, whose changes are forgotten. */
function change_file(): void {
  const memory = shared_memory();
  // This comes first, so that no reading reaches what is removed.
  memory[Header.HISTORY_START] = memory[Header.HISTORY_FOLLOWS];
  use_other_file(memory[Header.HISTORY_LAST]);
}

/** Removes the bytes of the present file that do not count. */
function trim(fd: number, bytes: number): Result<true> {
  const size = posix.file_size(fd);
  if (size === bytes) return $multi(true, undefined);
  if (size < bytes) return $multi(undefined, "the history was cut while nginx runs");
  return posix.cut_file(fd, bytes);
}

/** Returns what is to be appended for an entry: an empty file gets its first line too. */
function with_start(entry: string): string {
  const memory = shared_memory();
  const [, bytes] = history_file(memory[Header.HISTORY]);
  if (bytes > 0) return entry;
  return format_start("history", memory[Header.HISTORY_FOLLOWS]) + entry;
}

/** Makes the history ready for the entry of `revision`. The caller holds the write lock. */
export function prepare_append(revision: number): void {
  const memory = shared_memory();
  const [fd, bytes] = history_file(memory[Header.HISTORY]);
  const was_off = memory[Header.HISTORY_LAST] !== revision - 1;
  const is_cut = posix.file_size(fd) < bytes;
  if (is_cut) ngx.log(ngx.WARN, "sluice: the history was cut while nginx runs: it begins anew");
  if (was_off || is_cut) {
    begin_anew(revision - 1);
  } else if (bytes === 0) {
    // A worker may have died while it changed to this file.
    memory[Header.HISTORY_CHANGES] = 0;
    memory[Header.HISTORY_FOLLOWS] = revision - 1;
  } else if (is_full()) {
    change_file();
  }
}

/** Returns for how many more changes the present file has room, at least 1. Under the write lock. */
export function room_for_changes(): number {
  return math.max(1, kept.changes - shared_memory()[Header.HISTORY_CHANGES]);
}

/** Records the size that the history has after entries, which the write under way appends; "": none. */
export function note_entry(entry: string, changes: number): void {
  const memory = shared_memory();
  const [, bytes] = history_file(memory[Header.HISTORY]);
  const added = entry === "" ? 0 : with_start(entry).length;
  memory[Header.WRITING_HISTORY_BYTES] = bytes + added;
  memory[Header.WRITING_HISTORY_CHANGES] = memory[Header.HISTORY_CHANGES] + changes;
}

/** Appends entries. They do not count yet. May sleep, as `sync_change`. The caller holds the write lock. */
export function append_entry(entry: string): Result<true> {
  const [fd, bytes] = history_file(shared_memory()[Header.HISTORY]);
  let [done, cause] = trim(fd, bytes);
  if (done !== undefined) [done, cause] = posix.write_at(fd, with_start(entry), bytes);
  if (done !== undefined) [done, cause] = sync_change(fd);
  if (done !== undefined) return $multi(true, undefined);
  posix.cut_file(fd, bytes);
  const failure = `could not append to the history: ${cause ?? ""}`;
  note_saving("change", failure);
  return $multi(undefined, failure);
}

/** Makes the entry of the write under way count. The caller holds the write lock. */
export function count_entry(revision: number): void {
  const memory = shared_memory();
  const index = memory[Header.HISTORY];
  if (memory[Header.WRITING_HISTORY_BYTES] === memory[Header.HISTORY_0_BYTES + index]) return;
  memory[Header.HISTORY_LAST] = revision;
  memory[Header.HISTORY_CHANGES] = memory[Header.WRITING_HISTORY_CHANGES];
  memory[Header.HISTORY_0_BYTES + index] = memory[Header.WRITING_HISTORY_BYTES];
}
