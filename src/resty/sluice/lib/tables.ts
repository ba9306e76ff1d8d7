import * as table_new from "table.new";

/** Helpers for Lua tables. Pure. */

/** Returns a table with room for items and fields: to grow step by step takes longer than to fill it. */
export const new_table = table_new as unknown as (this: void, items: number, fields: number) => object;

/** Returns the set of all items of some lists. */
export function set_of<T extends AnyNotNil>(...lists: (readonly T[])[]): LuaSet<T> {
  const items = new LuaSet<T>();
  for (const list of lists) {
    for (const item of list) items.add(item);
  }
  return items;
}

/** Returns the items of a set, in no order. */
export function items_of<T extends AnyNotNil>(set: LuaSet<T>): T[] {
  const items: T[] = [];
  for (const item of set) items.push(item);
  return items;
}

/** Returns the keys of a table, in no order. */
export function keys_of<K extends AnyNotNil, V>(table_of: LuaTable<K, V>): K[] {
  const keys: K[] = [];
  for (const [key] of pairs(table_of)) keys.push(key);
  return keys;
}

/** Returns the smallest of some texts in their order, at most `most`. Calls `pause` after each text. */
export function smallest(texts: readonly string[], most: number, pause: (this: void) => void): string[] {
  const found: string[] = [];
  for (const text of texts) {
    if (found.length < most || text < found[found.length - 1]) {
      let place = found.length;
      while (place > 0 && text < found[place - 1]) place -= 1;
      table.insert(found, place + 1, text);
      if (found.length > most) found.pop();
    }
    pause();
  }
  return found;
}

/**
 * Returns the key of a table that `known` lacks, the first by its text if there are several: the order of
 * `pairs` differs from worker to worker. Undefined: there is none.
 */
export function unknown_key(table_of: object, known: object): unknown {
  let first: unknown;
  for (const [key] of pairs(table_of as Record<string, unknown>)) {
    if (!(key in known) && (first === undefined || tostring(key) < tostring(first))) first = key;
  }
  return first;
}
