import * as clock from "../lib/clock";
import * as disk from "./disk/writer";
import { difference, type Difference } from "./document/difference";
import type { Document, Leaver } from "./document/document";
import { note_deadlines } from "./document/drain";
import { numbers_in } from "./document/line";
import { read } from "./document/read";
import { start_returning } from "./document/returning";
import { note_limits, restore_limits } from "./limits";
import { Header, type RowNumber, UpstreamRow } from "./memory/cells";
import { changed_name, ChangeKind, note_change, type UpstreamChange } from "./memory/changes";
import { delete_text, put_staged_text, remember, unstage_text } from "./memory/dict";
import { Lock, release, try_acquire } from "./memory/lock";
import { revision, row_at, shared_memory } from "./memory/region";
import { free_row } from "./memory/rows";
import { note_seed } from "./memory/seeds";
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

/** Records that the journalling of a change begins, with its line `line`. The caller holds the write lock. */
export function begin_write(change: UpstreamChange, row: RowNumber, line: string): void {
  const memory = shared_memory();
  const made = revision() + 1;
  note_change(made, change);
  memory[Header.WRITING_REVISION] = made;
  memory[Header.WRITING_DELETES] = change.kind === ChangeKind.DELETED ? 1 : 0;
  memory[Header.WRITING_FROM] = disk.journal_bytes();
  memory[Header.WRITING_TO] = disk.journal_bytes() + line.length;
  memory[Header.WRITING] = row;
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

/** Raises the revisions: all workers see the change from now on. The caller holds the write lock. */
export function publish_write(): void {
  const memory = shared_memory();
  const made = memory[Header.WRITING_REVISION];
  memory[Header.REVISION] = made;
  memory[Header.WRITES] = memory[Header.WRITES] + 1;
  memory[row_at(memory[Header.WRITING] as RowNumber) + UpstreamRow.REVISION] = made;
  memory[Header.WRITING] = 0;
}

/** Publishes the unfinished write. Returns false if its text found no room to be staged. */
function complete(name: string, made: number): boolean {
  const current = read(name);
  if (shared_memory()[Header.WRITING_DELETES] === 1) {
    delete_text(name);
    note_seed(name, true);
    if (current !== undefined) free_rows_of(current);
    return true;
  }
  put_staged_text();
  note_seed(name, false);
  remember("drain", made);
  const next = read(name);
  if (next?.revision !== made) {
    // The writer may have set the limits of the change, which is undone.
    if (next !== undefined) restore_limits(name, next, difference([], next.lines).added);
    return false;
  }
  // If the writer has put the text, it has updated the rows before.
  if (current?.revision !== made)
    update_rows(name, current, next, difference(current?.lines ?? [], next.lines));
  return true;
}

/** Finishes the write of a dead writer. The caller holds the write lock and has written nothing yet. */
export function repair(): void {
  const memory = shared_memory();
  if (memory[Header.WRITING] === 0) return;
  const made = memory[Header.WRITING_REVISION];
  const is_journalled = !disk.is_open() || disk.has_journalled(memory[Header.WRITING_TO]);
  if (is_journalled && complete(changed_name(made), made)) {
    disk.count_bytes(memory[Header.WRITING_TO]);
    publish_write();
  } else {
    disk.take_back(memory[Header.WRITING_FROM]);
    forget_write();
  }
  unstage_text();
}

/** Finishes the write of a dead writer, unless a live one has the lock. Any phase. */
export function finish_write(): void {
  if (shared_memory()[Header.WRITING] === 0 || !try_acquire(Lock.WRITE)) return;
  const [returned, failure] = pcall(repair);
  release(Lock.WRITE);
  if (!returned)
    ngx.log(ngx.ERR, `sluice: could not finish a write of a worker that has died: ${tostring(failure)}`);
}
