/** Texts that others send. Each function takes linear time, whatever the text is. Pure. */

/** Returns a text without the white space at its ends. */
export function trim(text: string): string {
  const [start] = string.find(text, "%S");
  return start === undefined ? "" : string.match(text, "^.*%S", start)[0];
}

/** Iterates over the lines of a text, without their ends. A last line without an end is left out. */
export function whole_lines(text: string): LuaIterable<string> {
  let position = 1;
  return (() => {
    const [line_end] = string.find(text, "\n", position, true);
    if (line_end === undefined) return undefined;
    const line = string.sub(text, position, line_end - 1);
    position = line_end + 1;
    return line;
  }) as unknown as LuaIterable<string>;
}
