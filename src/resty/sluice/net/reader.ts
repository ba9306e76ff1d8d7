/** Something that bytes come from, and what has come of them and is not used yet. */
export interface Reader {
  buffer: string;
  /** Waits for more bytes. Returns them, or undefined and the cause: `closed`, or another. */
  receive: (this: void, reader: Reader) => LuaMultiReturn<[string | undefined, string | undefined]>;
}

/** The cause when the other side has ended the connection. */
export const CLOSED = "closed";

/** Waits for more bytes and appends them to the buffer. Returns true, or undefined and the cause. */
export function fill(reader: Reader): LuaMultiReturn<[true | undefined, string | undefined]> {
  const [bytes, cause] = reader.receive(reader);
  if (bytes === undefined) return $multi(undefined, cause);
  reader.buffer = reader.buffer === "" ? bytes : reader.buffer + bytes;
  return $multi(true, undefined);
}

/** Takes the first `count` bytes of the buffer, which must be there. */
export function take(reader: Reader, count: number): string {
  const taken = string.sub(reader.buffer, 1, count);
  reader.buffer = string.sub(reader.buffer, count + 1);
  return taken;
}

/**
 * Takes a line, without its end.
 *
 * @param longest how many bytes it may have
 * @returns the line, or undefined and the cause
 */
export function take_line(
  reader: Reader,
  longest: number,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  let [line_end] = string.find(reader.buffer, "\n", 1, true);
  while (line_end === undefined) {
    if (reader.buffer.length > longest) return $multi(undefined, `a line is longer than ${longest} bytes`);
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
    [line_end] = string.find(reader.buffer, "\n", 1, true);
  }
  const [line] = string.gsub(take(reader, line_end), "\r?\n$", "");
  return $multi(line, undefined);
}
