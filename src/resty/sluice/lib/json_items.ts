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

/** Reads a long list in a JSON text piece by piece. Pure. */

type Take = (this: void, item: unknown) => void;

const BYTES_AT_ONCE = 8192;

/** Skips a value. Returns its end, or undefined and the error. */
function read_value(scan: Scan, from: number): Result<number> {
  const end = end_of_value(scan, from);
  if (end === undefined) return $multi(undefined, no_value(from));
  const [value, cause] = decode(`[${string.sub(scan.text, from, end)}]`);
  return $multi(value === undefined ? undefined : end, cause);
}

/** Decodes the items from `first` to `last` and passes them on. Returns the error. */
function take_items({ text }: Scan, first: number, last: number, take: Take): string | undefined {
  const [items, cause] = decode(`[${string.sub(text, first, last)}]`);
  if (items === undefined) return cause ?? "";
  for (const item of items as unknown[]) take(item);
  return undefined;
}

/** Reads the list whose bracket is at `from`. Returns its end, or undefined and the error. */
function read_list(scan: Scan, from: number, take: Take): Result<number> {
  let first = skip_blanks(scan, from + 1);
  if (byte_at(scan, first) === "]") return $multi(first, undefined);
  let position = first;
  while (true) {
    const end = end_of_value(scan, position);
    if (end === undefined) return $multi(undefined, no_value(position));
    const behind = skip_blanks(scan, end + 1);
    const is_last = byte_at(scan, behind) === "]";
    if (!is_last && byte_at(scan, behind) !== ",")
      return $multi(undefined, `there is no comma at character ${behind}`);
    if (is_last || behind - first > BYTES_AT_ONCE) {
      const bad = take_items(scan, first, end, take);
      if (bad !== undefined) return $multi(undefined, bad);
      scan.pause();
      first = behind + 1;
    }
    if (is_last) return $multi(behind, undefined);
    position = skip_blanks(scan, behind + 1);
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
    return is_list ? read_list(scan, from, take) : read_value(scan, from);
  });
  return $multi(bad === undefined ? is_there : undefined, bad);
}
