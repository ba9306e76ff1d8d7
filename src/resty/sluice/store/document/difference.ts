import { rest } from "../../lib/rest";
import type { Counts } from "../memory/upstream_change";
import type { ServerRecord } from "./line";
import { parse_lines } from "./records";

/**
 * The servers that differ between two versions of an upstream. A server that has changed is in both lists.
 */
export interface Difference {
  /** In the new version only, in its order. */
  added: ServerRecord[];
  /** In the old version only, in its order. */
  removed: ServerRecord[];
  /** Their lines, if they are known. */
  added_lines?: readonly string[] | undefined;
  removed_lines?: readonly string[] | undefined;
}

function lines_without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new LuaSet<string>();
  for (const line of others) {
    known.add(line);
    rest();
  }
  const found: string[] = [];
  for (const line of lines) {
    if (!known.has(line)) found.push(line);
    rest();
  }
  return found;
}

/** Compares the servers' lines of two versions. Only lines that differ are parsed. Any phase. O(lines). */
export function difference(before: readonly string[], after: readonly string[]): Difference {
  const added_lines = lines_without(after, before);
  const removed_lines = lines_without(before, after);
  return { added: parse_lines(added_lines), removed: parse_lines(removed_lines), added_lines, removed_lines };
}

/** Counts the servers that differ: new ids, ids that are gone, and ids that remain. Any phase. */
export function count_difference({ added, removed }: Difference): Counts {
  const before = new LuaSet<number>();
  for (const { id } of removed) {
    before.add(id);
    rest();
  }
  let changed = 0;
  for (const { id } of added) {
    if (before.has(id)) changed += 1;
    rest();
  }
  return { added: added.length - changed, removed: removed.length - changed, changed };
}
