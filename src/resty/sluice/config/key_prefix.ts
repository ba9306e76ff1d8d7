import type { Result } from "../lib/result";

/** A prefix of keys in which `{name}` stands for the name of an upstream: `/upstreams/{name}/`. */
export interface KeyPrefix {
  /** What all keys begin with. It ends with a slash. */
  before: string;
  /** What follows the name. It begins and ends with a slash. */
  after: string;
}

const PLACE = "{name}";

/** Parses a prefix. Returns it, or undefined and what it must be. Any phase. */
export function parse_key_prefix(text: string): Result<KeyPrefix> {
  const [start, end] = string.find(text, PLACE, 1, true);
  if (start === undefined || string.find(text, PLACE, end + 1, true)[0] !== undefined)
    return $multi(undefined, `must contain ${PLACE} exactly once`);
  const before = string.sub(text, 1, start - 1);
  const rest = string.sub(text, end + 1);
  const after = string.sub(rest, -1) === "/" ? rest : `${rest}/`;
  if (string.sub(before, -1) !== "/" || string.sub(after, 1, 1) !== "/")
    return $multi(undefined, `must have a slash before and after ${PLACE}, such as "/upstreams/${PLACE}/"`);
  return $multi({ before, after }, undefined);
}

/**
 * Returns the name in a key that begins with `before`, and whether the key is below `after`. The name is
 * undefined if no slash follows it. Any phase.
 */
export function name_in_key(
  { before, after }: KeyPrefix,
  key: string,
): LuaMultiReturn<[name: string | undefined, is_below: boolean]> {
  const [slash] = string.find(key, "/", before.length + 1, true);
  if (slash === undefined) return $multi(undefined, false);
  const name = string.sub(key, before.length + 1, slash - 1);
  return $multi(name, string.sub(key, slash, slash + after.length - 1) === after);
}
