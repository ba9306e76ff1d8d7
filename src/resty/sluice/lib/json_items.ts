import { decode } from "./json";
import {
  byte_at,
  end_of_value,
  new_scan,
  no_value,
  read_whole_object,
  skip_blanks,
  type Scan,
} from "./json_scan";
import type { Result } from "./result";

/** Reads long lists in a JSON text piece by piece. Pure. */

type Take = (this: void, item: unknown) => void;

const BYTES_AT_ONCE = 8192;
/** What stands between most items. */
const BETWEEN = "},";

/** Reads a value. Returns its end and a list with the value, or undefined and the error. */
function read_value(
  scan: Scan,
  from: number,
): LuaMultiReturn<[end: number | undefined, cause: string | undefined, value?: unknown[]]> {
  const end = end_of_value(scan, from);
  if (end === undefined) return $multi(undefined, no_value(from));
  const [value, cause] = decode(`[${string.sub(scan.text, from, end)}]`);
  return $multi(value === undefined ? undefined : end, cause, value as unknown[]);
}

/** Decodes the items from `first` to `last` and passes them on. Returns the error. */
function take_items({ text }: Scan, first: number, last: number, take: Take): string | undefined {
  // As deep as in the object, so that the decoder refuses what it refuses in the whole text.
  const [lists, cause] = decode(`[[${string.sub(text, first, last)}]]`);
  if (lists === undefined) return cause ?? "";
  for (const item of (lists as unknown[][])[0]) take(item);
  return undefined;
}

/**
 * Takes the items of a list from `first` on, as long as they end where objects seem to end. Returns where
 * the others begin. Part of a list is itself a list only if it ends between two of its items.
 */
function take_objects(scan: Scan, from: number, take: Take): number {
  let first = from;
  while (true) {
    // Not searched to the end of the text, which may be far: each step must take as long as its items.
    const next = first + BYTES_AT_ONCE;
    const [found] = string.find(string.sub(scan.text, next, next + BYTES_AT_ONCE), BETWEEN, 1, true);
    if (found === undefined) return first;
    const end = next + found - 1;
    if (take_items(scan, first, end, take) !== undefined) return first;
    scan.pause();
    first = end + BETWEEN.length;
  }
}

/** Returns whether a list cannot end in the bytes of a step. */
function is_long(scan: Scan, start: number): boolean {
  const [bracket] = string.find(scan.text, "]", start, true);
  return bracket !== undefined && bracket - start > BYTES_AT_ONCE;
}

/** Reads the list whose bracket is at `from`. Returns its end, or undefined and the error. */
function read_list(scan: Scan, from: number, take: Take): Result<number> {
  const start = skip_blanks(scan, from + 1);
  if (byte_at(scan, start) === "]") return $multi(start, undefined);
  let first = is_long(scan, start) ? take_objects(scan, start, take) : start;
  let position = skip_blanks(scan, first);
  while (true) {
    const end = end_of_value(scan, position);
    if (end === undefined) return $multi(undefined, no_value(position));
    const behind = skip_blanks(scan, end + 1);
    const is_last = byte_at(scan, behind) === "]";
    if (!is_last && byte_at(scan, behind) !== ",")
      return $multi(undefined, `there is no comma at character ${behind}`);
    let next = behind + 1;
    if (is_last || behind - first > BYTES_AT_ONCE) {
      const bad = take_items(scan, first, end, take);
      if (bad !== undefined) return $multi(undefined, bad);
      scan.pause();
      if (is_last) return $multi(behind, undefined);
      next = take_objects(scan, next, take);
      first = next;
    }
    position = skip_blanks(scan, next);
  }
}

/**
 * Reads the items of the list that is the member `name` of a JSON object. Calls `pause` after small steps.
 *
 * @returns whether there is such a list; undefined and the reason when the text is not JSON
 */
export function read_items(
  text: string,
  name: string,
  pause: (this: void) => void,
  take: Take,
): Result<boolean> {
  const scan = new_scan(text, pause);
  let is_there = false;
  if (byte_at(scan, skip_blanks(scan, 1)) === "[") return $multi(false, undefined);
  const bad = read_whole_object(scan, (member, from) => {
    const is_list = member === name && byte_at(scan, from) === "[";
    is_there = is_there || is_list;
    if (is_list) return read_list(scan, from, take);
    const [end, cause] = read_value(scan, from);
    return $multi(end, cause);
  });
  return $multi(bad === undefined ? is_there : undefined, bad);
}

/**
 * Decodes a JSON object. Calls `pause` after small steps in its lists.
 *
 * @returns undefined when the text is not one
 */
export function decode_object(
  text: string,
  pause: (this: void) => void,
): Record<string, unknown> | undefined {
  const scan = new_scan(text, pause);
  const object: Record<string, unknown> = {};
  const bad = read_whole_object(scan, (member, from) => {
    if (byte_at(scan, from) === "[") {
      const items: unknown[] = [];
      object[member] = items;
      return read_list(scan, from, (item) => items.push(item));
    }
    const [end, cause, value] = read_value(scan, from);
    if (value !== undefined) object[member] = value[0];
    return $multi(end, cause);
  });
  return bad === undefined ? object : undefined;
}
