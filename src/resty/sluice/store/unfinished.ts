import * as clock from "../lib/clock";
import * as disk from "./disk/writer";
import { difference, type Difference } from "./document/difference";
import type { Document, Leaver } from "./document/document";
import { note_deadlines } from "./document/drain";
import { numbers_in } from "./document/line";
import { read } from "./document/read";
import { start_returning } from "./document/returning";
import { count_entry } from "./history/files";
import { note_limits, restore_limits } from "./limits";
import { UpstreamRow } from "./memory/cells";
import { Header } from "./memory/header_cells";
import { changes_at, note_changes } from "./memory/changes";
import { delete_text, remember } from "./memory/dict";
import { Lock, release, try_acquire } from "./memory/lock";
import { revision, row_at, shared_memory } from "./memory/region";
import { free_row } from "./memory/rows";
import { note_seed } from "./memory/seeds";
import { put_staged, staged_text, unstage } from "./memory/staging";
import { ChangeKind, type UpstreamChange } from "./memory/upstream_change";
import { note_scaling } from "./scaling";
import { note_check_change } from "./unproven";

/**
 * The write under way, described in shared memory. When its writer dies, another worker finishes it, or takes
 * it back if the journal does not hold its complete line.
 */

/** Frees rows. The caller holds the write lock. */
export function free_rows(rows: readonly Leaver[]): void {
  for (const { row } of rows) free_row(row);
}

/** Frees all rows of a deleted upstream. The caller holds the write lock. */
export function free_rows_of(document: Document): void {
  for (const line of document.lines) {
    const [, , row] = numbers_in(line);
    free_row(row);
  }
  free_rows(document.leavers);
  free_row(document.row);
}

/**
 * Records that the journalling of changes begins. Returns false, and records nothing, when the dict is full.
 * The caller holds the write lock.
 *
 * @param line the line of the journal
 */
export function begin_write(changes: readonly UpstreamChange[], line: string): boolean {
  const made = revision() + 1;
  if (!note_changes(made, changes)) return false;
  begin_noted(made, line);
  return true;
}

/**
 * Records that the journalling of the changes up to a revision begins, which are noted. The caller holds the
 * write lock.
 */
export function begin_noted(last: number, lines: string): void {
  const memory = shared_memory();
  memory[Header.WRITING_FIRST] = revision() + 1;
  memory[Header.WRITING_REVISION] = last;
  memory[Header.WRITING_FROM] = disk.journal_bytes();
  memory[Header.WRITING_TO] = disk.journal_bytes() + lines.length;
  memory[Header.WRITING] = 1;
}

/** Updates the rows before a change is published: limits, deadlines, slow starts, cooldown, proven checks. */
export function update_rows(
  name: string,
  current: Document | undefined,
  next: Document,
  changed: Difference,
): void {
  note_limits(name, current, next, changed.added);
  note_deadlines(changed);
  start_returning(changed, next.lines.length, clock.now());
  note_scaling(current, next);
  note_check_change(current, next);
}

/** Records that no write is under way. The caller holds the write lock. */
export function forget_write(): void {
  shared_memory()[Header.WRITING] = 0;
}

/** A change of an upstream, and the revision that makes it. */
export interface MadeChange extends UpstreamChange {
  made: number;
}

/** Raises the revisions: all workers see the changes from now on. The caller holds the write lock. */
export function publish_made(changes: readonly MadeChange[]): void {
  const memory = shared_memory();
  const last = memory[Header.WRITING_REVISION];
  const first = memory[Header.WRITING_FIRST];
  count_entry(last);
  memory[Header.REVISION] = last;
  memory[Header.WRITES] = memory[Header.WRITES] + last - first + 1;
  if (first === last && changes.length > 1)
    memory[Header.WRITES_OF_SEVERAL] = memory[Header.WRITES_OF_SEVERAL] + 1;
  for (const { row, made } of changes) memory[row_at(row) + UpstreamRow.REVISION] = made;
  memory[Header.WRITING] = 0;
}

