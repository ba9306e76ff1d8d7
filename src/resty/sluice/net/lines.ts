import { fill, take, take_line, type Reader } from "./reader";

/** The lines of a body that goes on, as its bytes come. */
export interface Lines {
  reader: Reader;
  /** How many bytes a line may have. */
  longest: number;
  /** True: the body comes in chunks; false: it lasts until the connection ends. */
  is_chunked: boolean;
  /** How many bytes of the chunk have not come yet. */
  left: number;
  /** What has come of the next line. */
  parts: string[];
  size: number;
}

const LONGEST_CHUNK_LINE = 64;

/** The cause when the other side has ended the body. */
export const ENDED = "the stream has ended";

/** The lines of a body that begins here. */
export function new_lines(reader: Reader, longest: number, is_chunked: boolean): Lines {
  return { reader, longest, is_chunked, left: 0, parts: [], size: 0 };
}

/** Reads the size of the next chunk. Returns true, or undefined and the cause. */
function begin_chunk(lines: Lines): LuaMultiReturn<[true | undefined, string | undefined]> {
  const { reader } = lines;
  let [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  // The line end of the chunk before.
  if (line === "") [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  if (line === undefined) return $multi(undefined, cause);
  const [digits] = string.match(line, "^(%x+)%s*;?.*$");
  if (digits === undefined || digits.length > 12) return $multi(undefined, "its body has a malformed chunk");
  lines.left = tonumber(digits, 16) as number;
  if (lines.left === 0) return $multi(undefined, ENDED);
  return $multi(true, undefined);
}

/** Waits for more of the body and takes what is there of it. Returns it, or undefined and the cause. */
function next_bytes(lines: Lines): LuaMultiReturn<[string | undefined, string | undefined]> {
  const { reader } = lines;
  if (lines.is_chunked && lines.left === 0) {
    const [begun, cause] = begin_chunk(lines);
    if (begun === undefined) return $multi(undefined, cause);
  }
  if (reader.buffer === "") {
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
  }
  const count = lines.is_chunked ? math.min(lines.left, reader.buffer.length) : reader.buffer.length;
  lines.left -= count;
  return $multi(take(reader, count), undefined);
}

/** The next line, if all of it has come. Only the part that came last can hold a line's end. */
function take_whole_line(lines: Lines): string | undefined {
  const last = lines.parts.pop();
  if (last === undefined) return undefined;
  const [line_end] = string.find(last, "\n", 1, true);
  if (line_end === undefined) {
    lines.parts.push(last);
    return undefined;
  }
  lines.parts.push(string.sub(last, 1, line_end - 1));
  const line = table.concat(lines.parts);
  const rest = string.sub(last, line_end + 1);
  lines.parts = rest === "" ? [] : [rest];
  lines.size = rest.length;
  return line;
}

/** Waits for the next line that is not empty. Returns it, or undefined and the cause. */
export function read_line(lines: Lines): LuaMultiReturn<[string | undefined, string | undefined]> {
  let line = take_whole_line(lines);
  while (line === undefined || line === "") {
    if (line === undefined) {
      if (lines.size > lines.longest)
        return $multi(undefined, `a line is longer than ${lines.longest} bytes`);
      const [bytes, cause] = next_bytes(lines);
      if (bytes === undefined) return $multi(undefined, cause);
      lines.parts.push(bytes);
      lines.size += bytes.length;
    }
    line = take_whole_line(lines);
  }
  return $multi(line, undefined);
}
