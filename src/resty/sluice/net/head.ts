import type { Result } from "../lib/result";
import { trim } from "../lib/text";
import { bytes_left, fill, take, type Reader } from "./reader";

export interface Head {
  status: number;
  /** The headers by their names in lower case. The values of a repeated header are joined by `, `. */
  headers: Record<string, string | undefined>;
  /** True: the connection may be used again, if the end of the body is known. */
  is_persistent: boolean;
}

/** How the end of a body is found. */
export interface Framing {
  /** True: the body ends with its last chunk, and `length` is not used. */
  is_chunked: boolean;
  /** The length in bytes; `math.huge`: the body ends with the connection. */
  length: number;
}

const LARGEST_HEAD = 16384;
const MOST_HEADERS = 100;
const MOST_INTERIM_HEADS = 10;
const HEAD_END = "\n\r?\n";
const NOT_HTTP = "it is not HTTP/1";

/** Waits for a whole head and takes it, with its empty last line. */
function take_head(reader: Reader): Result<string> {
  let [, head_end] = string.find(reader.buffer, HEAD_END, reader.used + 1);
  while (head_end === undefined) {
    // A server of another protocol may wait for more bytes from this side, so the first bytes are checked
    // early.
    const start = string.sub(reader.buffer, reader.used + 1, reader.used + 7);
    if (start !== string.sub("HTTP/1.", 1, start.length)) return $multi(undefined, NOT_HTTP);
    const searched = bytes_left(reader);
    if (searched > LARGEST_HEAD) break;
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
    // The end of the head may have begun with the last two bytes of the previous piece.
    [, head_end] = string.find(reader.buffer, HEAD_END, math.max(1, searched - 1));
  }
  if (head_end === undefined || head_end - reader.used > LARGEST_HEAD) {
    return $multi(undefined, `its header is larger than ${LARGEST_HEAD} bytes`);
  }
  return $multi(take(reader, head_end - reader.used), undefined);
}

function has_token(value: string | undefined, token: string): boolean {
  if (value === undefined) return false;
  for (const [part] of string.gmatch(string.lower(value), "[^,]+")) {
    if (trim(part) === token) return true;
  }
  return false;
}

function parse_head(text: string): Result<Head> {
  const [minor, code, status_end] = string.match(text, "^HTTP/1%.(%d) (%d%d%d)[^%w\n][^\n]*\n()");
  if (minor === undefined) return $multi(undefined, NOT_HTTP);
  const headers: Record<string, string | undefined> = {};
  let count = 0;
  let position = tonumber(status_end) as number;
  while (true) {
    const [name, padded, next] = string.match(text, "^([^%s:]+):([^\r\n]*)\r?\n()", position);
    if (name === undefined) break;
    count += 1;
    if (count > MOST_HEADERS) return $multi(undefined, `it has more than ${MOST_HEADERS} headers`);
    const known = string.lower(name);
    // Whitespace around a value is not part of it (RFC 9110, section 5.5).
    const value = trim(padded);
    const before = headers[known];
    headers[known] = before === undefined ? value : `${before}, ${value}`;
    position = tonumber(next) as number;
  }
  if (string.find(text, "^\r?\n", position)[0] === undefined)
    return $multi(undefined, "its header is malformed");
  const connection = headers.connection;
  const is_persistent = minor === "0" ? has_token(connection, "keep-alive") : !has_token(connection, "close");
  return $multi({ status: tonumber(code) as number, headers, is_persistent }, undefined);
}

/** Reads the head of an answer, after interim answers (1xx). */
export function read_head(reader: Reader): Result<Head> {
  for (const _ of $range(0, MOST_INTERIM_HEADS)) {
    const [text, cause] = take_head(reader);
    if (text === undefined) return $multi(undefined, cause);
    const [head, problem] = parse_head(text);
    if (head === undefined || head.status >= 200) return $multi(head, problem);
  }
  return $multi(undefined, `it begins with more than ${MOST_INTERIM_HEADS} interim answers`);
}

export function body_framing({ headers }: Head): Result<Framing> {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (string.lower(coding) !== "chunked") return $multi(undefined, "its body has an unknown coding");
    return $multi({ is_chunked: true, length: math.huge }, undefined);
  }
  const length = headers["content-length"];
  if (length === undefined) return $multi({ is_chunked: false, length: math.huge }, undefined);
  if (string.find(length, "^%d+$")[0] === undefined || length.length > 15)
    return $multi(undefined, "its Content-Length is malformed");
  return $multi({ is_chunked: false, length: tonumber(length) as number }, undefined);
}
