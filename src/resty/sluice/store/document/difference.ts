import { set_of } from "../../lib/tables";
import type { Counts } from "../memory/upstream_change";
import { parse_line, type ServerRecord } from "./line";

/**
 * The servers that differ between two versions of an upstream. A server that has changed is in both lists.
 */
export interface Difference {
  /** In the new version only, in its order. */
  added: ServerRecord[];
  /** In the old version only, in its order. */
  removed: ServerRecord[];
}

function records_without(lines: readonly string[], others: readonly string[]): ServerRecord[] {
  const known = set_of(others);
  return lines.filter((line) => !known.has(line)).map((line) => parse_line(line));
}

/** Compares the servers' lines of two versions. Only lines that differ are parsed. Any phase. O(lines). */
export function difference(before: readonly string[], after: readonly string[]): Difference {
  return { added: records_without(after, before), removed: records_without(before, after) };
}

/** Counts the servers that differ: new ids, ids that are gone, and ids that remain. Any phase. */
export function count_difference({ added, removed }: Difference): Counts {
  const before = new LuaSet<number>();
  for (const { id } of removed) before.add(id);
  let changed = 0;
  for (const { id } of added) {
    if (before.has(id)) changed += 1;
  }
  return { added: added.length - changed, removed: removed.length - changed, changed };
}
