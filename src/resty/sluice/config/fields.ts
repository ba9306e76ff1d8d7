import { is_table, json_null } from "../lib/json";
import { invalid_value, unknown_parameter, type Problem } from "./problem";

/** What a reader returns: the value, or undefined and the problem. */
export type Read<T = unknown> = LuaMultiReturn<[T | undefined, Problem | undefined]>;

/** Checks one value and fills in what it leaves out. `path` names it in the problem, as in `sticky.cookie.name`. */
export type Reader<T = unknown> = (this: void, path: string, value: unknown) => Read<T>;

/** Readers by the names of the fields that an object may have. */
export type Readers = Record<string, Reader | undefined>;

/** A reader for every field of `Config` and, beside those that are only `Refused`, for no other. */
export type ReadersOf<Config, Refused extends string = never> = Record<keyof Config | Refused, Reader>;

/**
 * Reads the fields of an object, each with its reader, and refuses one that has none. Any phase.
 *
 * @param prefix what stands before a field's name in a problem, such as `hash.`
 * @returns the fields that are given, or undefined and the problem
 */
export function read_fields(
  input: Record<string, unknown>,
  prefix: string,
  readers: Readers,
): Read<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of pairs(input)) {
    const path = `${prefix}${tostring(name)}`;
    const read = readers[name];
    if (read === undefined) return $multi(undefined, unknown_parameter(path));
    const [field, problem] = read(path, value);
    if (problem !== undefined) return $multi(undefined, problem);
    fields[name] = field;
  }
  return $multi(fields, undefined);
}

/**
 * Reads an object that is a field itself. Any phase.
 *
 * @param path names it in a problem; "": it is the whole input
 * @param defaults the fields that it has when they are not given
 * @returns the object, or undefined and the problem
 */
export function read_block(
  path: string,
  value: unknown,
  readers: Readers,
  defaults: Record<string, unknown>,
): Read<Record<string, unknown>> {
  if (!is_table(value) || (value as unknown as unknown[])[0] !== undefined) {
    return $multi(undefined, invalid_value(path, "not an object"));
  }
  const [fields, problem] = read_fields(value, path === "" ? "" : `${path}.`, readers);
  if (fields === undefined) return $multi(undefined, problem);
  return $multi({ ...defaults, ...fields }, undefined);
}

/**
 * Reads members that may be absent, or changes those of `base`: one that is given replaces that of before as a whole, and
 * JSON's null takes it off. Any phase.
 *
 * @param input an object; what has no reader here is left to the caller
 * @returns the members that are there, or undefined and the problem
 */
export function read_members(
  input: Record<string, unknown>,
  base: object | undefined,
  readers: readonly [name: string, read: Reader][],
): Read<Record<string, unknown>> {
  const members: Record<string, unknown> = {};
  for (const [name, read] of readers) {
    const value = input[name];
    if (value === undefined) {
      members[name] = (base as Record<string, unknown> | undefined)?.[name];
    } else if (value !== json_null) {
      const [member, problem] = read(name, value);
      if (problem !== undefined) return $multi(undefined, problem);
      members[name] = member;
    }
  }
  return $multi(members, undefined);
}

/** Reads a list, whatever its items are; a JSON `{}` passes for an empty one. Any phase. */
export function read_list(path: string, value: unknown): Read<unknown[]> {
  if (!is_table(value)) return $multi(undefined, invalid_value(path, "not a list"));
  for (const [key] of pairs(value as unknown as LuaTable<AnyNotNil, unknown>)) {
    if (typeof key !== "number") return $multi(undefined, invalid_value(path, "not a list"));
  }
  return $multi(value as unknown as unknown[], undefined);
}

/** Reads a boolean. Any phase. */
export function read_flag(this: void, path: string, value: unknown): Read<boolean> {
  if (typeof value !== "boolean") return $multi(undefined, invalid_value(path, "not a boolean"));
  return $multi(value, undefined);
}

/** Makes the reader of a string that is one of `names`. */
export function one_of(names: readonly string[]): Reader<string> {
  const reason = `not one of "${table.concat(names as string[], '", "')}"`;
  return (path, value) => {
    for (const name of names) {
      if (value === name) return $multi(name, undefined);
    }
    return $multi(undefined, invalid_value(path, reason));
  };
}
