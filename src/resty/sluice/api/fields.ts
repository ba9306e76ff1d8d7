import { shape, shaped } from "../lib/json";
import { argument } from "./request";

/** Reads the query argument `fields`, the names of the wanted members. Undefined: all members. */
export function wanted_fields(): string[] | undefined {
  const value = argument("fields");
  if (value === undefined) return undefined;
  const fields: string[] = [];
  for (const [field] of string.gmatch(value, "[^,]+")) fields.push(field);
  return fields;
}

export function filter_object(object: object, fields: readonly string[] | undefined): object {
  if (fields === undefined) return object;
  const filtered: Record<string, unknown> = {};
  for (const field of fields) filtered[field] = (object as Record<string, unknown>)[field];
  return shaped(filtered, shape(fields));
}
