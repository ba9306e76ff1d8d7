/** Returns the first key after all keys that begin with `prefix`. Pure. */
export function end_of_prefix(prefix: string): string {
  for (let last = prefix.length; last > 0; last -= 1) {
    const byte = string.byte(prefix, last);
    if (byte < 255) return string.sub(prefix, 1, last - 1) + string.char(byte + 1);
  }
  return "\0";
}

/** The keys from `first` up to `end`, which is excluded. The end "\0" means no limit. */
export interface Range {
  first: string;
  end: string;
}

/** Returns the smallest range with all keys below some prefixes. There must be at least one prefix. Pure. */
export function covering_range(prefixes: readonly string[]): Range {
  const range: Range = { first: prefixes[0], end: end_of_prefix(prefixes[0]) };
  for (const prefix of prefixes) {
    const end = end_of_prefix(prefix);
    if (prefix < range.first) range.first = prefix;
    if (end === "\0" || (range.end !== "\0" && end > range.end)) range.end = end;
  }
  return range;
}
