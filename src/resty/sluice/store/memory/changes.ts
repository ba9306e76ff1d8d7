import * as ffi from "ffi";

import * as clock from "../../lib/clock";
import { is_turn_long } from "../../lib/pause";
import { set_of } from "../../lib/tables";
import type { Cell, RowNumber } from "./cells";
import { keep_list, list_of_changes, NO_LIST } from "./change_lists";
import { fence, get_names } from "./dict";
import { change_at, CHANGES, revision, shared_memory } from "./region";
import type { UpstreamChange } from "./upstream_change";

/**
 * What recent revisions changed: for followers, which need not read all upstreams each time, and for the
 * event stream.
 */

/** The cells of a change. The bytes of the upstream's name follow, eight in a cell (`CHANGE_SIZE`). */
const enum Change {
  /** The time of day, in seconds since 1970. */
  TIME,
  /** A `ChangeKind`, or `SEVERAL`. */
  KIND,
  /** The row of the upstream. For `SEVERAL`, the number of the list instead. */
  ROW,
  /** The numbers of servers. */
  ADDED,
  REMOVED,
  CHANGED,
  NAME_LENGTH,
  NAME,
}

/** The most revisions that one write makes. */
export const MOST_AT_ONCE = 64;

/** The kind of a change of several upstreams, which `change_lists.ts` lists. */
const SEVERAL = -1;

const CELL_BYTES = 8;

/** Returns the address of the bytes of the name in the change at the cell `at`. */
function name_bytes(at: Cell): ffi.CData {
  const memory = tonumber(ffi.cast("uintptr_t", shared_memory())) as number;
  return ffi.cast("char *", memory + (at + Change.NAME) * CELL_BYTES);
}

/** Records what a revision changes, in one upstream. */
function note_one(at: Cell, { name, row, kind, counts }: UpstreamChange): void {
  const memory = shared_memory();
  memory[at + Change.KIND] = kind;
  memory[at + Change.ROW] = row;
  memory[at + Change.ADDED] = counts.added;
  memory[at + Change.REMOVED] = counts.removed;
  memory[at + Change.CHANGED] = counts.changed;
  memory[at + Change.NAME_LENGTH] = name.length;
  ffi.copy(name_bytes(at), name, name.length);
}

/**
 * Records what a revision will change. Returns false when the dict has no room for the list of several
 * upstreams. The caller holds the write lock.
 */
export function note_changes(made: number, changes: readonly UpstreamChange[]): boolean {
  const memory = shared_memory();
  const at = change_at(made);
  memory[at + Change.TIME] = clock.wall_time();
  if (changes.length === 1) {
    note_one(at, changes[0]);
    return true;
  }
  const list = keep_list(made, changes);
  memory[at + Change.KIND] = SEVERAL;
  memory[at + Change.ROW] = list ?? NO_LIST;
  return list !== undefined;
}

/** Returns the name of the one upstream that is changed at the cell `at`. */
function name_at(at: Cell): string {
  return ffi.string(name_bytes(at), shared_memory()[at + Change.NAME_LENGTH]);
}

/** Returns the change of one upstream at the cell `at`. */
function one_at(at: Cell): UpstreamChange {
  const memory = shared_memory();
  return {
    name: name_at(at),
    row: memory[at + Change.ROW] as RowNumber,
    kind: memory[at + Change.KIND],
    counts: {
      added: memory[at + Change.ADDED],
      removed: memory[at + Change.REMOVED],
      changed: memory[at + Change.CHANGED],
    },
  };
}

/** Returns what a revision changes that is kept; undefined: the list of its upstreams is no longer kept. */
export function changes_at(made: number): UpstreamChange[] | undefined {
  const at = change_at(made);
  const memory = shared_memory();
  if (memory[at + Change.KIND] !== SEVERAL) return [one_at(at)];
  return list_of_changes(made, memory[at + Change.ROW]);
}

/** The changes that a revision has made. */
export interface MadeChanges {
  /** The time of day, in seconds since 1970. */
  time: number;
  /** Empty: the list of its upstreams is no longer kept. */
  changes: readonly UpstreamChange[];
}

