import type { Result } from "../lib/result";
/** A source of bytes, and the buffer of those that have arrived. */
export interface Reader {
  /** The bytes that have arrived, and the number of those that are used. */
  buffer: string;
  used: number;
  /** Number of steps of reading so far. */
  steps: number;
  /** Waits for more bytes. Returns them, or undefined and the cause. */
  receive: (this: void, reader: Reader) => Result<string>;
  /** Lets the worker do other work if this work has taken long. */
  pause: (this: void) => void;
}

/** The cause when the other side has closed the connection. */
export const CLOSED = "closed";

const STEPS_AT_ONCE = 256;

/** Returns the number of bytes that have arrived and are not used yet. */
export function bytes_left({ buffer, used }: Reader): number {
  return buffer.length - used;
}

/** Counts a step. Many small pieces take many steps, so the worker must do other work between them. */
export function note_step(reader: Reader): void {
  reader.steps += 1;
  if (reader.steps % STEPS_AT_ONCE === 0) reader.pause();
}

/** Waits for more bytes and appends them to the buffer. */
export function fill(reader: Reader): Result<true> {
  const [bytes, cause] = reader.receive(reader);
  if (bytes === undefined) return $multi(undefined, cause);
  const { buffer, used } = reader;
  reader.buffer = used === buffer.length ? bytes : string.sub(buffer, used + 1) + bytes;
  reader.used = 0;
  return $multi(true, undefined);
}

/** Takes the next `count` bytes, which must be in the buffer. */
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

/** The failure to read a line that is longer than its limit. */
export function too_long(longest: number): Result<string> {
  return $multi(undefined, `a line is longer than ${longest} bytes`);
}

/** Takes a line of at most `longest` bytes, without its line end. */
export function take_line(reader: Reader, longest: number): Result<string> {
  let [line_end] = string.find(reader.buffer, "\n", reader.used + 1, true);
  while (line_end === undefined) {
    const searched = bytes_left(reader);
    if (searched > longest) return too_long(longest);
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
    [line_end] = string.find(reader.buffer, "\n", searched + 1, true);
  }
  // It may have arrived in one piece.
  if (line_end - reader.used - 1 > longest) return too_long(longest);
  const line = take(reader, line_end - reader.used);
  const end = string.sub(line, -2) === "\r\n" ? 2 : 1;
  return $multi(string.sub(line, 1, line.length - end), undefined);
}
