import { host_bytes } from "../lib/address_rules";
import * as clock from "../lib/clock";
import { new_pause } from "../lib/pause";
import type { Result } from "../lib/result";
import { refusal_of_address, refusal_of_connection, refusal_of_service } from "./allowed";
import { addresses_of_host } from "./dns/host";
import { has_lookup_options } from "./dns/system";
import type { Reader } from "./reader";

/** The address of connections, and how long one is used. */
export interface Destination {
  /** An IP address, IPv6 in brackets, `unix:/path`, or a host name. */
  host: string;
  /** 0 for a unix socket. */
  port: number;
  /** The parameters of TLS; undefined: no TLS. */
  tls: Tls | undefined;
  /** The name of the pool that keeps the idle connections. */
  pool: { pool: string };
  /** Number of idle connections that are kept; absent: 1. */
  most_idle?: number;
  /** How long a connection may serve further requests, in seconds; 0: each connection serves one request. */
  keepalive_time: number;
  /** When the current connection was opened, by the monotonic clock. */
  opened: number;
  /** True: a registry or a webhook, whose address the rules of `guard` must allow at each connection. */
  is_guarded?: true;
}

export interface Tls {
  /** The name that is sent as SNI; undefined: none is sent. */
  server_name: string | undefined;
  /** True: the certificate must be valid for that name. */
  verify: boolean;
}

export interface Connection extends Reader {
  socket: TcpSocket;
  destination: Destination;
  /** When all operations must be complete, by the monotonic clock. */
  deadline: number;
  /** Each piece that arrives moves the deadline to so many seconds later, but not beyond `latest`. */
  grace: number;
  latest: number;
  /** True: the connection has served a request before. */
  is_reused: boolean;
}

/** The error text of nginx for a timeout. */
const TIMED_OUT = "timeout";
/** What nginx says about a name if nginx.conf has no `resolver`. */
const NO_RESOLVER = "no resolver defined";
/** Number of addresses of a name that one connection tries. */
const MOST_HOSTS = 4;
const MOST_BYTES_AT_ONCE = 65536;

/**
 * Errors of `connect` that mean a shortage on this side. Without a free connection, nginx reports the error
 * of the call before; the last two are possible values.
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

/** Tells whether a failure is a shortage on this side, which says nothing about the other side. */
export function is_shortage(cause: string): boolean {
  return SHORTAGES.has(cause);
}

/** Tells whether the cause of a failure is the deadline. */
export function is_timeout(cause: string): boolean {
  return string.sub(cause, -TIMED_OUT.length) === TIMED_OUT;
}

/** Limits the next operation to a part of the time that remains. Returns false if none remains. */
function set_timeout(connection: Connection, part = 1): boolean {
  const left = math.ceil((connection.deadline - clock.now()) * 1000 * part);
  if (left <= 0) return false;
  connection.socket.settimeout(left);
  return true;
}

function receive(this: void, reader: Reader): Result<string> {
  const connection = reader as Connection;
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const [bytes, cause] = connection.socket.receiveany(MOST_BYTES_AT_ONCE);
  const { deadline, latest, grace } = connection;
  if (deadline < latest) connection.deadline = math.min(latest, math.max(deadline, clock.now() + grace));
  return $multi(bytes, cause);
}

function shake_hands(connection: Connection, tls: Tls): Result<true> {
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const { socket } = connection;
  const [shaken, cause] = socket.sslhandshake(false, tls.server_name, tls.verify);
  if (shaken === undefined) return $multi(undefined, cause);
  // If the handshake completes without waiting, nginx reports success for an invalid certificate as well, but
  // has closed the connection.
  if (socket.getreusedtimes()[0] === undefined) return $multi(undefined, "the certificate is not valid");
  return $multi(true, undefined);
}

const UNCONNECTED = "could not connect: ";
const NO_TLS = "could not shake hands: ";

/** Tells whether a failure is a missing connection, so that nothing was sent. */
export function is_unconnected(cause: string): boolean {
  return string.sub(cause, 1, UNCONNECTED.length) === UNCONNECTED;
}

/** Tells whether a failure is that of a TLS handshake. */
export function is_refused_handshake(cause: string): boolean {
  return string.sub(cause, 1, NO_TLS.length) === NO_TLS;
}

