import * as clock from "../lib/clock";
import type { Result } from "../lib/result";
import { close_connection, open_connection, send, type Destination } from "./connection";
import { format_http2_request, read_http2_answer, type Http2Answer } from "./http2/exchange";
import { uint32, uint32_at } from "./http2/frame";
import type { Field } from "./http2/static_table";

/** Calls of gRPC with one message each way, over HTTP/2 without TLS. */

export interface GrpcCall {
  /** The host, as `:authority`. */
  authority: string;
  /** `/<service>/<method>`. */
  path: string;
  message: string;
  /** How long the server may work on the call, in seconds. */
  timeout: number;
  /** Further headers, with names in lower case. */
  fields: readonly Field[];
}

/** A call as it is sent. */
export interface FormattedCall {
  text: string;
  body_bytes: number;
}

export interface GrpcAnswer {
  /** The status of gRPC; 0: the call has succeeded. */
  status: number;
  /** The message; undefined: there is none, because the call has failed. */
  message: string | undefined;
}

/** A message begins with a byte that tells whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const OK = 0;

/** Formats a call, which can be sent repeatedly. Any phase. */
export function format_call({ authority, path, message, timeout, fields }: GrpcCall): FormattedCall {
  const all: Field[] = [
    { name: ":method", value: "POST" },
    { name: ":scheme", value: "http" },
    { name: ":path", value: path },
    { name: ":authority", value: authority },
    { name: "te", value: "trailers" },
    { name: "content-type", value: "application/grpc" },
    { name: "grpc-timeout", value: string.format("%dm", math.ceil(timeout * 1000)) },
  ];
  for (const field of fields) all.push(field);
  const body = `\0${uint32(message.length)}${message}`;
  return { text: format_http2_request(all, body), body_bytes: body.length };
}

/** Reads the only message of a body. */
function read_message(body: string): Result<string> {
  if (body.length < PREFIX_BYTES) return $multi(undefined, "its answer has no message");
  if (string.byte(body, 1) !== 0)
    return $multi(undefined, "its message is compressed, which was not asked for");
  if (uint32_at(body, 2) !== body.length - PREFIX_BYTES)
    return $multi(undefined, "its message has another length than it says");
  return $multi(string.sub(body, PREFIX_BYTES + 1), undefined);
}

/** Reads the answer of gRPC in an answer of HTTP. Pure. */
export function read_grpc_answer({ status, headers, trailers, body }: Http2Answer): Result<GrpcAnswer> {
  if (status !== 200) return $multi(undefined, `it returned the HTTP status ${status}`);
  const content_type = headers["content-type"] ?? "";
  if (string.sub(content_type, 1, 16) !== "application/grpc")
    return $multi(undefined, "its answer is not gRPC");
  // Without a message, the only headers are the trailers as well.
  const code = trailers["grpc-status"] ?? headers["grpc-status"];
  if (code === undefined) return $multi(undefined, "its answer has no grpc-status");
  if (string.find(code, "^%d%d?%d?$")[0] === undefined)
    return $multi(undefined, "its grpc-status is malformed");
  const number = tonumber(code) as number;
  if (number !== OK) return $multi({ status: number, message: undefined }, undefined);
  const [message, cause] = read_message(body);
  if (message === undefined) return $multi(undefined, cause);
  return $multi({ status: OK, message }, undefined);
}

/** Calls over a new connection, within `timeout` seconds. Phases that have cosockets. */
export function call_grpc(
  destination: Destination,
  call: FormattedCall,
  timeout: number,
): Result<GrpcAnswer> {
  const [connection, unconnected] = open_connection(destination, clock.now() + timeout);
  if (connection === undefined) return $multi(undefined, unconnected);
  const [sent, unsent] = send(connection, call.text);
  if (sent === undefined) {
    close_connection(connection);
    return $multi(undefined, `could not send the request: ${unsent ?? ""}`);
  }
  const peer = {
    reader: connection,
    send: (bytes: string) => {
      send(connection, bytes);
    },
  };
  const [answer, unread] = read_http2_answer(peer, call.body_bytes);
  close_connection(connection);
  if (answer === undefined) return $multi(undefined, `could not read the answer: ${unread ?? ""}`);
  return read_grpc_answer(answer);
}
