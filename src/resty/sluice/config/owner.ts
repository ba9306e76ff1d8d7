import { refuse, type Read } from "./reader";

const LONGEST_OWNER = 64;

/** Reads the name of an upstream's owner. Any phase. */
export function read_owner(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.find(value, "^[%w._:@/-]+$")[0] === undefined)
    return refuse(path, "must be a non-empty string of letters, digits and . _ : @ / -");
  if (value.length > LONGEST_OWNER) return refuse(path, `must not be longer than ${LONGEST_OWNER} bytes`);
  return $multi(value, undefined);
}
