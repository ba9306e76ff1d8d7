import type { Result } from "../../lib/result";
import {
  ACK,
  ErrorCode,
  Flag,
  format_frame,
  FrameType,
  has_flag,
  read_frame,
  uint32,
  type Frame,
} from "./frame";
import { change_settings, note_window, pong, refusal_of_goaway, reset_reason } from "./control";
import { decode_headers, encode_headers, new_dynamic_table } from "./hpack";
import { read_headers } from "./message";
import { broken, fault, INITIAL_WINDOW, STREAM, type Exchange, type Fault, type Peer } from "./state";
import type { Field } from "./static_table";

/**
 * One request over a new HTTP/2 connection without TLS (RFC 9113, with prior knowledge). The request has a
 * small body, and its answer is bounded: the number of frames, and the sizes of the headers and of the body.
 * The caller limits the time.
 */

export interface Http2Answer {
  status: number;
  headers: Record<string, string | undefined>;
  /** The headers after the body; empty: there are none. */
  trailers: Record<string, string | undefined>;
  body: string;
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** ENABLE_PUSH = 0, and MAX_HEADER_LIST_SIZE = 16384. */
const SETTINGS = format_frame(FrameType.SETTINGS, 0, 0, `\0\x02${uint32(0)}\0\x06${uint32(16384)}`);
const MOST_FRAMES = 100;
const LARGEST_HEADERS = 16384;
/** Smaller than the window that the other side has from the start, so that it needs no more. */
const LARGEST_BODY = 16384;

/** Returns the bytes of a request. The headers must be valid in HTTP/2, and fit into one frame. */
export function format_http2_request(fields: readonly Field[], body: string): string {
  return (
    PREFACE +
    SETTINGS +
    format_frame(FrameType.HEADERS, Flag.END_HEADERS, STREAM, encode_headers(fields)) +
    format_frame(FrameType.DATA, Flag.END_STREAM, STREAM, body)
  );
}

/** Returns the payload of a frame without its padding; undefined: the padding is too long. */
function unpadded({ flags, payload }: Frame): string | undefined {
  if (!has_flag(flags, Flag.PADDED)) return payload;
  if (payload === "") return undefined;
  const padding = string.byte(payload, 1);
  if (padding >= payload.length) return undefined;
  return string.sub(payload, 2, payload.length - padding);
}

/** Uses a whole header block: an interim answer, the header of the answer, or its trailers. */
function end_block(exchange: Exchange, block: string[]): Fault | undefined {
  exchange.block = undefined;
  const [fields, cause] = decode_headers(exchange.table, table.concat(block));
  if (fields === undefined) return fault(ErrorCode.COMPRESSION_ERROR, cause ?? "");
  const headers = read_headers(fields);
  const { head, is_last_block } = exchange;
  const is_head = head === undefined;
  if (headers === undefined || is_head !== (headers.status !== undefined)) return broken("malformed headers");
  if (!is_head && !is_last_block) return broken("headers within the body");
  if (is_head && (headers.status ?? 0) < 200)
    return is_last_block ? broken("an interim answer that ends the stream") : undefined;
  if (is_head) exchange.head = headers;
  else exchange.trailers = headers;
  exchange.is_ended = is_last_block;
  return undefined;
}

/** Adds a part of a header block. */
function add_fragment(exchange: Exchange, flags: number, fragment: string): Fault | undefined {
  const block = exchange.block ?? [];
  exchange.block = block;
  block.push(fragment);
  exchange.header_bytes += fragment.length;
  if (exchange.header_bytes > LARGEST_HEADERS)
    return fault(ErrorCode.ENHANCE_YOUR_CALM, `its headers are larger than ${LARGEST_HEADERS} bytes`);
  return has_flag(flags, Flag.END_HEADERS) ? end_block(exchange, block) : undefined;
}

function take_headers(exchange: Exchange, frame: Frame): Fault | undefined {
  if (frame.stream !== STREAM) return broken("headers of a stream that was not opened");
  let fragment = unpadded(frame);
  if (fragment !== undefined && has_flag(frame.flags, Flag.PRIORITY))
    fragment = fragment.length < 5 ? undefined : string.sub(fragment, 6);
  if (fragment === undefined) return broken("padding that is longer than its frame");
  exchange.is_last_block = has_flag(frame.flags, Flag.END_STREAM);
  return add_fragment(exchange, frame.flags, fragment);
}

function take_data(exchange: Exchange, frame: Frame): Fault | undefined {
  if (frame.stream !== STREAM) return broken("data of a stream that was not opened");
  if (exchange.head === undefined) return broken("data before the headers");
  exchange.body_bytes += frame.payload.length;
  if (exchange.body_bytes > LARGEST_BODY)
    return fault(ErrorCode.ENHANCE_YOUR_CALM, `its answer is larger than ${LARGEST_BODY} bytes`);
  const data = unpadded(frame);
  if (data === undefined) return broken("padding that is longer than its frame");
  exchange.body.push(data);
  exchange.is_ended = has_flag(frame.flags, Flag.END_STREAM);
  return undefined;
}

function take_priority({ stream, payload }: Frame): Fault | undefined {
  return stream === 0 || payload.length !== 5 ? broken("a malformed PRIORITY") : undefined;
}

type Handler = (this: void, exchange: Exchange, frame: Frame) => Fault | undefined;

const HANDLERS = new LuaTable<number, Handler | undefined>();
HANDLERS.set(FrameType.DATA, take_data);
HANDLERS.set(FrameType.HEADERS, take_headers);
HANDLERS.set(FrameType.PRIORITY, (_, frame) => take_priority(frame));
HANDLERS.set(FrameType.RST_STREAM, (_, frame) => reset_reason(frame));
HANDLERS.set(FrameType.SETTINGS, change_settings);
HANDLERS.set(FrameType.PUSH_PROMISE, () => broken("PUSH_PROMISE, though it must not push"));
HANDLERS.set(FrameType.PING, pong);
HANDLERS.set(FrameType.GOAWAY, refusal_of_goaway);
HANDLERS.set(FrameType.WINDOW_UPDATE, note_window);
HANDLERS.set(FrameType.CONTINUATION, () => broken("CONTINUATION without HEADERS"));

function take_frame(exchange: Exchange, frame: Frame): Fault | undefined {
  if (exchange.block !== undefined) {
    if (frame.type !== FrameType.CONTINUATION || frame.stream !== STREAM)
      return broken("another frame within headers");
    return add_fragment(exchange, frame.flags, frame.payload);
  }
  // Frames of unknown types are ignored.
  return HANDLERS.get(frame.type)?.(exchange, frame);
}

/** Reads frames until the answer is complete. Returns why it is not. */
function receive_answer(exchange: Exchange): Fault | undefined {
  for (const number of $range(1, MOST_FRAMES)) {
    const [frame, cause] = read_frame(exchange.peer.reader);
    if (frame === undefined) return fault(ErrorCode.NO_ERROR, `${cause ?? ""}${exchange.farewell ?? ""}`);
    const is_settings = frame.type === FrameType.SETTINGS && !has_flag(frame.flags, ACK);
    if (number === 1 && !is_settings) return broken("it does not begin with SETTINGS");
    const wrong = take_frame(exchange, frame);
    if (wrong !== undefined || exchange.is_ended) return wrong;
  }
  return fault(ErrorCode.ENHANCE_YOUR_CALM, `it sent ${MOST_FRAMES} frames without a complete answer`);
}

/**
 * Reads the answer to a request that was sent over a new connection, which must be closed afterwards.
 *
 * @param sent the number of bytes of the request's body
 */
export function read_http2_answer(peer: Peer, sent: number): Result<Http2Answer> {
  const exchange: Exchange = {
    peer,
    table: new_dynamic_table(),
    block: undefined,
    is_last_block: false,
    header_bytes: 0,
    head: undefined,
    trailers: undefined,
    body: [],
    body_bytes: 0,
    connection_window: INITIAL_WINDOW - sent,
    stream_window: INITIAL_WINDOW - sent,
    initial_window: INITIAL_WINDOW,
    is_ended: false,
    farewell: undefined,
  };
  const wrong = receive_answer(exchange);
  const code = wrong?.code ?? ErrorCode.NO_ERROR;
  peer.send(format_frame(FrameType.GOAWAY, 0, 0, uint32(0) + uint32(code)));
  const { head, trailers, body } = exchange;
  if (wrong !== undefined || head?.status === undefined) return $multi(undefined, wrong?.text);
  return $multi(
    {
      status: head.status,
      headers: head.headers,
      trailers: trailers?.headers ?? {},
      body: table.concat(body),
    },
    undefined,
  );
}
