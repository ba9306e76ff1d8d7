import { close_connection, open_connection, send, type Connection, type Destination } from "./connection";
import { read_body } from "./body";
import { read_head } from "./head";
import { fill, take, take_line, type Reader } from "./reader";
import * as semaphore from "ngx.semaphore";

/**
 * An answer that goes on for as long as the other side has something to say, read a line at a time by a light thread of
 * its own: nginx would log an error each time that a read finds nothing for a while.
 */
export interface Stream {
  connection: Connection;
  /** The lines that have come and that nobody has taken, and how many there are; a line that is too long is an end. */
  lines: string[];
  arrived: semaphore.Semaphore;
  /** How many more may come before one is taken. */
  room: semaphore.Semaphore;
  /** Why no more come. */
  cause: string | undefined;
  thread: LightThread | undefined;
  /** How many bytes a line may have. */
  longest: number;
  /** True: its body comes in chunks; false: it lasts until the connection ends. */
  is_chunked: boolean;
  /** How many bytes of the chunk have not come yet. */
  left: number;
  /** What has come of the next line. */
  parts: string[];
  size: number;
}

type Opened = LuaMultiReturn<[Stream | undefined, string | undefined]>;

const LONGEST_CHUNK_LINE = 64;
/** How much of an error is read. */
const LARGEST_ERROR = 4096;

/** The cause when the other side has ended the stream. */
export const ENDED = "the stream has ended";
/** The cause when nothing has come, and the stream goes on. */
const QUIET = "nothing has come";
const MOST_LINES = 64;
/** A semaphore counts whole milliseconds: for less it does not wait at all, and meanwhile the clock stands still. */
const SHORTEST_WAIT = 0.001;
/** Longer than anybody listens. */
const LONGEST_SILENCE = 86400;

/** What an answer says that is none of those wanted. */
export function describe(status: number, body: string): string {
  const [line] = string.match(body, "^%s*([^\r\n]*)");
  return `status ${status}: ${string.sub(line ?? "", 1, 200)}`;
}

function refuse(connection: Connection, cause: string): Opened {
  close_connection(connection);
  return $multi(undefined, cause);
}

/**
 * Sends a request whose answer is a stream. Phases that have cosockets.
 *
 * @param timeout seconds, until the header of the answer is there
 * @param longest how many bytes a line may have
 * @returns the stream, or undefined and the cause; the status is in it when that is not 200
 */
export function open_stream(
  destination: Destination,
  text: string,
  timeout: number,
  longest: number,
): Opened {
  const [connection, unconnected] = open_connection(destination, ngx.now() + timeout);
  if (connection === undefined) return $multi(undefined, unconnected);
  const [sent, unsent] = send(connection, text);
  if (sent === undefined) return refuse(connection, `could not send the request: ${unsent ?? ""}`);
  const [head, headless] = read_head(connection);
  if (head === undefined) return refuse(connection, `could not read the answer: ${headless ?? ""}`);
  if (head.status !== 200) {
    const [body] = read_body(connection, head, LARGEST_ERROR);
    return refuse(connection, describe(head.status, body?.text ?? ""));
  }
  connection.deadline = ngx.now() + LONGEST_SILENCE;
  const stream: Stream = {
    connection,
    lines: [],
    arrived: semaphore.new(0),
    room: semaphore.new(MOST_LINES),
    cause: undefined,
    thread: undefined,
    longest,
    is_chunked: string.lower(head.headers["transfer-encoding"] ?? "") === "chunked",
    left: 0,
    parts: [],
    size: 0,
  };
  stream.thread = ngx.thread.spawn(read_lines, stream);
  return $multi(stream, undefined);
}

/** Reads the size of the next chunk. Returns true, or undefined and the cause. */
function begin_chunk(stream: Stream): LuaMultiReturn<[true | undefined, string | undefined]> {
  const reader: Reader = stream.connection;
  let [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  // The line end of the chunk before.
  if (line === "") [line, cause] = take_line(reader, LONGEST_CHUNK_LINE);
  if (line === undefined) return $multi(undefined, cause);
  const [digits] = string.match(line, "^(%x+)%s*;?.*$");
  if (digits === undefined || digits.length > 12) return $multi(undefined, "its body has a malformed chunk");
  stream.left = tonumber(digits, 16) as number;
  if (stream.left === 0) return $multi(undefined, ENDED);
  return $multi(true, undefined);
}

/** Waits for more of the body and takes what is there of it. Returns it, or undefined and the cause. */
function next_bytes(stream: Stream): LuaMultiReturn<[string | undefined, string | undefined]> {
  const reader: Reader = stream.connection;
  if (stream.is_chunked && stream.left === 0) {
    const [begun, cause] = begin_chunk(stream);
    if (begun === undefined) return $multi(undefined, cause);
  }
  if (reader.buffer === "") {
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
  }
  const count = stream.is_chunked ? math.min(stream.left, reader.buffer.length) : reader.buffer.length;
  stream.left -= count;
  return $multi(take(reader, count), undefined);
}

/** The next line, if all of it has come. Only the part that came last can hold a line's end. */
function take_whole_line(stream: Stream): string | undefined {
  const last = stream.parts.pop();
  if (last === undefined) return undefined;
  const [line_end] = string.find(last, "\n", 1, true);
  if (line_end === undefined) {
    stream.parts.push(last);
    return undefined;
  }
  stream.parts.push(string.sub(last, 1, line_end - 1));
  const line = table.concat(stream.parts);
  const rest = string.sub(last, line_end + 1);
  stream.parts = rest === "" ? [] : [rest];
  stream.size = rest.length;
  return line;
}

/** Waits for the next line that is not empty. Returns it, or undefined and the cause. */
function read_line(stream: Stream): LuaMultiReturn<[string | undefined, string | undefined]> {
  let line = take_whole_line(stream);
  while (line === undefined || line === "") {
    if (line === undefined) {
      if (stream.size > stream.longest)
        return $multi(undefined, `a line is longer than ${stream.longest} bytes`);
      const [bytes, cause] = next_bytes(stream);
      if (bytes === undefined) return $multi(undefined, cause);
      stream.parts.push(bytes);
      stream.size += bytes.length;
    }
    line = take_whole_line(stream);
  }
  return $multi(line, undefined);
}

function read_lines(this: void, stream: Stream): void {
  while (stream.cause === undefined) {
    stream.room.wait(LONGEST_SILENCE);
    const [line, cause] = read_line(stream);
    if (line === undefined) stream.cause = cause ?? ENDED;
    else stream.lines.push(line);
    stream.arrived.post();
  }
}

/**
 * Waits for the next line that is not empty.
 *
 * @param seconds how long, at most
 * @returns the line, or undefined and the cause, of which `is_quiet` tells whether it is only that there is none yet
 */
export function next_line(
  stream: Stream,
  seconds: number,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  if (stream.arrived.wait(math.max(SHORTEST_WAIT, seconds))[0] !== true) return $multi(undefined, QUIET);
  const line = table.remove(stream.lines, 1);
  if (line !== undefined) {
    stream.room.post();
    return $multi(line, undefined);
  }
  // For whoever asks again.
  stream.arrived.post();
  return $multi(undefined, stream.cause);
}

/** Whether a cause is that nothing has come, and the stream goes on. */
export function is_quiet(cause: string | undefined): boolean {
  return cause === QUIET;
}

/** Ends a stream. */
export function close_stream({ thread, connection, cause }: Stream): void {
  // Who is killed while it reads takes the connection with it.
  if (cause === undefined && thread !== undefined) ngx.thread.kill(thread);
  close_connection(connection);
}
