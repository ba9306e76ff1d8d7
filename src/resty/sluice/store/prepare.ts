import * as clock from "../lib/clock";
import { rest } from "../lib/rest";
import { count_difference, type Difference } from "./document/difference";
import type { Document, Leaver } from "./document/document";
import type { Author } from "./history/author";
import { UpstreamRow } from "./memory/cells";
import { row_at, shared_memory } from "./memory/region";
import { active_requests, hold_row, start_row } from "./memory/rows";
import { ChangeKind, type UpstreamChange } from "./memory/upstream_change";
import type { Reach } from "./replicate";

/** Changes before they are committed, and what follows from them: rows that are needed and become free. */

/** A change of an upstream. */
export interface Change {
  name: string;
  /** Undefined: the upstream is created. */
  current: Document | undefined;
  /** Undefined: the upstream is deleted. */
  next: Document | undefined;
  /** The servers that differ. */
  changed: Difference;
  /** False: the change changes nothing in this gateway. */
  has_effect: boolean;
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
export interface Prepared extends Change {
  /** The servers that get a row, and the servers whose rows become free. */
  joining: readonly Leaver[];
  gone: readonly Leaver[];
  note: UpstreamChange;
  /** The text to publish; "": none. */
  text: string;
}

/** Returns the entries of `rows` that `others` does not have. */
function rows_without(rows: readonly Leaver[], others: readonly Leaver[]): Leaver[] {
  const known = new LuaSet<number>();
  for (const other of others) known.add(other.row);
  const left: Leaver[] = [];
  for (const { row, incarnation } of rows) {
    rest();
    if (!known.has(row)) left.push({ row, incarnation });
  }
  return left;
}

function kind_of({ current, next }: Change): ChangeKind {
  if (next === undefined) return ChangeKind.DELETED;
  return current === undefined ? ChangeKind.CREATED : ChangeKind.CHANGED;
}

/** Determines what follows from a change. Sets the revision and the leavers of its new document. */
export function prepare(change: Change, revision: number): Prepared {
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

/** Determines what follows from changes. Sets the revisions and the leavers of their new documents. */
export function prepare_all(changes: readonly Change[], making: Making): Prepared[] {
  const prepared: Prepared[] = [];
  for (const change of changes) {
    prepared.push(prepare(change, making.revision));
    making.pause();
  }
  return prepared;
}

/** Prepares new rows. The first servers of an upstream start without `slow_start`: no other could serve. */
export function prepare_rows({ joining }: Prepared, next: Document): void {
  const now = clock.now();
  const is_held = next.health_check?.mandatory === true;
  if (next.health_check !== undefined) shared_memory()[row_at(next.row) + UpstreamRow.WAS_CHECKED] = 1;
  for (const { row } of joining) {
    if (is_held) hold_row(row, now);
    if (joining.length < next.lines.length) start_row(row, now);
  }
}
