import { may_die, note_change, step } from "./process";

/**
 * A shared dict of limited size. As in lua-nginx-module, replacing a value by one of another size frees the
 * old value first, and it is lost if the new one finds no room.
 */

/** The bytes that an entry takes besides its key and value. */
const OVERHEAD = 64;

export interface SimulatedDict extends SharedDict {
  /** The bytes that can still be taken. */
  room: number;
}

function size_of(key: string, value: string | number): number {
  return OVERHEAD + key.length + (typeof value === "string" ? value.length : 8);
}

/** The text of an upstream that a change has staged. */
export interface Staged {
  name: string;
  text: string;
}

/** Makes a dict. `staged` gets the last text that was staged for a revision. */
export function new_dict(capacity: number, staged: LuaTable<number, Staged>): SimulatedDict {
  const values = new LuaTable<string, string | number>();
  const look = (key: string) => values.get(key) as string | number | undefined;

  function remove(dict: SimulatedDict, key: string): void {
    const before = look(key);
    if (before === undefined) return;
    dict.room += size_of(key, before);
    values.delete(key);
  }

  function put(dict: SimulatedDict, key: string, value: string | number): boolean {
    const before = look(key);
    const needed = size_of(key, value);
    if (before !== undefined && size_of(key, before) === needed) {
      values.set(key, value);
      return true;
    }
    remove(dict, key);
    // The dict is locked, but a worker may die between the removal of the old value and the new one.
    may_die();
    if (needed > dict.room) return false;
    dict.room -= needed;
    values.set(key, value);
    return true;
  }

  function note_staged(key: string, value: string | number): void {
    if (string.sub(key, 1, 7) !== "staged:" || typeof value !== "string") return;
    const [name, text] = string.match(value, "^([^\n]*)\n(.*)$");
    staged.set(tonumber(string.match(text, '"revision":(%d+)')[0]) as number, { name, text });
  }

  return {
    room: capacity,
    get(this: SharedDict, key) {
      step();
      return $multi(look(key), undefined);
    },
    safe_set(this: SharedDict, key, value) {
      note_change();
      step();
      const fits = put(this as SimulatedDict, key, value);
      if (fits) note_staged(key, value);
      return $multi(fits ? true : undefined, fits ? undefined : "no memory");
    },
    safe_add(this: SharedDict, key, value) {
      step();
      if (values.has(key)) return $multi(undefined, "exists");
      const fits = put(this as SimulatedDict, key, value);
      return $multi(fits ? true : undefined, fits ? undefined : "no memory");
    },
    delete(this: SharedDict, key) {
      note_change();
      step();
      remove(this as SimulatedDict, key);
    },
    incr(this: SharedDict, key, by) {
      step();
      const before = look(key);
      if (before === undefined) return $multi(undefined, "not found");
      values.set(key, (before as number) + by);
      return $multi((before as number) + by, undefined);
    },
    get_keys(this: SharedDict) {
      step();
      const keys: string[] = [];
      for (const [key] of pairs(values)) keys.push(key);
      table.sort(keys);
      return keys;
    },
    capacity(this: SharedDict) {
      return capacity;
    },
    free_space(this: SharedDict) {
      return this === undefined ? 0 : (this as SimulatedDict).room;
    },
  };
}
