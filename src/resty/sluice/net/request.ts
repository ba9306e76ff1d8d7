import * as clock from "../lib/clock";
import type { Result } from "../lib/result";
import { read_body, skip_body, type Body } from "./body";
import {
  close_connection,
  keep_connection,
  open_connection,
  send,
  type Connection,
  type Destination,
} from "./connection";
import { read_head, type Head } from "./head";
import { bytes_left } from "./reader";

/** An answer of a server, with a small body. */
export interface Answer {
  status: number;
  /** The headers by their names in lower case. */
  headers: Record<string, string | undefined>;
  /** The body, or its beginning. */
  body: string;
}

/**
 * What is needed of the body of an answer: its beginning; nothing, so that the answer may be a stream that
 * does not end; or there is none, because the method is HEAD.
 */
export type Need = "beginning" | "nothing" | "none";

/** Formats a request. The texts must be valid in HTTP. Without `body` the request has none. */
export function format_request(
  method: string,
  uri: string,
  headers: readonly string[],
  body?: string,
): string {
  const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
  const fields = table.concat(headers as string[], "\r\n");
  return `${method} ${uri} HTTP/1.1\r\n${fields}\r\n${length}\r\n${body ?? ""}`;
}

function no_answer(cause: string | undefined): string {
  return `could not read the answer: ${cause ?? ""}`;
}

function read_needed(connection: Connection, head: Head, limit: number, need: Need): Result<Body> {
  if (need === "none") return $multi({ text: "", is_bounded: true }, undefined);
  return need === "nothing" ? skip_body(connection, head, limit) : read_body(connection, head, limit);
}

function read_answer(connection: Connection, limit: number, need: Need): Result<Answer> {
  const [head, bad_head] = read_head(connection);
  if (head === undefined) return $multi(undefined, no_answer(bad_head));
  const [body, bad_body] = read_needed(connection, head, limit, need);
  if (body === undefined) return $multi(undefined, no_answer(bad_body));
  if (body.is_bounded && head.is_persistent && bytes_left(connection) === 0) keep_connection(connection);
  else close_connection(connection);
  return $multi({ status: head.status, headers: head.headers, body: body.text }, undefined);
}

function ask_over(connection: Connection, text: string, limit: number, need: Need): Result<Answer> {
  const [sent, cause] = send(connection, text);
  if (sent === undefined) return $multi(undefined, `could not send the request: ${cause ?? ""}`);
  return read_answer(connection, limit, need);
}

/**
 * Sends a request, perhaps twice, and reads the answer. Phases that have cosockets.
 *
 * @param timeout limit of the whole exchange, in seconds
 * @param limit the number of bytes of the body to read at most
 * @param longest limit of the whole exchange; `timeout` is then that of the time until the next piece arrives
 */
export function request(
  destination: Destination,
  text: string,
  timeout: number,
  limit: number,
  longest = timeout,
  need: Need = "beginning",
): Result<Answer> {
  const began = clock.now();
  const deadline = began + timeout;
  while (true) {
    const [connection, unconnected] = open_connection(destination, deadline);
    if (connection === undefined) return $multi(undefined, unconnected);
    connection.grace = timeout;
    connection.latest = began + longest;
    const [answer, cause] = ask_over(connection, text, limit, need);
    if (answer !== undefined) return $multi(answer, undefined);
    close_connection(connection);
    // The other side may have closed an idle connection while the request was being sent.
    if (!connection.is_reused || clock.now() >= deadline) return $multi(undefined, cause);
  }
}
