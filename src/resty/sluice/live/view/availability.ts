import type { NumberPointer } from "ffi";

import { clear_errors, count_error, eject, is_ejected, note_end_of_ejection } from "../../health/outlier";
import { note_failure, note_success, note_trial } from "../../health/passive";
import { Row, State, UpstreamRow } from "../../store/memory/cells";
import type { LiveServer, LiveUpstream } from "./model";
import { rotate } from "./rotation";
import { weigh } from "./weight";

/**
 * What requests tell of health, and what health tells requests. Hot: what a healthy server costs is a few loads.
 */

const FIRST_SERVER_ERROR = 500;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;
const PERCENT = 100;

let memory: NumberPointer;

/** Reads health from `shared` from now on. Phase: init_worker_by_lua. */
export function use_health(shared: NumberPointer): void {
  memory = shared;
}

/** Panic or not, a server whose first check must pass waits for that. */
function is_checking({ row }: LiveServer): boolean {
  const state: State = memory[row + Row.STATE];
  return state === State.CHECKING;
}

/** Tells whether health lets a server have requests at a time, by the monotonic clock. */
export function is_healthy(server: LiveServer, now: number): boolean {
  return (
    memory[server.row + Row.UNAVAILABLE_UNTIL] <= now || (server.upstream.panics && !is_checking(server))
  );
}

/** How many of an upstream's servers in rotation are kept out, in percent. */
function unavailable_percent(upstream: LiveUpstream, now: number): number {
  let unavailable = 0;
  for (const [, server] of pairs(upstream.servers)) {
    if (server.in_rotation && memory[server.row + Row.UNAVAILABLE_UNTIL] > now) unavailable += 1;
  }
  return upstream.in_rotation === 0 ? 0 : (unavailable * PERCENT) / upstream.in_rotation;
}

/** As nginx: an only server is not kept out for what requests have met at it, even while it had others beside it. */
function spares_only_server(upstream: LiveUpstream): boolean {
  if (upstream.size !== 1) return false;
  for (const [, server] of pairs(upstream.servers)) {
    const state: State = memory[server.row + Row.STATE];
    if (state === State.UNAVAIL && !server.stands_by) return true;
  }
  return false;
}

/** Looks at an upstream's servers after one of them has changed its state. O(servers). */
export function survey(upstream: LiveUpstream, now: number): void {
  upstream.health_revision = memory[upstream.row + UpstreamRow.HEALTH_REVISION];
  for (const [, server] of pairs(upstream.servers)) rotate(server);
  const available_percent = PERCENT - unavailable_percent(upstream, now);
  upstream.panics = available_percent < upstream.panic_threshold || spares_only_server(upstream);
  for (const [, server] of pairs(upstream.servers)) {
    if (server.slow_start > 0) weigh(server, now);
  }
}

/** Tells whether the upstream must be surveyed. */
export function has_changed(upstream: LiveUpstream): boolean {
  return memory[upstream.row + UpstreamRow.HEALTH_REVISION] !== upstream.health_revision;
}

/** Notes that a server was chosen: for one that had trouble that is a trial. */
export function note_choice(server: LiveServer, now: number): void {
  if (memory[server.row + Row.UNAVAILABLE_UNTIL] === 0 && memory[server.row + Row.FAILS] === 0) return;
  note_end_of_ejection(server, now);
  if (memory[server.row + Row.FAILS] > 0) note_trial(server, now);
}

/** How many of an upstream's servers are ejected beside one of them, and how many there are. */
export function others_ejected(
  this: void,
  server: LiveServer,
  now: number,
): LuaMultiReturn<[number, number]> {
  const { servers, size } = server.upstream;
  let ejected = 0;
  for (const [, other] of pairs(servers)) {
    if (other !== server && !other.stands_by && is_ejected(other.row, now)) ejected += 1;
  }
  return $multi(ejected, size);
}

function note_error(server: LiveServer, is_gateway_failure: boolean, now: number): void {
  const { outlier_limits } = server.upstream;
  if (outlier_limits === undefined) return;
  const reason = count_error(server, outlier_limits, is_gateway_failure);
  if (reason === undefined) return;
  eject(server, outlier_limits, others_ejected, now, reason);
}

/** Notes a response. */
export function note_response(server: LiveServer, status: number, now: number): void {
  const { row } = server;
  if (status >= FIRST_SERVER_ERROR) {
    note_error(server, status >= BAD_GATEWAY && status <= GATEWAY_TIMEOUT, now);
  } else if (memory[row + Row.ERRORS_5XX] !== 0) {
    clear_errors(server);
  }
  if (memory[row + Row.FAILS] !== 0) note_success(server, now);
}

/**
 * Notes that a server gave no response, or one that nginx takes for a failure. As nginx, an only server is spared.
 *
 * @param status what nginx makes of it: 502 or 504 without a response
 */
export function note_failed_attempt(server: LiveServer, status: number, now: number): void {
  if (server.upstream.size > 1) note_failure(server, now, `a request failed with ${status}`);
  // nginx takes 429 for a failure where it is told to.
  if (status >= FIRST_SERVER_ERROR)
    note_error(server, status >= BAD_GATEWAY && status <= GATEWAY_TIMEOUT, now);
}
