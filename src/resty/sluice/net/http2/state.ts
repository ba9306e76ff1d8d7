import type { Reader } from "../reader";
import { ErrorCode } from "./frame";
import type { DynamicTable } from "./hpack";
import type { Headers } from "./message";

/** What is known of an exchange while it is in progress. */

/** What this side needs of a connection. */
export interface Peer {
  reader: Reader;
  /** Sends bytes. A failure is noticed when the answer is read. */
  send: (this: void, bytes: string) => void;
}

/** Why a connection is given up, and the code that tells the other side. */
export interface Fault {
  code: ErrorCode;
  text: string;
}

export interface Exchange {
  peer: Peer;
  table: DynamicTable;
  /** The parts of a header block that is not complete; undefined: there is none. */
  block: string[] | undefined;
  /** True: the stream ends with that block. */
  is_last_block: boolean;
  /** Bytes of all header blocks so far. */
  header_bytes: number;
  head: Headers | undefined;
  trailers: Headers | undefined;
  body: string[];
  /** Bytes of all DATA frames so far, with padding. */
  body_bytes: number;
  /** What may still be sent on the connection and on the stream. */
  connection_window: number;
  stream_window: number;
  /** The window of new streams, as the other side has set it. */
  initial_window: number;
  /** True: the answer is complete. */
  is_ended: boolean;
  /** What GOAWAY has said; undefined: there was none. */
  farewell: string | undefined;
}

/** The stream of the only request. */
export const STREAM = 1;
export const INITIAL_WINDOW = 65535;

export function fault(code: ErrorCode, text: string): Fault {
  return { code, text };
}

export function broken(text: string): Fault {
  return fault(ErrorCode.PROTOCOL_ERROR, `it breaks the rules of HTTP/2: ${text}`);
}
