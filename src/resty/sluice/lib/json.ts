import * as cjson from "cjson.safe";

import type { Result } from "./result";

/**
 * JSON as API clients need it. cjson writes an empty list as `{}`, and numbers of 15 digits in exponent form.
 */

const codec = cjson.new();
codec.decode_invalid_numbers(false);

/** The value that cjson returns for JSON's null. */
export const json_null: unknown = cjson.null;

interface Shape {
  fields: readonly string[];
  /** The text before each member: its name and a colon. */
  starts: readonly string[];
}

const LIST: object = {};
const RAW: object = {};

/** A value that is written as its JSON text. */
interface Raw {
  text: string;
}

/** Returns a value that `encode` writes as a JSON text, which must be valid. */
export function raw(text: string): object {
  return setmetatable({ text }, RAW as LuaMetatable<Raw>);
}

/** Marks `items` as a JSON array, so that it stays one when it is empty. Returns it. */
export function list<T>(items: T[]): T[] {
  return setmetatable(items, LIST as LuaMetatable<T[]>);
}

/** Returns a metatable that orders the members of an object as in these lists. Other members are omitted. */
export function shape(...lists: (readonly string[])[]): Shape {
  const fields: string[] = [];
  for (const names of lists) {
    for (const name of names) fields.push(name);
  }
  const starts: string[] = [];
  for (const name of fields) starts.push(`${encode_string(name)}:`);
  return { fields, starts };
}

/** Gives `object` the member order of `its_shape`. Returns it. */
export function shaped<T extends object>(object: T, its_shape: Shape): T {
  return setmetatable(object, its_shape as LuaMetatable<T>);
}

/** Returns the words of a text, in their order. */
export function words(text: string): string[] {
  const found: string[] = [];
  for (const [word] of string.gmatch(text, "%S+")) found.push(word);
  return found;
}

/** Returns a function that orders the members of objects by a text with their names, and omits others. */
export function record(names: string): <T extends object>(this: void, object: T) => T {
  const its_shape = shape(words(names));
  return (object) => shaped(object, its_shape);
}

function encode_number(value: number): string {
  if (value === math.floor(value) && math.abs(value) <= 9007199254740992) return string.format("%d", value);
  return string.format("%.14g", value);
}

function sorted_keys(value: object): string[] {
  const keys: string[] = [];
  for (const [key] of pairs(value as Record<string, unknown>)) keys.push(key);
  table.sort(keys);
  return keys;
}

/** A string without any character that JSON escapes or that cjson must examine. */
const PLAIN = "^[%w .:_%-%[%]]*$";

function encode_string(value: string): string {
  return string.find(value, PLAIN)[0] === undefined ? (codec.encode(value)[0] ?? '""') : `"${value}"`;
}

const NO_MEMBERS: Record<string, unknown> = {};

/** Appends a value's JSON text to `parts`, which has `count` parts. Returns the new count. */
function put(parts: string[], count: number, value: unknown): number {
  if (typeof value === "number") parts[count] = encode_number(value);
  else if (typeof value === "string") parts[count] = encode_string(value);
  else if (typeof value === "boolean") parts[count] = value ? "true" : "false";
  else if (type(value) !== "table") parts[count] = "null";
  else return put_table(parts, count, value as object);
  return count + 1;
}

function put_list(parts: string[], count: number, items: readonly unknown[]): number {
  let end = count;
  for (const item of items) {
    parts[end] = end === count ? "[" : ",";
    end = put(parts, end + 1, item);
  }
  parts[end] = end === count ? "[]" : "]";
  return end + 1;
}

function put_table(parts: string[], count: number, value: object): number {
  const metatable = getmetatable(value) as unknown;
  if (metatable === RAW) {
    parts[count] = (value as Raw).text;
    return count + 1;
  }
  if (metatable === LIST || (value as unknown[])[0] !== undefined)
    return put_list(parts, count, value as unknown[]);
  const its_shape = metatable === undefined ? shape(sorted_keys(value)) : (metatable as Shape);
  return put_members(parts, count, its_shape, value as Record<string, unknown>, NO_MEMBERS);
}

/** Appends the members of an object, of which those that it lacks are taken from `base`. */
function put_members(
  parts: string[],
  count: number,
  { fields, starts }: Shape,
  object: Record<string, unknown>,
  base: Record<string, unknown>,
): number {
  let end = count;
  for (const index of $range(0, fields.length - 1)) {
    const member = object[fields[index]] ?? base[fields[index]];
    if (member !== undefined) {
      parts[end] = end === count ? "{" : ",";
      parts[end + 1] = starts[index];
      end = put(parts, end + 2, member);
    }
  }
  parts[end] = end === count ? "{}" : "}";
  return end + 1;
}

/** The parts of a text. The list is used again, because it takes longer to grow than to fill. */
let reused: string[] = [];
/** A list of longer texts is not used again, so that it does not keep their memory. */
const LONGEST_REUSED = 16384;

/** Returns the text of the first parts. */
function text_of(parts: string[], count: number): string {
  const text = table.concat(parts, "", 1, count);
  if (text.length > LONGEST_REUSED) reused = [];
  return text;
}

/** Writes JSON: integers exactly up to 2^53, members in the order of the shape or sorted. Any phase. */
export function encode(value: unknown): string {
  const parts = reused;
  return text_of(parts, put(parts, 0, value));
}

/** As `encode`, for an object of a shape. The members that it lacks are those of `base`. Any phase. */
export function encode_over(base: object, object: object, its_shape: Shape): string {
  const parts = reused;
  const [members, others] = [object, base] as Record<string, unknown>[];
  return text_of(parts, put_members(parts, 0, its_shape, members, others));
}

/** Returns whether two values have the same JSON text. Any phase. */
export function is_equal(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  return is_table(one) && is_table(other) && encode(one) === encode(other);
}

/** Parses JSON text. Returns the value, or undefined and the error. Any phase. */
export function decode(text: string): Result<unknown> {
  // cjson takes this character for the end of the text, so that anything could follow an object.
  const [end] = string.find(text, "\0", 1, true);
  if (end !== undefined) return $multi(undefined, `there is a null character at character ${end}`);
  return codec.decode(text);
}

/** Returns whether a value is a table: a JSON object or array, or a Lua table. */
export function is_table(value: unknown): value is Record<string, unknown> {
  return type(value) === "table";
}

/** Returns a JSON object, or an empty one for any other value: for answers that are only partly known. */
export function as_object(value: unknown): Record<string, unknown> {
  return is_table(value) ? value : {};
}