/** As `publish_made`, for the changes that one revision makes. */
export function publish_write(changes: readonly UpstreamChange[]): void {
  const made = shared_memory()[Header.WRITING_REVISION];
  publish_made(changes.map((change) => ({ ...change, made })));
}

/** Deletes an upstream for a writer that has died. */
function complete_deletion(name: string): void {
  const current = read(name);
  delete_text(name);
  note_seed(name, true);
  if (current !== undefined) free_rows_of(current);
}

/** Puts a staged text for a writer that has died, unless that writer has put it. */
function complete_put(number: number, name: string, made: number): void {
  const current = read(name);
  if (current?.revision !== made) {
    const [, text] = staged_text(number);
    put_staged(number, name, text);
    const next = read(name);
    // If the writer has put the text, it has updated the rows before.
    if (next !== undefined) update_rows(name, current, next, difference(current?.lines ?? [], next.lines));
  }
  note_seed(name, false);
  remember("drain", made);
}

/** Tells whether the text of a change is put or staged. A padded text is not staged: it found no room. */
function can_complete({ name, kind, made }: MadeChange, number: number): boolean {
  if (kind === ChangeKind.DELETED || staged_text(number)[0] === name) return true;
  return read(name)?.revision === made;
}

/** Publishes the unfinished write. Returns false if a text found no room to be staged. */
function complete(changes: readonly MadeChange[]): boolean {
  for (const [number, change] of ipairs(changes)) {
    if (!can_complete(change, number - 1)) return false;
  }
  for (const [number, { name, kind, made }] of ipairs(changes)) {
    if (kind === ChangeKind.DELETED) complete_deletion(name);
    else complete_put(number - 1, name, made);
  }
  return true;
}

/** Returns the last change of each upstream that the unfinished write changes, in the order of its texts. */
function unfinished_changes(): MadeChange[] {
  const memory = shared_memory();
  const changes: MadeChange[] = [];
  const places = new LuaTable<string, number | undefined>();
  for (const made of $range(memory[Header.WRITING_FIRST], memory[Header.WRITING_REVISION])) {
    for (const change of changes_at(made) ?? []) {
      const place = places.get(change.name) ?? changes.length;
      places.set(change.name, place);
      changes[place] = { ...change, made };
    }
  }
  return changes;
}

/** Takes back the unfinished write. The writer may have set the limits of its changes. */
function take_back(changes: readonly UpstreamChange[]): void {
  disk.take_back(shared_memory()[Header.WRITING_FROM]);
  for (const { name } of changes) {
    const current = read(name);
    if (current !== undefined) restore_limits(name, current, difference([], current.lines).added);
  }
  forget_write();
}

/** Finishes the write of a dead writer. The caller holds the write lock and has written nothing yet. */
export function repair(): void {
  const memory = shared_memory();
  if (memory[Header.WRITING] === 0) return;
  const changes = unfinished_changes();
  const has_lines = !disk.is_open() || disk.has_journalled(memory[Header.WRITING_TO]);
  // A later change that finds nothing to change is acknowledged as well, so the disk must hold this one.
  const is_journalled = has_lines && disk.sync_unfinished()[0] !== undefined;
  if (is_journalled && complete(changes)) {
    disk.count_bytes(memory[Header.WRITING_TO]);
    publish_made(changes);
  } else {
    take_back(changes);
  }
  unstage();
}

/** Finishes the write of a dead writer, unless a live one has the lock. Any phase. */
export function finish_write(): void {
  if (shared_memory()[Header.WRITING] === 0 || !try_acquire(Lock.WRITE)) return;
  const [returned, failure] = pcall(repair);
  release(Lock.WRITE);
  if (!returned)
    ngx.log(ngx.ERR, `sluice: could not finish a write of a worker that has died: ${tostring(failure)}`);
}
