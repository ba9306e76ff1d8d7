import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { read } from "../../store/document/read";
import { present, undo, type Past } from "../../store/history/past";
import type { PastChange } from "../../store/history/lines";
import { begin_reading, changes_in, next_entry } from "../../store/history/reader";
import { Header } from "../../store/memory/header_cells";
import { shared_memory } from "../../store/memory/region";
import { not_restorable, unreadable } from "./problems";

/** Determines what upstreams were at a revision of the past. */

/** What has changed since a revision of the past. */
export interface Undone {
  /** The upstreams that have changed, as they were, by name. */
  upstreams: LuaTable<string, Restored>;
  /** The revision of the last change that was undone. */
  newest: number;
}

/** An upstream of the past, and the revision of the present one that this follows from. */
export interface Restored {
  past: Past;
  /** Undefined: the upstream does not exist. */
  base: number | undefined;
}

/** The present has changed while the past was determined from it. */
export const CHANGED_MEANWHILE: Problem = {
  status: 503,
  code: "StoreBusy",
  text: "the upstreams change too often to be rolled back: try again",
};

/**
 * Begins with an upstream as it is after its last change, which is not later than `newest`. Returns undefined
 * if it has changed since.
 */
function begin({ now }: PastChange, newest: number): Restored | undefined {
  const document = read(now.upstream);
  // An upstream that is not there was deleted by its last change, or is being deleted by a later one.
  const has_changed = document === undefined ? now.settings !== undefined : document.revision > newest;
  return has_changed ? undefined : { past: present(document), base: document?.revision };
}

/**
 * Returns the upstreams that have changed after the revision `to` as they were then.
 *
 * @param only the only upstream to restore; undefined: all that are wanted
 * @param is_wanted whether an upstream is to be restored
 */
export function undone(
  to: number,
  only: string | undefined,
  is_wanted: (this: void, name: string) => boolean,
  pause: (this: void) => void,
): Read<Undone> {
  const upstreams = new LuaTable<string, Restored>();
  const memory = shared_memory();
  if (to < memory[Header.HISTORY_START] || to > memory[Header.HISTORY_LAST])
    return $multi(undefined, not_restorable(to));
  const reading = begin_reading();
  let entry = next_entry(reading);
  const newest = entry?.revision ?? memory[Header.HISTORY_LAST];
  while (entry !== undefined && entry.revision > to) {
    const [changes, flaw] = changes_in(entry, only, pause);
    if (changes === undefined) reading.flaw = flaw;
    for (const change of changes ?? []) {
      const { upstream } = change.now;
      if (is_wanted(upstream)) {
        const known = upstreams.has(upstream) ? upstreams.get(upstream) : begin(change, newest);
        if (known === undefined) return $multi(undefined, CHANGED_MEANWHILE);
        undo(known.past, change);
        upstreams.set(upstream, known);
      }
    }
    pause();
    // An older entry may be damaged.
    if (reading.expected === to) break;
    entry = next_entry(reading);
  }
  if (reading.flaw !== undefined) return $multi(undefined, unreadable(reading));
  if (newest !== to && reading.expected !== to) return $multi(undefined, not_restorable(to));
  return $multi({ upstreams, newest }, undefined);
}
