import type { Problem } from "../config/problem";
import type { Read } from "../config/reader";
import * as clock from "../lib/clock";
import { format_change, format_deletion } from "./disk/journal";
import * as disk from "./disk/writer";
import { count_difference, type Difference } from "./document/difference";
import { format_document, type Document, type Leaver } from "./document/document";
import { OUT_OF_MEMORY } from "./document/problems";
import { type RowNumber, UpstreamRow } from "./memory/cells";
import { ChangeKind, type UpstreamChange } from "./memory/changes";
import { keep_departed } from "./memory/departed";
import { delete_text, put_text, remember, stage_text, unstage_text } from "./memory/dict";
import { row_at, shared_memory } from "./memory/region";
import { active_requests, free_row, hold_row, start_row } from "./memory/rows";
import { is_seed, note_seed } from "./memory/seeds";
import { forget_old_places, renew_old_places } from "./old_places";
import { check_new_places } from "./places";
import { NO_CLUSTER_REVISION, replicator_of, type Reach } from "./replicate";
import { begin_write, forget_write, free_rows, free_rows_of, publish_write, update_rows } from "./unfinished";

/**
 * The second half of a write; `write.ts` has the first half, lock and edit.
 *
 * 1. stage: reserve memory for the new text, and send the change to the other gateways of a cluster.
 * 2. journal: append the change to the journal.
 * 3. publish: replace the text in the shared dict and raise the revisions, so that all workers see the
 *    change.
 *
 * The first two steps can fail, and then nothing has changed. Publishing cannot fail. While a change is
 * journalled and published, the shared memory describes it (`unfinished.ts`): another worker finishes it if
 * the writer dies.
 */

/** A change of an upstream. */
export interface Change {
  name: string;
  /** Undefined: the upstream is created. */
  current: Document | undefined;
  revision: number;
  reach: Reach;
}

let fsync = false;

/** Sets whether each write is forced to the disk. Phase: init_by_lua. */
export function set_fsync(on: boolean): void {
  fsync = on;
}

function not_saved(cause: string | undefined): Problem {
  return { status: 500, code: "StateNotSaved", text: cause ?? "could not save the state" };
}

/** Journals and publishes a change. Returns the problem when journalling fails. */
function journal_and_publish(
  change: UpstreamChange,
  row: RowNumber,
  line: string,
  replace_text: (this: void) => void,
): Problem | undefined {
  if (disk.is_open()) {
    const [trimmed, cause] = disk.trim_journal();
    if (trimmed === undefined) return not_saved(cause);
  }
  begin_write(change, row, line);
  if (disk.is_open()) {
    const [appended, cause] = disk.append(line, fsync);
    if (appended === undefined) {
      forget_write();
      return not_saved(cause);
    }
  }
  replace_text();
  publish_write();
  return undefined;
}

/** Deletes an upstream. The caller holds the write lock. Returns the problem when it fails. */
export function delete_upstream({ name, revision, reach }: Change, current: Document): Problem | undefined {
  // A write that raised may have left a staged text.
  unstage_text();
  const replicate = replicator_of(name, current, undefined, reach);
  if (replicate !== undefined) {
    const [replicated, refused] = replicate(name, current, undefined, reach);
    if (replicated === undefined) return refused;
  }
  const line = format_deletion(name, revision, is_seed(name));
  const counts = { added: 0, removed: current.lines.length, changed: 0 };
  const change = { name, kind: ChangeKind.DELETED, counts };
  const problem = journal_and_publish(change, current.row, line, () => {
    delete_text(name);
    note_seed(name, true);
    forget_old_places(name, current);
  });
  if (problem === undefined) free_rows_of(current);
  return problem;
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

/** Prepares new rows. The first servers of an upstream start without `slow_start`: no other could serve. */
function prepare_rows(joining: readonly Leaver[], next: Document): void {
  const now = clock.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + UpstreamRow.WAS_CHECKED] = 1;
  for (const { row } of joining) {
    if (is_held) hold_row(row, now);
    if (joining.length < next.lines.length) start_row(row, now);
  }
}

/**
 * Returns the text to publish. Memory is reserved before the other gateways get the change, because they keep
 * it even if this gateway has no room for it.
 */
function stage({ name, current, reach }: Change, next: Document): Read<string> {
  const replicate = replicator_of(name, current, next, reach);
  if (replicate !== undefined) next.cluster_revision = NO_CLUSTER_REVISION;
  const text = stage_text(name, format_document(next));
  if (text === undefined) return $multi(undefined, OUT_OF_MEMORY);
  if (replicate === undefined) return $multi(text, undefined);
  const [cluster_revision, problem] = replicate(name, current, next, reach);
  if (cluster_revision === undefined) return $multi(undefined, problem);
  next.cluster_revision = cluster_revision;
  const final_text = stage_text(name, format_document(next));
  return $multi(final_text, final_text === undefined ? OUT_OF_MEMORY : undefined);
}

/** Stages, journals and publishes a document. Returns the problem when it fails. */
function put_staged(
  change: Change,
  next: Document,
  changed: Difference,
  joining: readonly Leaver[],
  gone: readonly Leaver[],
): Problem | undefined {
  const { name, current, revision } = change;
  const [text, refused] = stage(change, next);
  if (text === undefined) return refused;
  prepare_rows(joining, next);
  let has_drain_job = false;
  for (const { leave_by } of changed.added) has_drain_job ||= leave_by !== "";
  const kind = current === undefined ? ChangeKind.CREATED : ChangeKind.CHANGED;
  const noted = { name, kind, counts: count_difference(changed) };
  return journal_and_publish(noted, next.row, format_change(name, next, changed), () => {
    update_rows(name, current, next, changed);
    keep_departed(next.row, gone);
    put_text(name, text);
    note_seed(name, false);
    if (has_drain_job) remember("drain", revision);
  });
}

/**
 * Creates an upstream or replaces its document. The caller holds the write lock. If it fails, it returns the
 * problem, and the rows that the edit has allocated are free again.
 */
export function put_upstream(change: Change, next: Document, changed: Difference): Problem | undefined {
  const { current } = change;
  const joining = rows_without(changed.added, changed.removed);
  const leavers = rows_without(changed.removed, changed.added);
  const gone: Leaver[] = [];
  for (const leaver of current?.leavers ?? []) {
    const is_idle = active_requests(leaver.row) === 0;
    (is_idle ? gone : leavers).push(leaver);
  }
  next.leavers = leavers;
  next.revision = change.revision;
  const problem =
    check_new_places(current, next, changed) ?? put_staged(change, next, changed, joining, gone);
  unstage_text();
  if (problem === undefined) renew_old_places(change.name, next);
  free_rows(problem === undefined ? gone : joining);
  if (problem !== undefined && current === undefined) free_row(next.row);
  return problem;
}
