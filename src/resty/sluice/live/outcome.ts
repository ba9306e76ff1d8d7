import type { CData } from "ffi";
import { get_last_failure } from "ngx.balancer";

import { canonical_address } from "../config/address";
import { now as read_clock } from "../lib/clock";
import { terminated_parts } from "../lib/text";
import { Counter } from "../store/memory/counter_cells";
import { add_tried, find_attempts, keep_several, redirect, type Attempts } from "./attempts";
import { forget_first } from "./first_attempts";
import { note_response_report } from "./in_band";
import { broke_kept_connection, note_connection, TAKES_BACK_TRIES } from "./kept";
import { report_unlogged } from "./unlogged";
import { read_milliseconds, read_number, read_status, variable_name } from "./view/variable";
import { note_failed_attempt, note_response } from "./view/availability";
import {
  count_at,
  count_end,
  count_inactive,
  count_response,
  count_success,
  own_in_flight,
} from "./view/counters";
import { note_end } from "./view/in_flight_age";
import { type LiveServer, Measure } from "./view/model";
import { key_of } from "./view/request_key";
import { count_failed_response, count_loaded_time, count_response_time } from "./view/surroundings";
import { count_times, weight_of_times } from "./view/times";

/**
 * The outcome of each attempt: at a retry from `get_last_failure`, at the end from nginx's `$upstream_*`
 * variables. Each failure reaches health from here. Hot for a request with one attempt only.
 */

const TOO_MANY_REQUESTS = 429;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;
const FIRST_SERVER_ERROR = 500;

const STATUS = variable_name("upstream_status");
const SENT = variable_name("upstream_bytes_sent");
const RECEIVED = variable_name("upstream_bytes_received");
const HEADER_TIME = variable_name("upstream_header_time");
const RESPONSE_TIME = variable_name("upstream_response_time");

/** Reports that nginx takes the attempt before for a failure with `status`. Phase: balancer_by_lua. */
export function report_failed_attempt(
  attempts: Attempts,
  server: LiveServer,
  status: number,
  now: number,
): void {
  if (TAKES_BACK_TRIES && broke_kept_connection(server, status)) attempts.free += 1;
  note_failed_attempt(server, status, now);
}

/** Returns the record of a request that is to have another attempt. `first`: the server of the first one. */
function attempts_of(request: CData, first: LiveServer | undefined): Attempts {
  const key = key_of(request);
  const attempts = find_attempts(key);
  if (attempts !== undefined) return attempts;
  if (first !== undefined) forget_first(request);
  return keep_several(key, first);
}

/** Ends the attempt under way, and keeps it among the earlier ones. Phase: balancer_by_lua. */
export function end_attempt(
  request: CData,
  first: LiveServer | undefined,
  now: number,
): LuaMultiReturn<[attempts: Attempts, is_retry: boolean]> {
  const attempts = attempts_of(request, first);
  const [failure, status] = get_last_failure();
  const { server } = attempts;
  if (server !== undefined) {
    const has_failed = failure === "failed";
    note_end(request, server);
    if (has_failed) report_failed_attempt(attempts, server, status ?? 0, now);
    count_end(server, has_failed ? 1 : 0);
    add_tried(attempts, server);
    attempts.server = undefined;
  }
  if (failure === undefined) redirect(attempts);
  return $multi(attempts, failure !== undefined);
}

function variable(name: string): string {
  return ngx.var[name] ?? "";
}

/**
 * Splits a value at `, ` between attempts and ` : ` at an internal redirect. A unix socket's path may contain
 * commas, and an upstream without an available server leaves an empty part.
 */
function split(values: string): string[] {
  const parts: string[] = [];
  if (values === "") return parts;
  const [commas] = string.gsub(values, " : ", ", ");
  for (const part of terminated_parts(`${commas}, `, ", ")) parts.push(part);
  return parts;
}

function milliseconds(seconds: string | undefined): number | undefined {
  const value = tonumber(seconds);
  return value === undefined ? undefined : math.floor(value * 1000 + 0.5);
}

/** What nginx reports about the attempts, in their order. */
interface Reported {
  addresses: string[];
  statuses: string[];
  sent: string[];
  received: string[];
  header_times: string[];
  response_times: string[];
}

function read_attempts(): Reported {
  return {
    addresses: split(variable("upstream_addr")),
    statuses: split(variable("upstream_status")),
    sent: split(variable("upstream_bytes_sent")),
    received: split(variable("upstream_bytes_received")),
    header_times: split(variable("upstream_header_time")),
    response_times: split(variable("upstream_response_time")),
  };
}

/** Counts a response for `least_time` or `least_load`. Times in milliseconds. */
function count_expected(
  server: LiveServer,
  status: number,
  header_time: number,
  response_time: number,
): void {
  const { measure } = server.upstream;
  if (measure === Measure.NONE) return;
  if (measure === Measure.LOAD) server.upstream.answers += 1;
  if (status >= FIRST_SERVER_ERROR) count_failed_response(server);
  else if (measure === Measure.LOAD) count_loaded_time(server, response_time);
  else count_response_time(server, measure === Measure.HEADER ? header_time : response_time);
}

