import { decode } from "./json";
import type { Result } from "./result";

/**
 * Reads a long list in a JSON text piece by piece, because decoding all of it at once would block the worker.
 * Brackets and strings divide the text into items; each piece is then decoded as JSON. Pure.
 */

interface Scan {
  text: string;
  pause: (this: void) => void;
  steps: number;
}

/** The end of a value; undefined: the text ends before it. */
type End = number | undefined;
type Take = (this: void, item: unknown) => void;

const STEPS_AT_ONCE = 256;
const BYTES_AT_ONCE = 8192;

function note_step(scan: Scan): void {
  scan.steps += 1;
  if (scan.steps % STEPS_AT_ONCE === 0) scan.pause();
}

/** Returns the position of the next byte that is not white space. */
function skip_blanks({ text }: Scan, from: number): number {
  return string.find(text, "[^ \t\r\n]", from)[0] ?? text.length + 1;
}

function byte_at({ text }: Scan, position: number): string {
  return string.sub(text, position, position);
}

/** Returns the end of the string whose opening quote is at `from`. */
function end_of_string(scan: Scan, from: number): End {
  let [position] = string.find(scan.text, '["\\]', from + 1);
  while (position !== undefined && byte_at(scan, position) === "\\") {
    note_step(scan);
    [position] = string.find(scan.text, '["\\]', position + 2);
  }
  return position;
}

/** Returns the end of the object or list whose bracket is at `from`. */
function end_of_brackets(scan: Scan, from: number): End {
  let depth = 0;
  let position: End = from;
  while (position !== undefined) {
    note_step(scan);
    const byte = byte_at(scan, position);
    if (byte === '"') position = end_of_string(scan, position);
    else depth += byte === "{" || byte === "[" ? 1 : -1;
    if (depth === 0 || position === undefined) return position;
    [position] = string.find(scan.text, '[][{}"]', position + 1);
  }
  return undefined;
}

/** Returns the end of the value that begins at `from`. */
function end_of_value(scan: Scan, from: number): End {
  const byte = byte_at(scan, from);
  if (byte === '"') return end_of_string(scan, from);
  if (byte === "{" || byte === "[") return end_of_brackets(scan, from);
  const [behind] = string.find(scan.text, "[],} \t\r\n]", from);
  return behind === undefined || behind === from ? undefined : behind - 1;
}

function no_value(position: number): string {
  return `there is no whole value at character ${position}`;
}

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
  const scan: Scan = { text, pause, steps: 0 };
  const start = skip_blanks(scan, 1);
  let is_there = false;
  let position = skip_blanks(scan, start + 1);
  if (byte_at(scan, start) === "[") return $multi(false, undefined);
  if (byte_at(scan, start) !== "{") return $multi(undefined, "it does not begin with an object");
  if (byte_at(scan, position) === "}") return $multi(false, undefined);
  while (true) {
    const end_of_name = byte_at(scan, position) === '"' ? end_of_string(scan, position) : undefined;
    const colon = skip_blanks(scan, (end_of_name ?? text.length) + 1);
    if (end_of_name === undefined || byte_at(scan, colon) !== ":")
      return $multi(undefined, `there is no name at character ${position}`);
    const from = skip_blanks(scan, colon + 1);
    const is_list = string.sub(text, position + 1, end_of_name - 1) === name && byte_at(scan, from) === "[";
    const [end, bad] = is_list ? read_list(scan, from, take) : read_value(scan, from);
    if (end === undefined) return $multi(undefined, bad);
    is_there = is_there || is_list;
    const behind = skip_blanks(scan, end + 1);
    if (byte_at(scan, behind) === "}") {
      const is_end = skip_blanks(scan, behind + 1) > text.length;
      return $multi(is_end ? is_there : undefined, is_end ? undefined : "more follows its end");
    }
    if (byte_at(scan, behind) !== ",") return $multi(undefined, `there is no comma at character ${behind}`);
    position = skip_blanks(scan, behind + 1);
  }
}