/** Connects to the first host that accepts the connection. */
function connect(connection: Connection, hosts: readonly string[]): Result<number> {
  const { socket, destination } = connection;
  const { host: name, port, pool } = destination;
  let cause: string | undefined;
  for (const index of $range(0, hosts.length - 1)) {
    const host = hosts[index];
    const refused =
      destination.is_guarded === true && host !== name ? refusal_of_address(name, host) : undefined;
    if (refused === undefined) {
      if (!set_timeout(connection, 1 / (hosts.length - index))) return $multi(undefined, TIMED_OUT);
      const [connected, failure] = port === 0 ? socket.connect(host, pool) : socket.connect(host, port, pool);
      if (connected !== undefined) return $multi(connected, undefined);
      cause = failure;
    } else {
      cause = refused;
    }
  }
  return $multi(undefined, cause);
}

/**
 * Connects to the host of the destination. A name is looked up by the `resolver` of `setup`, else by that of
 * nginx.conf, which configurations of earlier versions have, else by those of the system.
 */
function connect_to_host(connection: Connection): Result<number> {
  const { host, port } = connection.destination;
  if (port === 0 || host_bytes(host) !== undefined) return connect(connection, [host]);
  if (!has_lookup_options()) {
    const [connected, cause] = connect(connection, [host]);
    const has_resolver = string.find(cause ?? "", NO_RESOLVER, 1, true)[0] === undefined;
    if (connected !== undefined || has_resolver) return $multi(connected, cause);
  }
  const [hosts, unknown] = addresses_of_host(host, () => clock.now() > connection.deadline);
  if (hosts === undefined) return $multi(undefined, unknown);
  return connect(connection, hosts.slice(0, MOST_HOSTS));
}

/** Tells why a new connection must not be used; undefined: it may be. */
function refusal_of_new({ host, port, is_guarded }: Destination, socket: TcpSocket): string | undefined {
  return is_guarded === true && port !== 0 ? refusal_of_connection(socket, host) : undefined;
}

/**
 * Opens a connection, or takes the idle one. `deadline` is for all operations. Phases that have cosockets.
 */
export function open_connection(destination: Destination, deadline: number): Result<Connection> {
  const socket = ngx.socket.tcp();
  const { host, port } = destination;
  const connection: Connection = {
    buffer: "",
    used: 0,
    steps: 0,
    receive,
    pause: new_pause(),
    socket,
    destination,
    deadline,
    grace: 0,
    latest: deadline,
    is_reused: false,
  };
  const misplaced = destination.is_guarded === true ? refusal_of_service(host, port) : undefined;
  if (misplaced !== undefined) return $multi(undefined, `${UNCONNECTED}${misplaced}`);
  const [connected, cause] = connect_to_host(connection);
  if (connected === undefined) return $multi(undefined, `${UNCONNECTED}${cause ?? ""}`);
  connection.is_reused = socket.getreusedtimes()[0] !== 0;
  if (connection.is_reused) return $multi(connection, undefined);
  const refused = refusal_of_new(destination, socket);
  if (refused !== undefined) {
    socket.close();
    return $multi(undefined, `${UNCONNECTED}${refused}`);
  }
  destination.opened = clock.now();
  if (destination.tls !== undefined) {
    const [shaken, no_tls] = shake_hands(connection, destination.tls);
    if (shaken === undefined) {
      socket.close();
      return $multi(undefined, `${NO_TLS}${no_tls ?? ""}`);
    }
  }
  return $multi(connection, undefined);
}

export function send(connection: Connection, text: string): Result<true> {
  if (!set_timeout(connection)) return $multi(undefined, TIMED_OUT);
  const [sent, cause] = connection.socket.send(text);
  if (sent === undefined) return $multi(undefined, cause);
  return $multi(true, undefined);
}

/** Keeps an idle connection, unless its `keepalive_time` has passed. */
export function keep_connection(connection: Connection): void {
  const { socket, destination } = connection;
  const left = math.floor((destination.opened + destination.keepalive_time - clock.now()) * 1000);
  if (left > 0) socket.setkeepalive(left, destination.most_idle ?? 1);
  else socket.close();
}

export function close_connection(connection: Connection): void {
  connection.socket.close();
}
