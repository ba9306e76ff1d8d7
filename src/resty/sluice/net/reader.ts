/** Something that bytes come from, and what has come of them. */
export interface Reader {
  /** The bytes that have come, and how many of them are used. */
  buffer: string;
  used: number;
  /** How many steps of reading have been made. */
  steps: number;
  /** Waits for more bytes. Returns them, or undefined and the cause: `closed`, or another. */
  receive: (this: void, reader: Reader) => LuaMultiReturn<[string | undefined, string | undefined]>;
  /** Lets other work go on if this work has lasted for long enough. */
  pause: (this: void) => void;
}

/** The cause when the other side has ended the connection. */
export const CLOSED = "closed";

const STEPS_AT_ONCE = 256;

/** How many bytes have come that are not used yet. */
export function bytes_left({ buffer, used }: Reader): number {
  return buffer.length - used;
}

/** Counts a step. Bytes that come in many small pieces take many steps, and other work must go on in between. */
export function note_step(reader: Reader): void {
  reader.steps += 1;
  if (reader.steps % STEPS_AT_ONCE === 0) reader.pause();
}

/** Waits for more bytes and appends them to the buffer. Returns true, or undefined and the cause. */
export function fill(reader: Reader): LuaMultiReturn<[true | undefined, string | undefined]> {
  const [bytes, cause] = reader.receive(reader);
  if (bytes === undefined) return $multi(undefined, cause);
  const { buffer, used } = reader;
  reader.buffer = used === buffer.length ? bytes : string.sub(buffer, used + 1) + bytes;
  reader.used = 0;
  return $multi(true, undefined);
}

/** Takes the next `count` bytes of the buffer, which must be there. */
export function take(reader: Reader, count: number): string {
  const { buffer, used } = reader;
  note_step(reader);
  if (used + count < buffer.length) {
    reader.used = used + count;
    return string.sub(buffer, used + 1, reader.used);
  }
  reader.buffer = "";
  reader.used = 0;
  return string.sub(buffer, used + 1);
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
  let [line_end] = string.find(reader.buffer, "\n", reader.used + 1, true);
  while (line_end === undefined) {
    const searched = bytes_left(reader);
    if (searched > longest) return $multi(undefined, `a line is longer than ${longest} bytes`);
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
    [line_end] = string.find(reader.buffer, "\n", searched + 1, true);
  }
  const line = take(reader, line_end - reader.used);
  const end = string.sub(line, -2) === "\r\n" ? 2 : 1;
  return $multi(string.sub(line, 1, line.length - end), undefined);
}