/** Counts an attempt, except its end. Returns whether the server gave a response. */
function count_attempt(server: LiveServer, attempts: Reported, index: number): boolean {
  count_at(server, Counter.SENT, tonumber(attempts.sent[index]) ?? 0);
  count_at(server, Counter.RECEIVED, tonumber(attempts.received[index]) ?? 0);
  const header_time = milliseconds(attempts.header_times[index]);
  const status = tonumber(attempts.statuses[index]);
  if (header_time === undefined || status === undefined) return false;
  const response_time = milliseconds(attempts.response_times[index]) ?? header_time;
  count_response(server, status);
  count_times(server, header_time, response_time, 1);
  count_expected(server, status, header_time, response_time);
  return true;
}

/** Tells whether nginx ended an attempt with a status of its own, without a response of the server. */
function has_failed(attempts: Reported, index: number): boolean {
  const status = tonumber(attempts.statuses[index]);
  return status === BAD_GATEWAY || status === GATEWAY_TIMEOUT;
}

/**
 * Counts the attempts of a request, and ends the last one if it is under way. If nginx reports no attempt,
 * they belong to an earlier request at the same address, which ended without `log()`. Phase: log_by_lua.
 */
export function log_several_attempts(earlier: readonly LiveServer[], last: LiveServer | undefined): void {
  if (ngx.var.upstream_addr === undefined) {
    const server = last ?? earlier[0];
    if (server !== undefined) report_unlogged(server.upstream);
    if (last !== undefined) count_end(last, 0);
    return;
  }
  const attempts = read_attempts();
  const servers: LiveServer[] = [];
  for (const server of earlier) servers.push(server);
  if (last !== undefined) {
    servers.push(last);
    count_inactive(last);
  }

  // An upstream of nginx.conf may have had attempts between ours. Then the addresses tell them apart.
  const all_ours = attempts.addresses.length === servers.length;
  let index = 0;
  let last_failures = 0;
  for (const position of $range(0, servers.length - 1)) {
    const server = servers[position];
    while (
      !all_ours &&
      index < attempts.addresses.length &&
      attempts.addresses[index] !== canonical_address(server.server)
    )
      index += 1;
    if (index < attempts.addresses.length) {
      const responded = count_attempt(server, attempts, index);
      last_failures = !responded && has_failed(attempts, index) ? 1 : 0;
      if (last_failures > 0) count_at(server, Counter.UNANSWERED, 1);
      if (last_failures > 0 && server.upstream.measure !== Measure.NONE) count_failed_response(server);
      // Failures before the last attempt were reported when the next one began.
      const status = tonumber(attempts.statuses[index]) ?? 0;
      const may_have_failed = status >= FIRST_SERVER_ERROR || status === TOO_MANY_REQUESTS;
      if (responded && (server === last || !may_have_failed)) note_response(server, status, read_clock());
      else if (last_failures > 0 && server === last) note_failed_attempt(server, status, read_clock());
      index += 1;
    }
  }
  if (last === undefined) return;
  if (TAKES_BACK_TRIES && last_failures === 0) note_connection(last, own_in_flight(last) + 1);
  count_at(last, Counter.FAILS, last_failures);
  // The response header belongs to the last attempt.
  if (last.upstream.wants_reports && last_failures === 0) note_response_report(last, read_clock());
}

/** Counts the times of a response, which stand for those of `weight` responses. */
function log_times(request: CData, server: LiveServer, status: number, weight: number): void {
  const header_time = read_milliseconds(request, HEADER_TIME);
  const response_time = read_milliseconds(request, RESPONSE_TIME);
  if (header_time === undefined || response_time === undefined) return;
  count_times(server, header_time, response_time, weight);
  count_expected(server, status, header_time, response_time);
}

/**
 * Counts only the time of a response that the method uses, because each read of a variable costs much. For
 * `least_load`, the responses that `weight_of_times` selects are enough.
 */
function log_measured_time(request: CData, server: LiveServer, status: number): void {
  const { measure } = server.upstream;
  if (measure === Measure.LOAD && status < FIRST_SERVER_ERROR) {
    server.upstream.answers += 1;
    return;
  }
  const name = measure === Measure.HEADER ? HEADER_TIME : RESPONSE_TIME;
  const time = read_milliseconds(request, name);
  if (time !== undefined) count_expected(server, status, time, time);
}

/** Counts a request with one attempt. Phase: log_by_lua. */
export function log_one_attempt(request: CData, server: LiveServer): void {
  const status = read_status(request, STATUS);
  const sent = read_number(request, SENT);
  const received = read_number(request, RECEIVED);
  if (
    status === undefined ||
    status === BAD_GATEWAY ||
    status === GATEWAY_TIMEOUT ||
    sent === undefined ||
    received === undefined
  ) {
    log_several_attempts([], server);
    return;
  }
  if (TAKES_BACK_TRIES) note_connection(server, own_in_flight(server));
  count_success(server, status, sent, received);
  const now = read_clock();
  note_response(server, status, now);
  if (server.upstream.wants_reports) note_response_report(server, now);
  const weight = weight_of_times(server, now);
  if (weight > 0) log_times(request, server, status, weight);
  else if (server.upstream.measure !== Measure.NONE) log_measured_time(request, server, status);
}
