import * as clock from "../lib/clock";
import { new_pause } from "../lib/slices";
import type { Reader } from "./reader";

/** Where connections lead, and how long one is used. Its pool keeps at most one. */
export interface Destination {
  /** An IP address, IPv6 in brackets, or `unix:/path`. */
  host: string;
  /** 0 for a unix socket. */
  port: number;
  /** Speak TLS. */
  tls: Tls | undefined;
  /** Tells its kept connection from others'. */
  pool: { pool: string };
  /** For how many seconds a connection takes further requests; 0: for none. */
  keepalive_time: number;
  /** When the connection was opened that is kept or in use, by the monotonic clock. */
  opened: number;
}

/** What a TLS handshake needs. */
export interface Tls {
  /** Sent as SNI. */
  server_name: string;
  /** True: the certificate must be valid for that name. */
  verify: boolean;
}

/** A connection in use. */
export interface Connection extends Reader {
  socket: TcpSocket;
  destination: Destination;
  /** When all must be done, by the monotonic clock. */
  deadline: number;
  /** True: it has brought an answer before. */
  is_reused: boolean;
}

type Outcome = LuaMultiReturn<[true | undefined, string | undefined]>;

/** What nginx says when it has waited for long enough. */
const TIMED_OUT = "timeout";
const MOST_BYTES_AT_ONCE = 65536;

/**
 * Why connecting fails when this machine or this worker is short of something. nginx sets no error when it has no free
 * connection; then it is that of the call before, and the last two are what that can be.
 */
const SHORTAGES = new LuaSet<string>();
for (const shortage of [
  "too many open files",
  "too many open files in system",
  "cannot allocate memory",
  "no buffer space available",
  "cannot assign requested address",
  "operation now in progress",
  "resource temporarily unavailable",
]) {
  SHORTAGES.add(`could not connect: ${shortage}`);
}

/** Whether the cause of a failure lies on this side, and says nothing of the other. */
export function is_shortage(cause: string): boolean {
  return SHORTAGES.has(cause);
}

/** Whether a failure is that the deadline has passed. */
export function is_timeout(cause: string): boolean {
  return string.sub(cause, -TIMED_OUT.length) === TIMED_OUT;
}

/** Gives the next operation the time that is left. False: there is none. */
function set_timeout(connection: Connection): boolean {
  const left = math.ceil((connection.deadline - clock.now()) * 1000);
  if (left <= 0) return false;
  connection.socket.settimeout(left);
  return true;
}

function receive(this: void, reader: Reader): LuaMultiReturn<[string | undefined, string | undefined]> {
  const connection = reader as Connection;
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  return connection.socket.receiveany(MOST_BYTES_AT_ONCE);
}

function shake_hands(connection: Connection, tls: Tls): Outcome {
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const { socket } = connection;
  const [shaken, cause] = socket.sslhandshake(false, tls.server_name, tls.verify);
  if (shaken === undefined) return $multi(undefined, cause);
  // When the other side is so quick that nginx need not wait, it says so of a bad certificate too, and has closed.
  if (socket.getreusedtimes()[0] === undefined) return $multi(undefined, "the certificate is not valid");
  return $multi(true, undefined);
}

const UNCONNECTED = "could not connect: ";

/** Whether the cause of a failure is that there was no connection: then nothing was sent. */
export function is_unconnected(cause: string): boolean {
  return string.sub(cause, 1, UNCONNECTED.length) === UNCONNECTED;
}

/**
 * Opens a connection, or takes the one that is kept. Phases that have cosockets.
 *
 * @param deadline when all must be done, by the monotonic clock
 * @returns the connection, or undefined and the cause
 */
export function open_connection(
  destination: Destination,
  deadline: number,
): LuaMultiReturn<[Connection | undefined, string | undefined]> {
  const socket = ngx.socket.tcp();
  const { host, port, pool } = destination;
  const connection: Connection = {
    buffer: "",
    used: 0,
    steps: 0,
    receive,
    pause: new_pause(),
    socket,
    destination,
    deadline,
    is_reused: false,
  };
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const [connected, cause] = port === 0 ? socket.connect(host, pool) : socket.connect(host, port, pool);
  if (connected === undefined) return $multi(undefined, `${UNCONNECTED}${cause ?? ""}`);
  connection.is_reused = socket.getreusedtimes()[0] !== 0;
  if (connection.is_reused) return $multi(connection, undefined);
  destination.opened = clock.now();
  if (destination.tls !== undefined) {
    const [shaken, no_tls] = shake_hands(connection, destination.tls);
    if (shaken === undefined) {
      socket.close();
      return $multi(undefined, `could not shake hands: ${no_tls ?? ""}`);
    }
  }
  return $multi(connection, undefined);
}

/** Sends a text. Returns true, or undefined and the cause. */
export function send(connection: Connection, text: string): Outcome {
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const [sent, cause] = connection.socket.send(text);
  if (sent === undefined) return $multi(undefined, cause);
  return $multi(true, undefined);
}

/** Keeps a connection on which nothing more is to come, unless it has served for long enough. */
export function keep_connection(connection: Connection): void {
  const { socket, destination } = connection;
  const left = math.floor((destination.opened + destination.keepalive_time - clock.now()) * 1000);
  if (left > 0) socket.setkeepalive(left, 1);
  else socket.close();
}

/** Closes a connection. */
export function close_connection(connection: Connection): void {
  connection.socket.close();
}
