import * as string_buffer from "string.buffer";
import type { Result } from "../lib/result";

import type { Framing } from "./head";
import { bytes_left, fill, note_step, take, take_line, too_long, type Reader } from "./reader";

/** Reads the lines of a body that is delivered over a long time. */
export interface Lines {
  reader: Reader;
  /** Limit of the length of a line, in bytes. */
  longest: number;
  is_chunked: boolean;
  /** Bytes of the chunk, or of a body without chunks, that have not arrived yet. */
  left: number;
  /** The last piece of the body, and the number of its bytes that are used. */
  piece: string;
  used: number;
  /** The beginning of the next line, from earlier pieces. */
  beginning: string_buffer.StringBuffer;
}

const LONGEST_CHUNK_LINE = 64;

/** The cause when the other side has ended the body. */
export const ENDED = "the stream has ended";

export function new_lines(reader: Reader, longest: number, { is_chunked, length }: Framing): Lines {
  const left = is_chunked ? 0 : length;
  return { reader, longest, is_chunked, left, piece: "", used: 0, beginning: string_buffer.new() };
}

function begin_chunk(lines: Lines): Result<true> {
  const { reader } = lines;
  let [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  // An empty line is the end of the previous chunk.
  if (line === "") [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  if (line === undefined) return $multi(undefined, cause);
  const [digits] = string.match(line, "^(%x+)%s*;?.*$");
  if (digits === undefined || digits.length > 12) return $multi(undefined, "its body has a malformed chunk");
  lines.left = tonumber(digits, 16) as number;
  if (lines.left === 0) return $multi(undefined, ENDED);
  return $multi(true, undefined);
}

function next_piece(lines: Lines): Result<string> {
  const { reader } = lines;
  if (lines.left === 0) {
    // The body is complete; a kept connection would not signal that.
    if (!lines.is_chunked) return $multi(undefined, ENDED);
    const [begun, cause] = begin_chunk(lines);
    if (begun === undefined) return $multi(undefined, cause);
  }
  if (bytes_left(reader) === 0) {
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
  }
  const count = math.min(lines.left, bytes_left(reader));
  lines.left -= count;
  return $multi(take(reader, count), undefined);
}

/** Moves the unused rest of the piece to the beginning of the next line. */
function keep_rest(lines: Lines): void {
  const { beginning, piece, used } = lines;
  beginning.put(string.sub(piece, used + 1));
  lines.piece = "";
  lines.used = 0;
}

function take_whole_line(lines: Lines): string | undefined {
  const { beginning, piece, used } = lines;
  const [line_end] = string.find(piece, "\n", used + 1, true);
  if (line_end === undefined) return undefined;
  lines.used = line_end;
  return beginning.get() + string.sub(piece, used + 1, line_end - 1);
}

/** Waits for the next line that is not empty. */
export function read_line(lines: Lines): Result<string> {
  let line = take_whole_line(lines);
  while (line === undefined || line === "") {
    note_step(lines.reader);
    if (line === undefined) {
      keep_rest(lines);
      if (lines.beginning.length() > lines.longest) return too_long(lines.longest);
      const [piece, cause] = next_piece(lines);
      if (piece === undefined) return $multi(undefined, cause);
      lines.piece = piece;
    }
    line = take_whole_line(lines);
  }
  // Its end may have arrived with its last bytes.
  if (line.length > lines.longest) return too_long(lines.longest);
  return $multi(line, undefined);
}
