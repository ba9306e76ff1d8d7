import { refuse, type Reader } from "./reader";
import type { Size } from "./values";

const BYTES: Record<string, number> = { "": 1, k: 1024, m: 1048576, g: 1073741824 };
const MOST_DIGITS = 12;

/** Reads an nginx size. Returns bytes; undefined: it is not a size. Any phase. */
export function parse_size(text: string): number | undefined {
  const [digits, unit] = string.match(text, "^(%d+)(%a?)$");
  if (digits === undefined || digits.length > MOST_DIGITS) return undefined;
  const scale = BYTES[string.lower(unit)] as number | undefined;
  return scale === undefined ? undefined : (tonumber(digits) as number) * scale;
}

/** Makes the reader of an nginx size from `smallest` to `largest`, which are sizes too. */
export function size_from(smallest: string, largest: string): Reader<Size> {
  const from = parse_size(smallest) as number;
  const to = parse_size(largest) as number;
  const reason = `must be a size from ${smallest} to ${largest}`;
  return (path, value) => {
    const bytes = typeof value === "string" ? parse_size(value) : undefined;
    if (bytes === undefined || bytes < from || bytes > to) return refuse(path, reason);
    return $multi(value as Size, undefined);
  };
}
