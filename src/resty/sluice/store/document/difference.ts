/** What stands in one list of lines and not in another. */
export interface Difference {
  /** In the new list only, in its order. */
  added: string[];
  /** In the old list only, in its order. */
  removed: string[];
}

function without(lines: readonly string[], known: LuaSet<string>): string[] {
  const rest: string[] = [];
  for (const line of lines) {
    if (!known.has(line)) rest.push(line);
  }
  return rest;
}

function as_set(lines: readonly string[]): LuaSet<string> {
  const set = new LuaSet<string>();
  for (const line of lines) set.add(line);
  return set;
}

/** The difference of two sets of lines. Any phase. O(lines). */
export function difference(before: readonly string[], after: readonly string[]): Difference {
  return { added: without(after, as_set(before)), removed: without(before, as_set(after)) };
}
