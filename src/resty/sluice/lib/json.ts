import * as cjson from "cjson.safe";

/**
 * JSON as API clients need it. cjson alone falls short on both platforms: it writes an empty list as `{}`, and
 * numbers of 15 digits and more in exponent form (Debian's cannot be set to do otherwise).
 */

const codec = cjson.new();
codec.decode_invalid_numbers(false);

/** What cjson gives for JSON's null. */
export const json_null: unknown = cjson.null;

interface Shape {
  fields: readonly string[];
}

const LIST: object = {};

/** Marks `items` as a JSON array, so that it stays one when it is empty. Returns it. */
export function list<T>(items: T[]): T[] {
  return setmetatable(items, LIST as LuaMetatable<T[]>);
}

/** A metatable that has an object's members written in the order of these lists; members not named are left out. */
export function shape(...lists: (readonly string[])[]): Shape {
  const fields: string[] = [];
  for (const names of lists) {
    for (const name of names) fields.push(name);
  }
  return { fields };
}

/** Gives `object` the member order of `its_shape`. Returns it. */
export function shaped<T extends object>(object: T, its_shape: Shape): T {
  return setmetatable(object, its_shape as LuaMetatable<T>);
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

/**
 * Writes a value as JSON text: integers exactly up to 2^53, members in the order of the object's shape, else
 * sorted. Any phase.
 */
export function encode(value: unknown): string {
  if (typeof value === "string") return codec.encode(value)[0] ?? '""';
  if (typeof value === "number") return encode_number(value);
  if (typeof value === "boolean") return tostring(value);
  if (type(value) !== "table") return "null";

  const metatable = getmetatable(value as object) as unknown;
  const parts: string[] = [];
  if (metatable === LIST || (value as unknown[])[0] !== undefined) {
    for (const item of value as unknown[]) parts.push(encode(item));
    return `[${table.concat(parts, ",")}]`;
  }
  const fields = metatable === undefined ? sorted_keys(value as object) : (metatable as Shape).fields;
  for (const field of fields) {
    const member = (value as Record<string, unknown>)[field];
    if (member !== undefined) parts.push(`${encode(field)}:${encode(member)}`);
  }
  return `{${table.concat(parts, ",")}}`;
}

/** Reads JSON text. Returns the value, or undefined and what is wrong with the text. Any phase. */
export function decode(text: string): LuaMultiReturn<[unknown, string | undefined]> {
  return codec.decode(text);
}

/** True for what was a JSON object or array, or a Lua table. */
export function is_table(value: unknown): value is Record<string, unknown> {
  return type(value) === "table";
}

/** What was a JSON object, or an empty one for anything else: for answers of which not all is known. */
export function as_object(value: unknown): Record<string, unknown> {
  return is_table(value) ? value : {};
}
