/** Functions for texts from outside. Each takes linear time for any text. Pure. */

/** Returns a text without white space at its ends. */
export function trim(text: string): string {
  const [start] = string.find(text, "%S");
  return start === undefined ? "" : string.match(text, "^.*%S", start)[0];
}

const MOST_NAMES = 5;
/** The most bytes of a character of UTF-8. All but its first are from 0x80 to 0xbf. */
const LONGEST_CHARACTER = 4;

/** Returns the first of some names for a message, and the number of the others. */
export function first_of(names: readonly string[]): string {
  const others = names.length - MOST_NAMES;
  const first = names.slice(0, MOST_NAMES).join(", ");
  return others > 0 ? `${first} and ${string.format("%d", others)} more` : first;
}

/** Returns at most about `most` bytes of a text. It cuts no character of UTF-8 in two. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  let end = most;
  for (const _ of $range(1, LONGEST_CHARACTER - 1)) {
    const next = string.byte(text, end + 1);
    if (next >= 0x80 && next <= 0xbf) end -= 1;
  }
  return `${string.sub(text, 1, end)}...`;
}

/** Iterates over the parts of a text that end with `terminator`, without it. The rest is omitted. */
export function terminated_parts(text: string, terminator: string): LuaIterable<string> {
  let position = 1;
  return (() => {
    const [part_end] = string.find(text, terminator, position, true);
    if (part_end === undefined) return undefined;
    const part = string.sub(text, position, part_end - 1);
    position = part_end + terminator.length;
    return part;
  }) as unknown as LuaIterable<string>;
}

/** Iterates over the lines of a text, without their ends. An unterminated last line is omitted. */
export function whole_lines(text: string): LuaIterable<string> {
  return terminated_parts(text, "\n");
}
