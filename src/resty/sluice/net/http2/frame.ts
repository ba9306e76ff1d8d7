import type { Result } from "../../lib/result";
import { bytes_left, fill, take, type Reader } from "../reader";

/** The frames of HTTP/2 (RFC 9113, sections 4 and 6). */

export const enum FrameType {
  DATA = 0,
  HEADERS = 1,
  PRIORITY = 2,
  RST_STREAM = 3,
  SETTINGS = 4,
  PUSH_PROMISE = 5,
  PING = 6,
  GOAWAY = 7,
  WINDOW_UPDATE = 8,
  CONTINUATION = 9,
}

/** The flag of SETTINGS and PING. */
export const ACK = 1;

/** The flags of DATA, HEADERS and CONTINUATION. */
export const enum Flag {
  END_STREAM = 1,
  END_HEADERS = 4,
  PADDED = 8,
  PRIORITY = 32,
}

export const enum ErrorCode {
  NO_ERROR = 0,
  PROTOCOL_ERROR = 1,
  FLOW_CONTROL_ERROR = 3,
  FRAME_SIZE_ERROR = 6,
  COMPRESSION_ERROR = 9,
  ENHANCE_YOUR_CALM = 11,
}

const ERROR_NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

export interface Frame {
  /** May have other values, too. */
  type: FrameType;
  flags: number;
  stream: number;
  payload: string;
}

/** Each side must accept frames of this size, and none larger unless it says so. */
export const LARGEST_FRAME = 16384;
const HEADER_BYTES = 9;
const NOT_HTTP2 = "it is not HTTP/2";

/** Returns the name of an error code of the other side. */
export function error_name(code: number): string {
  const name = ERROR_NAMES[code] as string | undefined;
  return name ?? string.format("error %d", code);
}

/** Tells whether a bit of flags is set. */
export function has_flag(flags: number, flag: number): boolean {
  return math.floor(flags / flag) % 2 === 1;
}

/** Formats a number of four bytes. */
export function uint32(value: number): string {
  const high = math.floor(value / 65536);
  const low = value % 65536;
  return string.char(math.floor(high / 256), high % 256, math.floor(low / 256), low % 256);
}

/** Reads the number of four bytes at a position, which must be there. */
export function uint32_at(text: string, position: number): number {
  const [first, second, third, fourth] = string.byte(text, position, position + 3);
  return ((first * 256 + second) * 256 + third) * 256 + fourth;
}

/** Reads a number of four bytes without its highest bit, which is reserved. */
export function uint31_at(text: string, position: number): number {
  return uint32_at(text, position) % 2147483648;
}

export function format_frame(type: FrameType, flags: number, stream: number, payload = ""): string {
  const length = string.sub(uint32(payload.length), 2);
  return length + string.char(type, flags) + uint32(stream) + payload;
}

function wait_for(reader: Reader, count: number): Result<true> {
  while (bytes_left(reader) < count) {
    const [filled, cause] = fill(reader);
    if (filled === undefined) return $multi(undefined, cause);
  }
  return $multi(true, undefined);
}

/** Waits for a whole frame and takes it. */
export function read_frame(reader: Reader): Result<Frame> {
  const [has_header, no_header] = wait_for(reader, HEADER_BYTES);
  if (has_header === undefined) return $multi(undefined, no_header);
  const header = take(reader, HEADER_BYTES);
  if (string.sub(header, 1, 5) === "HTTP/") return $multi(undefined, NOT_HTTP2);
  const [high, middle, low, type, flags] = string.byte(header, 1, 5);
  const length = (high * 256 + middle) * 256 + low;
  if (length > LARGEST_FRAME)
    return $multi(undefined, `it sent a frame of more than ${LARGEST_FRAME} bytes, or ${NOT_HTTP2}`);
  const stream = uint31_at(header, 6);
  if (length === 0) return $multi({ type, flags, stream, payload: "" }, undefined);
  const [has_payload, no_payload] = wait_for(reader, length);
  if (has_payload === undefined) return $multi(undefined, no_payload);
  return $multi({ type, flags, stream, payload: take(reader, length) }, undefined);
}
