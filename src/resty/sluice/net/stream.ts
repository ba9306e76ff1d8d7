import * as clock from "../lib/clock";
import { read_body } from "./body";
import { close_connection, open_connection, send, type Connection, type Destination } from "./connection";
import { body_framing, read_head } from "./head";
import { ENDED, new_lines, read_line, type Lines } from "./lines";
import * as semaphore from "ngx.semaphore";

/**
 * An answer that goes on for as long as the other side has something to say, read a line at a time by a light thread of
 * its own: nginx would log an error each time that a read finds nothing for a while.
 */
export interface Stream {
  connection: Connection;
  source: Lines;
  /** The lines that have come and that nobody has taken, and how many there are; a line that is too long is an end. */
  lines: string[];
  arrived: semaphore.Semaphore;
  /** How many more may come before one is taken. */
  room: semaphore.Semaphore;
  /** Why no more come. */
  cause: string | undefined;
  thread: LightThread | undefined;
}

type Opened = LuaMultiReturn<[Stream | undefined, string | undefined]>;

/** How much of an error is read. */
const LARGEST_ERROR = 4096;

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
  // Never one that has been kept: it may be closing just now, and the request is sent once.
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
