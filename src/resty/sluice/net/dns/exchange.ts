import * as clock from "../../lib/clock";
import { read_file } from "../../lib/file";
import { new_pause } from "../../lib/pause";
import type { Result } from "../../lib/result";
import { decode_answer, encode_question, type Message, type Question, type RecordType } from "./message";

/** Asks one DNS server, over UDP and, if the answer does not fit, over TCP. */

/** The place of a DNS server. */
export interface Place {
  /** As it was given, for messages. */
  readonly server: string;
  /** An IP address, IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  /** The system names this server. `guard` is for what clients and options name, so it does not apply. */
  readonly is_of_system?: true;
}

/** Messages with a wrong id or question are ignored, but not without end. */
const MOST_STRAYS = 128;
/** The error text of nginx for a timeout. */
export const TIMEOUT = "timeout";
/**
 * Interval at which a waiter checks whether it should give up, in seconds. nginx logs an error after each
 * one, unless `lua_socket_log_errors` is off.
 */
const LOOK_SECONDS = 1;
const RANDOM = "/dev/urandom";
const RANDOM_BYTES = 512;
const POOL = { pool: "sluice dns" };

let random = "";

/** Returns an unguessable number of 16 bits, so that nobody can answer in the name of a DNS server. */
function random_id(): number {
  if (random.length < 2) random = read_file(RANDOM, RANDOM_BYTES)[0] ?? "";
  const [high, low] = string.byte(random, 1, 2);
  random = string.sub(random, 3);
  return high === undefined || low === undefined ? math.random(0, 65535) : high * 256 + low;
}

function milliseconds_until(deadline: number): number {
  return math.max(1, math.ceil((deadline - clock.now()) * 1000));
}

/** Receives a message, or the cause; the wait ends when the deadline has passed or `is_over` returns true. */
function receive(socket: UdpSocket, deadline: number, is_over: (this: void) => boolean): Result<string> {
  while (true) {
    socket.settimeout(milliseconds_until(math.min(deadline, clock.now() + LOOK_SECONDS)));
    const [text, cause] = socket.receive();
    const has_to_wait = cause === TIMEOUT && clock.now() < deadline && !is_over();
    if (text !== undefined || !has_to_wait) return $multi(text, cause);
  }
}

function ask_over_udp(
  place: Place,
  question: Question,
  query: string,
  deadline: number,
  is_over: (this: void) => boolean,
): Result<Message> {
  const socket = ngx.socket.udp();
  const [connected, unconnected] = socket.setpeername(place.host, place.port);
  if (connected === undefined) return $multi(undefined, `could not open a socket: ${unconnected ?? ""}`);
  let answer: Message | undefined;
  const [sent, unsent] = socket.send(query);
  let cause = unsent;
  let strays = 0;
  while (sent !== undefined && answer === undefined && strays < MOST_STRAYS) {
    const [text, failure] = receive(socket, deadline, is_over);
    cause = failure;
    if (text === undefined) break;
    [answer, cause] = decode_answer(text, question, new_pause());
    if (cause !== undefined) break;
    if (answer === undefined) cause = "it sends answers to other questions";
    strays += 1;
    if (answer === undefined && clock.now() >= deadline) break;
  }
  socket.close();
  return $multi(answer, cause);
}

/**
 * Receives a number of bytes over TCP. nginx's timeout begins again with each piece, so a server that sends
 * one byte after the other is stopped by the deadline.
 */
function receive_bytes(
  socket: TcpSocket,
  count: number,
  deadline: number,
  is_over: (this: void) => boolean,
): Result<string> {
  const pieces: string[] = [];
  let size = 0;
  while (size < count) {
    if (clock.now() >= deadline || is_over()) return $multi(undefined, TIMEOUT);
    socket.settimeout(milliseconds_until(math.min(deadline, clock.now() + LOOK_SECONDS)));
    const [piece, cause] = socket.receiveany(count - size);
    if (piece !== undefined) {
      pieces.push(piece);
      size += piece.length;
    } else if (cause !== TIMEOUT) {
      return $multi(undefined, cause);
    }
  }
  return $multi(table.concat(pieces), undefined);
}

function ask_over_tcp(
  place: Place,
  question: Question,
  query: string,
  deadline: number,
  is_over: (this: void) => boolean,
): Result<Message> {
  const socket = ngx.socket.tcp();
  socket.settimeout(milliseconds_until(deadline));
  const [connected, unconnected] = socket.connect(place.host, place.port, POOL);
  if (connected === undefined) return $multi(undefined, `could not connect: ${unconnected ?? ""}`);
  const size = string.char(math.floor(query.length / 256), query.length % 256);
  let [, cause] = socket.send(size + query);
  let text: string | undefined;
  if (cause === undefined) [text, cause] = receive_bytes(socket, 2, deadline, is_over);
  if (text !== undefined) {
    const [high, low] = string.byte(text, 1, 2);
    [text, cause] = receive_bytes(socket, high * 256 + low, deadline, is_over);
  }
  socket.close();
  if (text === undefined) return $multi(undefined, `no answer over TCP: ${cause ?? ""}`);
  const [answer, flaw] = decode_answer(text, question, new_pause());
  if (answer === undefined) return $multi(undefined, flaw ?? "it answers another question over TCP");
  if (answer.is_truncated) return $multi(undefined, "the answer over TCP is truncated");
  return $multi(answer, undefined);
}

/**
 * Asks a DNS server once, or gives up when `is_over` returns true. `seconds`: limit of the exchange over UDP,
 * and of the one over TCP that may follow. Phases that have cosockets.
 */
export function exchange(
  place: Place,
  name: string,
  record_type: RecordType,
  seconds: number,
  is_over: (this: void) => boolean,
): Result<Message> {
  const question: Question = { id: random_id(), name, type: record_type };
  const query = encode_question(question);
  if (query === undefined) return $multi(undefined, `"${name}" is not a domain name`);
  const deadline = clock.now() + seconds;
  const [answer, cause] = ask_over_udp(place, question, query, deadline, is_over);
  if (answer === undefined || !answer.is_truncated) return $multi(answer, cause);
  return ask_over_tcp(place, question, query, clock.now() + seconds, is_over);
}
