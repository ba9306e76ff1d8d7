import { decode } from "./json";
import type { Result } from "./result";

/**
 * Divides a long JSON text into parts that are decoded one by one, because decoding all of it at once would
 * block the worker. Brackets and strings show where a value ends. Pure.
 */

/** A text that is being divided. `pause` is called after small steps. */
export interface Scan {
  text: string;
  pause: (this: void) => void;
  steps: number;
}

/** The end of a value; undefined: the text ends before it. */
type End = number | undefined;

/** A step may include work of the garbage collector, which takes up to a millisecond. */
const STEPS_AT_ONCE = 16;

function note_step(scan: Scan): void {
  scan.steps += 1;
  if (scan.steps % STEPS_AT_ONCE === 0) scan.pause();
}

/** Begins to divide a text. */
export function new_scan(text: string, pause: (this: void) => void): Scan {
  return { text, pause, steps: 0 };
}

/** Returns the position of the next byte that is not white space. */
export function skip_blanks({ text }: Scan, from: number): number {
  return string.find(text, "[^ \t\r\n]", from)[0] ?? text.length + 1;
}

export function byte_at({ text }: Scan, position: number): string {
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
export function end_of_value(scan: Scan, from: number): End {
  const byte = byte_at(scan, from);
  if (byte === '"') return end_of_string(scan, from);
  if (byte === "{" || byte === "[") return end_of_brackets(scan, from);
  const [behind] = string.find(scan.text, "[],} \t\r\n]", from);
  return behind === undefined || behind === from ? undefined : behind - 1;
}

export function no_value(position: number): string {
  return `there is no whole value at character ${position}`;
}

/** Reads the value of a member, which begins at `from`. Returns its end, or undefined and the error. */
type ReadMember = (this: void, name: string, from: number) => Result<number>;

/** Reads the name whose quote is at `from`. Returns it and the position of the value, or the error. */
function read_name(
  scan: Scan,
  from: number,
): LuaMultiReturn<[name: string | undefined, value_at: number, cause: string | undefined]> {
  const end = byte_at(scan, from) === '"' ? end_of_string(scan, from) : undefined;
  const colon = skip_blanks(scan, (end ?? scan.text.length) + 1);
  const [names] = end === undefined ? [undefined] : decode(`[${string.sub(scan.text, from, end)}]`);
  if (names === undefined || byte_at(scan, colon) !== ":")
    return $multi(undefined, 0, `there is no name at character ${from}`);
  return $multi((names as string[])[0], skip_blanks(scan, colon + 1), undefined);
}

/** Reads the members of the object whose bracket is at `start`. Returns its end, or the error. */
export function read_object(scan: Scan, start: number, read: ReadMember): Result<number> {
  let position = skip_blanks(scan, start + 1);
  if (byte_at(scan, position) === "}") return $multi(position, undefined);
  while (true) {
    const [name, from, no_name] = read_name(scan, position);
    if (name === undefined) return $multi(undefined, no_name);
    const [end, bad] = read(name, from);
    if (end === undefined) return $multi(undefined, bad);
    const behind = skip_blanks(scan, end + 1);
    if (byte_at(scan, behind) === "}") return $multi(behind, undefined);
    if (byte_at(scan, behind) !== ",") return $multi(undefined, `there is no comma at character ${behind}`);
    position = skip_blanks(scan, behind + 1);
  }
}

/** Reads the members of the object that a text is. Returns the error. */
export function read_whole_object(scan: Scan, read: ReadMember): string | undefined {
  const start = skip_blanks(scan, 1);
  if (byte_at(scan, start) !== "{") return "it does not begin with an object";
  const [end, bad] = read_object(scan, start, read);
  if (end === undefined) return bad;
  return skip_blanks(scan, end + 1) > scan.text.length ? undefined : "more follows its end";
}
