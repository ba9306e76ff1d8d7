import { refuse, type Read } from "../../config/reader";
import { parse_iso8601 } from "../../lib/iso8601";
import { is_secret } from "./secret";

/** The readers of what was stored on disk or by other gateways. Pure. */

export const LARGEST_WHOLE = 2 ** 53;

export const NOT_WHOLE = "must be a whole number in its range";

/** Returns whether a value is a whole number from `smallest` up, and exact. */
export function is_whole(value: unknown, smallest: number): value is number {
  if (typeof value !== "number") return false;
  return value === math.floor(value) && value >= smallest && value <= LARGEST_WHOLE;
}

export function read_whole(this: void, path: string, value: unknown): Read<number> {
  if (!is_whole(value, 0)) return refuse(path, NOT_WHOLE);
  return $multi(value, undefined);
}

export function read_true(this: void, path: string, value: unknown): Read<true> {
  if (value !== true) return refuse(path, "must be true");
  return $multi(value, undefined);
}

export function read_iso8601(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || parse_iso8601(value) === undefined)
    return refuse(path, "must be a time in ISO 8601");
  return $multi(value, undefined);
}

export function read_secret(this: void, path: string, value: unknown): Read<string> {
  if (!is_secret(value)) return refuse(path, "must be 32 hexadecimal digits");
  return $multi(value, undefined);
}

/** Reads a version of a cluster. Version 0.1.0 stored only its revision. */
export function read_version(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.find(value, "^[%x.]+$")[0] === undefined)
    return refuse(path, "must be hexadecimal digits and dots");
  return $multi(value, undefined);
}
