import * as clock from "../lib/clock";
import type { Result } from "../lib/result";
import { read_body } from "./body";
import { close_connection, open_connection, send, type Connection, type Destination } from "./connection";
import { body_framing, read_head } from "./head";
import { ENDED, new_lines, read_line, type Lines } from "./lines";
import * as semaphore from "ngx.semaphore";

/**
 * An answer that is delivered over a long time, line by line. Its own light thread reads it without a
 * timeout, because nginx logs an error for each read that times out.
 */
export interface Stream {
  connection: Connection;
  source: Lines;
  /** The lines that have arrived and are not taken yet. `arrived` counts them and the end of the stream. */
  lines: string[];
  arrived: semaphore.Semaphore;
  /** Number of lines that may still arrive before one is taken. */
  room: semaphore.Semaphore;
  /** Why the stream has ended; undefined: it has not. */
  cause: string | undefined;
  thread: LightThread | undefined;
}

/** Limit of the part of an error's body that is read, in bytes. */
const LARGEST_ERROR = 4096;

/** The cause when no line has arrived yet. */
const QUIET = "nothing has come";
const MOST_LINES = 64;
/** A semaphore waits for whole milliseconds. For less it does not wait at all. */
const SHORTEST_WAIT = 0.001;
/** Longer than any session. */
const LONGEST_SILENCE = 86400;

/** Describes an unexpected answer by its status and the first line of its body. */
export function describe(status: number, body: string): string {
  const [line] = string.match(body, "^%s*([^\r\n]*)");
  return `status ${status}: ${string.sub(line ?? "", 1, 200)}`;
}

function refuse(connection: Connection, cause: string): Result<Stream> {
  close_connection(connection);
  return $multi(undefined, cause);
}

/**
 * Sends a request whose answer is a stream. Phases that have cosockets.
 *
 * @param timeout time limit until the header of the answer, in seconds
 * @returns the cause contains the status if that is not 200
 */
export function open_stream(
  destination: Destination,
  text: string,
  timeout: number,
  longest: number,
): Result<Stream> {
  // An idle connection may be closed at any moment, and this request is sent only once.
  const pool = { pool: `${destination.pool.pool} stream` };
  const own = { ...destination, pool, keepalive_time: 0 };
  const [connection, unconnected] = open_connection(own, clock.now() + timeout);
  if (connection === undefined) return $multi(undefined, unconnected);
  const [sent, unsent] = send(connection, text);
  if (sent === undefined) return refuse(connection, `could not send the request: ${unsent ?? ""}`);
  const [head, headless] = read_head(connection);
  if (head === undefined) return refuse(connection, `could not read the answer: ${headless ?? ""}`);
  if (head.status !== 200) {
    const [body] = read_body(connection, head, LARGEST_ERROR);
    return refuse(connection, describe(head.status, body?.text ?? ""));
  }
  const [framing, unclear] = body_framing(head);
  if (framing === undefined) return refuse(connection, `could not read the answer: ${unclear ?? ""}`);
  connection.deadline = clock.now() + LONGEST_SILENCE;
  const stream: Stream = {
    connection,
    source: new_lines(connection, longest, framing),
    lines: [],
    arrived: semaphore.new(0),
    room: semaphore.new(MOST_LINES),
    cause: undefined,
    thread: undefined,
  };
  stream.thread = ngx.thread.spawn(read_lines, stream);
  return $multi(stream, undefined);
}

function read_lines(this: void, stream: Stream): void {
  while (stream.cause === undefined) {
    stream.room.wait(LONGEST_SILENCE);
    const [line, cause] = read_line(stream.source);
    if (line === undefined) stream.cause = cause ?? ENDED;
    else stream.lines.push(line);
    stream.arrived.post();
  }
}

/** Waits some seconds for the next line that is not empty. `is_quiet` tells whether there is none yet. */
export function next_line(stream: Stream, seconds: number): Result<string> {
  if (stream.arrived.wait(math.max(SHORTEST_WAIT, seconds))[0] !== true) return $multi(undefined, QUIET);
  const line = table.remove(stream.lines, 1);
  if (line !== undefined) {
    stream.room.post();
    return $multi(line, undefined);
  }
  // The next call must find the end of the stream as well.
  stream.arrived.post();
  return $multi(undefined, stream.cause);
}

/** Tells whether a cause only means that no line has arrived yet. */
export function is_quiet(cause: string | undefined): boolean {
  return cause === QUIET;
}

export function close_stream({ thread, connection, cause }: Stream): void {
  // A thread that is killed while it reads closes the connection.
  if (cause === undefined && thread !== undefined) ngx.thread.kill(thread);
  close_connection(connection);
}
