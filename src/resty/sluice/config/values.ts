import { is_table } from "../lib/json";
import { refuse, type Read, type Reader } from "./reader";
import { parse_time } from "./time";

/** An nginx time, such as `"100ms"`, `"10s"` or `"1h 30m"`. */
export type Time = string & {};

/** An nginx size, such as `"512k"`, `"16m"` or `"1g"`. */
export type Size = string & {};

/** Makes the reader of a whole number from `smallest` to `largest`. */
export function whole_from(smallest: number, largest: number): Reader<number> {
  const reason = `must be a whole number from ${smallest} to ${largest}`;
  return (path, value) => {
    const is_whole = typeof value === "number" && value === math.floor(value);
    if (!is_whole || value < smallest || value > largest) return refuse(path, reason);
    return $multi(value, undefined);
  };
}

/** Makes the reader of a number from `smallest` to `largest`. */
export function number_from(smallest: number, largest: number): Reader<number> {
  const reason = `must be a number from ${smallest} to ${largest}`;
  return (path, value) => {
    // NaN fails each comparison.
    if (typeof value !== "number" || !(value >= smallest && value <= largest)) return refuse(path, reason);
    return $multi(value, undefined);
  };
}

function with_unit(value: number): string {
  const is_whole = value >= 0 && value < 1e9 && value === math.floor(value);
  return string.format("%ds", is_whole ? value : 5);
}

/**
 * Makes the reader of an nginx time from `smallest` to `largest`, which are times too. It keeps the spelling.
 */
export function time_from(smallest: string, largest: string): Reader<Time> {
  const from = parse_time(smallest) as number;
  const to = parse_time(largest) as number;
  const reason = `must be a time from ${smallest} to ${largest}`;
  return (path, value) => {
    if (typeof value === "number")
      return refuse(path, `${reason}, with a unit, such as "${with_unit(value)}"`);
    const milliseconds = typeof value === "string" ? parse_time(value) : undefined;
    if (milliseconds === undefined || milliseconds < from || milliseconds > to) return refuse(path, reason);
    return $multi(value as Time, undefined);
  };
}

/** Reads a boolean. Any phase. */
export function read_flag(this: void, path: string, value: unknown): Read<boolean> {
  if (typeof value !== "boolean") return refuse(path, "must be true or false");
  return $multi(value, undefined);
}

/** Reads any string. Any phase. */
export function read_string(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string") return refuse(path, "must be a string");
  return $multi(value, undefined);
}

/** Makes the reader of a string that is one of `names`. */
export function one_of<const Name extends string>(names: readonly Name[]): Reader<Name> {
  const reason = `must be one of "${table.concat(names as readonly string[] as string[], '", "')}"`;
  return (path, value) => {
    for (const name of names) {
      if (value === name) return $multi(name, undefined);
    }
    return refuse(path, reason);
  };
}

/** Reads a list of any items; a JSON `{}` counts as an empty list. Any phase. */
export function read_list(path: string, value: unknown): Read<unknown[]> {
  if (!is_table(value)) return refuse(path, "must be a list");
  for (const [key] of pairs(value as unknown as LuaTable<AnyNotNil, unknown>)) {
    if (typeof key !== "number") return refuse(path, "must be a list");
  }
  return $multi(value as unknown as unknown[], undefined);
}

/** Makes the reader of a list of `least` to `most` items, each read by `read`. */
export function list_of<T>(read: Reader<T>, most: number, least = 1): Reader<T[]> {
  return (path, value) => {
    const [items, problem] = read_list(path, value);
    if (items === undefined) return $multi(undefined, problem);
    if (items.length < least || items.length > most)
      return refuse(path, `must be a list of ${least} to ${most} items`);
    const list: T[] = [];
    for (const index of $range(0, items.length - 1)) {
      const [item, bad] = read(`${path}[${index}]`, items[index]);
      if (bad !== undefined) return $multi(undefined, bad);
      list.push(item as T);
    }
    return $multi(list, undefined);
  };
}