/** Returns whether the change of a revision may be overwritten: a write under way uses the next places. */
function is_overwritten(made: number): boolean {
  return revision() + MOST_AT_ONCE - made >= CHANGES;
}

/** Returns what a revision has changed; undefined: it is no longer kept. Any phase. */
export function changes_of(made: number): MadeChanges | undefined {
  const found = { time: shared_memory()[change_at(made) + Change.TIME], changes: changes_at(made) ?? [] };
  // Another worker may have begun to overwrite the change while it was read.
  fence();
  return is_overwritten(made) ? undefined : found;
}

/** Position of a background task in the sequence of changes. */
export interface Follower {
  /** The last revision whose change was taken; -1: the task must look at all upstreams. */
  revision: number;
}

const LOOK_AT_ALL = -1;

/** Makes a follower whose first call looks at all upstreams. */
export function new_follower(): Follower {
  return { revision: LOOK_AT_ALL };
}

/** Returns the upstreams that the revisions from `first` to `last` changed; undefined: not known. */
function names_between(first: number, last: number): string[] | undefined {
  if (last - first >= CHANGES) return undefined;
  const names: string[] = [];
  for (const made of $range(first, last)) {
    const at = change_at(made);
    if (shared_memory()[at + Change.KIND] === SEVERAL) {
      const changes = changes_at(made);
      if (changes === undefined) return undefined;
      for (const { name } of changes) names.push(name);
    } else {
      names.push(name_at(at));
    }
  }
  // A change whose revision is not raised yet may have overwritten the oldest one.
  return is_overwritten(first) ? undefined : names;
}

/** The upstreams that existed at a revision. */
let listed: readonly string[] | undefined;
let listed_at = 0;

/** Lists the names of all upstreams. A worker inherits the list from the master. Any phase. */
export function list_names(): readonly string[] {
  // A change meanwhile is one of those since then.
  listed_at = revision();
  listed = get_names();
  return listed;
}

/**
 * Returns the names of all upstreams, perhaps repeatedly and with some that are gone: those of the last list
 * and of the changes since. To list them takes some milliseconds, and all jobs of a new worker begin with
 * them. Any phase.
 */
export function all_names(): readonly string[] {
  if (listed === undefined) return list_names();
  const changed = names_between(listed_at + 1, revision());
  if (changed === undefined) return list_names();
  return changed.length === 0 ? listed : listed.concat(changed);
}

/**
 * Returns the upstreams that changed since the last call, perhaps repeatedly; undefined: none. And true when
 * these are all existing upstreams, so that any other is gone. O(changes), unless there were too many.
 */
export function next_changes(follower: Follower): LuaMultiReturn<[readonly string[] | undefined, boolean]> {
  const now = revision();
  const before = follower.revision;
  if (now === before) return $multi(undefined, false);
  follower.revision = now;
  const changed = before === LOOK_AT_ALL ? undefined : names_between(before + 1, now);
  if (changed !== undefined) return $multi(changed, false);
  return $multi(all_names(), true);
}

/** Lets other work go on. Returns false when the caller should stop. */
export type Pause = (this: void) => boolean;

/** After this number of upstreams, a follower examines whether the turn has been long. */
const NAMES_A_STEP = 8;

/**
 * Looks at all upstreams that changed since the last call; `known` has those that the caller knows. Calls
 * `pause` when jobs have taken long in this turn, and returns false if `pause` has. After an error, the next
 * call looks at all. Phases in which `pause` can run.
 */
export function follow_upstreams<T>(
  follower: Follower,
  known: LuaTable<string, T>,
  look_at: (this: void, name: string) => void,
  pause: Pause,
): boolean {
  const [names, are_all] = next_changes(follower);
  if (names === undefined) return true;
  const reached = follower.revision;
  follower.revision = LOOK_AT_ALL;
  if (are_all && next(known)[0] !== undefined) {
    const there = set_of(names);
    for (const [name] of pairs(known)) {
      if (!there.has(name)) look_at(name);
    }
  }
  for (const [number, name] of ipairs(names)) {
    if (number % NAMES_A_STEP === 1 && is_turn_long() && !pause()) return false;
    look_at(name);
  }
  follower.revision = reached;
  return true;
}
