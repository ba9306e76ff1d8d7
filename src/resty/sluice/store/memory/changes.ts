import * as ffi from "ffi";

import { set_of } from "../../lib/tables";
import { get_names } from "./dict";
import { change_at, CHANGES, revision, shared_memory } from "./region";

/** The upstreams that recent revisions changed, so that followers need not read all of them each time. */

const CELL_BYTES = 8;

/** Returns the address of the bytes of the name in the change at the cell `at`. */
function name_bytes(at: number): ffi.CData {
  const memory = tonumber(ffi.cast("uintptr_t", shared_memory())) as number;
  return ffi.cast("char *", memory + (at + 1) * CELL_BYTES);
}

/** Records which upstream the next revision changes. The caller holds the write lock. */
export function note_change(made: number, name: string): void {
  const at = change_at(made);
  shared_memory()[at] = name.length;
  ffi.copy(name_bytes(at), name, name.length);
}

/** Returns the upstream that a revision changes. */
export function changed_name(made: number): string {
  const at = change_at(made);
  return ffi.string(name_bytes(at), shared_memory()[at]);
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
  const changed: string[] = [];
  for (const made of $range(first, last)) {
    changed.push(changed_name(made));
  }
  // A change whose revision is not raised yet may have overwritten the oldest one.
  return revision() + 1 - first >= CHANGES ? undefined : changed;
}

/**
 * Returns the upstreams that changed since the last call, perhaps repeatedly; undefined: none. And true when
 * these are all existing upstreams, so that any other is gone. O(changes), unless there were too many.
 */
export function next_changes(follower: Follower): LuaMultiReturn<[string[] | undefined, boolean]> {
  const now = revision();
  const before = follower.revision;
  if (now === before) return $multi(undefined, false);
  follower.revision = now;
  const changed = before === LOOK_AT_ALL ? undefined : names_between(before + 1, now);
  if (changed !== undefined) return $multi(changed, false);
  return $multi(get_names(), true);
}

/** Lets other work go on. Returns false when the caller should stop. */
export type Pause = (this: void) => boolean;

const NAMES_AT_ONCE = 50;

/**
 * Looks at all upstreams that changed since the last call; `known` has those that the caller knows. Returns
 * false if `pause` has. After an error, the next call looks at all. Phases that can sleep.
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
  if (are_all) {
    const there = set_of(names);
    for (const [name] of pairs(known)) {
      if (!there.has(name)) look_at(name);
    }
  }
  for (const [number, name] of ipairs(names)) {
    if (number % NAMES_AT_ONCE === 0 && !pause()) return false;
    look_at(name);
  }
  follower.revision = reached;
  return true;
}
