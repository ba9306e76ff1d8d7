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

/** Two versions of a list of lines. What is before `start` and after the ends is the same in both. */
interface Versions {
  before: readonly string[];
  after: readonly string[];
  start: number;
  before_end: number;
  after_end: number;
}

/** Leaves out the lines at the start and at the end that are the same: a change of a server leaves one. */
function narrowed(before: readonly string[], after: readonly string[]): Versions {
  let start = 0;
  let [before_end, after_end] = [before.length, after.length];
  while (start < before_end && start < after_end && before[start] === after[start]) {
    start += 1;
    rest();
  }
  while (before_end > start && after_end > start && before[before_end - 1] === after[after_end - 1]) {
    before_end -= 1;
    after_end -= 1;
    rest();
  }
  return { before, after, start, before_end, after_end };
}

/** Returns the lines from `start` to `end` of a version that the other one does not have. */
function lines_without(
  lines: readonly string[],
  end: number,
  others: readonly string[],
  others_end: number,
  start: number,
): string[] {
  const known = new LuaSet<string>();
  for (const index of $range(start, others_end - 1)) {
    known.add(others[index]);
    rest();
  }
  const found: string[] = [];
  for (const index of $range(start, end - 1)) {
    if (!known.has(lines[index])) found.push(lines[index]);
    rest();
  }
  return found;
}

/** Compares the servers' lines of two versions. Only lines that differ are parsed. Any phase. O(lines). */
export function difference(before: readonly string[], after: readonly string[]): Difference {
  const { start, before_end, after_end } = narrowed(before, after);
  const added_lines = lines_without(after, after_end, before, before_end, start);
  const removed_lines = lines_without(before, before_end, after, after_end, start);
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
