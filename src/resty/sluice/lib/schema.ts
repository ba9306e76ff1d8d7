import { decode, is_table, json_null } from "./json";
import type { Result } from "./result";

/** Checks the types in the JSON answers of registries before they are used. Pure. */

/**
 * The type of a value: a scalar, a list, or an object with some members or with any names. Members that
 * `members` does not name may be anything.
 */
export type Schema =
  Scalar | { items: Schema } | { members: Readonly<Record<string, Schema>> } | { values: Schema };

/** `digits`: a whole number, possibly as text, because protobuf writes 64-bit numbers as text. */
type Scalar = "string" | "number" | "boolean" | "digits";

const NAMES: Record<Scalar, string> = {
  string: "a string",
  number: "a number",
  boolean: "a boolean",
  digits: "a whole number",
};

/** The path of a value that does not fit, and the expected type; undefined: everything fits. */
type Misfit = LuaMultiReturn<[path: string | undefined, wanted: string]>;

function is_scalar(value: unknown, wanted: Scalar): boolean {
  if (wanted !== "digits") return typeof value === wanted;
  return (
    (typeof value === "string" || typeof value === "number") &&
    string.find(tostring(value), "^%d+$")[0] !== undefined
  );
}

function is_list(value: unknown): value is unknown[] {
  return (
    is_table(value) && (next(value)[0] === undefined || (value as unknown as unknown[])[0] !== undefined)
  );
}

function is_object(value: unknown): value is Record<string, unknown> {
  return is_table(value) && (value as unknown as unknown[])[0] === undefined;
}

function find_misfit(value: unknown, schema: Schema): Misfit {
  if (typeof schema === "string") {
    return $multi(is_scalar(value, schema) ? undefined : "", NAMES[schema]);
  }
  if ("items" in schema) {
    if (!is_list(value)) return $multi("", "a list");
    for (const [number, item] of ipairs(value)) {
      const [path, wanted] = find_misfit(item, schema.items);
      if (path !== undefined) return $multi(`[${number - 1}]${path}`, wanted);
    }
    return $multi(undefined, "");
  }
  if (!is_object(value)) return $multi("", "an object");
  if ("values" in schema) return find_misfit_of_values(value, schema.values);
  for (const [name, its_schema] of pairs(schema.members)) {
    const member = value[name];
    if (member === json_null) {
      value[name] = undefined;
    } else if (member !== undefined) {
      const [path, wanted] = find_misfit(member, its_schema);
      if (path !== undefined) return $multi(`.${name}${path}`, wanted);
    }
  }
  return $multi(undefined, "");
}

function find_misfit_of_values(object: Record<string, unknown>, schema: Schema): Misfit {
  for (const [name, value] of pairs(object)) {
    if (value === json_null) {
      object[name] = undefined;
    } else {
      const [path, wanted] = find_misfit(value, schema);
      if (path !== undefined) return $multi(`.${name}${path}`, wanted);
    }
  }
  return $multi(undefined, "");
}

/** Returns the reason why an answer of a registry cannot be used. */
export function unexpected(source: string, what: string): string {
  return `${source}: unexpected answer: ${what}`;
}

/** Checks an answer; undefined: it fits. Removes null members, which registries write for absent ones. */
export function check_schema(source: string, value: unknown, schema: Schema): string | undefined {
  const [path, wanted] = find_misfit(value, schema);
  if (path === undefined) return undefined;
  const [name] = string.match(path, "^%.?(.*)$");
  return unexpected(source, name === "" ? `it is not ${wanted}` : `"${name}" is not ${wanted}`);
}

/** Decodes an answer and checks it. Returns the value, or undefined and why it cannot be used. */
export function decode_as<T>(source: string, text: string, schema: Schema): Result<T> {
  const [value, cause] = decode(text);
  if (value === undefined) return $multi(undefined, unexpected(source, `it is not JSON: ${cause ?? ""}`));
  const misfit = check_schema(source, value, schema);
  return $multi(misfit === undefined ? (value as T) : undefined, misfit);
}
