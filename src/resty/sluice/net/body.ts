import type { Result } from "../lib/result";
import { body_framing, type Head } from "./head";
import { bytes_left, CLOSED, take, take_line, type Reader } from "./reader";

/** A body, or its beginning. */
export interface Body {
  text: string;
  /** True: the body was read to its end, and the connection may be used again. */
  is_bounded: boolean;
}

const LONGEST_CHUNK_LINE = 4096;
const MOST_TRAILERS = 100;

/** Takes all bytes and receives more until there are `wanted`. Returns them, and why there are fewer. */
function receive_until(
  reader: Reader,
  wanted: number,
): LuaMultiReturn<[bytes: string, cause: string | undefined]> {
  const parts = [take(reader, bytes_left(reader))];
  let size = parts[0].length;
  while (size < wanted) {
    const [bytes, cause] = reader.receive(reader);
    if (bytes === undefined) return $multi(table.concat(parts), cause);
    parts.push(bytes);
    size += bytes.length;
  }
  return $multi(table.concat(parts), undefined);
}

function read_bytes(reader: Reader, length: number, limit: number): Result<Body> {
  const wanted = math.min(length, limit);
  if (bytes_left(reader) < wanted) {
    const [bytes, cause] = receive_until(reader, wanted);
    if (cause !== undefined) return $multi(undefined, cause);
    reader.buffer = bytes;
  }
  return $multi({ text: take(reader, wanted), is_bounded: length <= limit }, undefined);
}

function read_until_closed(reader: Reader, limit: number): Result<Body> {
  const [bytes, cause] = receive_until(reader, limit);
  if (cause !== undefined && cause !== CLOSED) return $multi(undefined, cause);
  return $multi({ text: string.sub(bytes, 1, limit), is_bounded: false }, undefined);
}

function skip_trailers(reader: Reader): Result<true> {
  for (const _ of $range(0, MOST_TRAILERS)) {
    const [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
    if (line === undefined) return $multi(undefined, cause);
    if (line === "") return $multi(true, undefined);
  }
  return $multi(undefined, `it has more than ${MOST_TRAILERS} trailers`);
}

/** Reads the size of the next chunk; 0 marks the end of the chunks. */
function read_chunk_size(reader: Reader): Result<number> {
  const [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  if (line === undefined) return $multi(undefined, cause);
  const [digits] = string.match(line, "^(%x+)%s*$");
  const [digits_before_extension] = string.match(line, "^(%x+)%s*;");
  const size = digits ?? digits_before_extension;
  if (size === undefined || size.length > 12) return $multi(undefined, "its body has a malformed chunk");
  return $multi(tonumber(size, 16), undefined);
}

function read_chunks(reader: Reader, limit: number): Result<Body> {
  const parts: string[] = [];
  let room = limit;
  while (true) {
    const [size, cause] = read_chunk_size(reader);
    if (size === undefined) return $multi(undefined, cause);
    if (size === 0) break;
    const [chunk, cut_off] = read_bytes(reader, size, room);
    if (chunk === undefined) return $multi(undefined, cut_off);
    parts.push(chunk.text);
    if (!chunk.is_bounded) return $multi({ text: table.concat(parts), is_bounded: false }, undefined);
    room -= size;
    const [rest, no_end] = take_line(reader, 2);
    if (rest !== "") return $multi(undefined, no_end ?? "its body has a malformed chunk");
  }
  const [skipped, cause] = skip_trailers(reader);
  if (skipped === undefined) return $multi(undefined, cause);
  return $multi({ text: table.concat(parts), is_bounded: true }, undefined);
}

/** Reads at most `limit` bytes of the body that follows a head. */
export function read_body(reader: Reader, head: Head, limit: number): Result<Body> {
  if (head.status === 204 || head.status === 304) return $multi({ text: "", is_bounded: true }, undefined);
  const [framing, unclear] = body_framing(head);
  if (framing === undefined) return $multi(undefined, unclear);
  const { is_chunked, length } = framing;
  if (is_chunked) return read_chunks(reader, limit);
  return length === math.huge ? read_until_closed(reader, limit) : read_bytes(reader, length, limit);
}

/** The cause when the rest of a body would have to be awaited. */
const NOT_ARRIVED = "the rest has not arrived";

function receive_nothing(this: void): Result<string> {
  return $multi(undefined, NOT_ARRIVED);
}

/**
 * Reads a body that nobody needs, so that its connection can be used again: at most `limit` bytes if it has a
 * known length, otherwise only what has arrived, because the body may be a stream that does not end. The
 * reader must not be used afterwards unless the body is bounded.
 */
export function skip_body(reader: Reader, head: Head, limit: number): Result<Body> {
  if (head.status === 204 || head.status === 304) return read_body(reader, head, limit);
  const [framing, unclear] = body_framing(head);
  if (framing === undefined) return $multi(undefined, unclear);
  if (!framing.is_chunked && framing.length <= limit) return read_body(reader, head, limit);
  reader.receive = receive_nothing;
  const [body, cause] = read_body(reader, head, limit);
  if (cause === NOT_ARRIVED) return $multi({ text: "", is_bounded: false }, undefined);
  return $multi(body, cause);
}
