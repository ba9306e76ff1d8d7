import { clear_errors, count_error, eject } from "../../health/outlier";
import { note_failure, note_success, note_trial } from "../../health/passive";
import { Row, UpstreamRow } from "../../store/memory/cells";
import { State } from "../../store/memory/states";
import { is_ejected, note_end_of_ejection } from "../../store/memory/ejection";
import { type LiveServer, type LiveUpstream, Own } from "./model";
import { own } from "./own_memory";
import { rotate } from "./rotation";
import { weigh } from "./weight";
import { update_zones } from "./zone";

/** Passes outcomes of requests to health, and tells whether a server may have requests. Hot. */

const FIRST_SERVER_ERROR = 500;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;
const PERCENT = 100;

/** Tells whether a server waits for its first check to pass, even while the upstream panics. */
function is_checking({ row }: LiveServer): boolean {
  const state: State = own.memory[row + Row.STATE];
  return state === State.CHECKING;
}

/** Tells whether health allows requests to a server. `now`: the monotonic clock. */
export function is_healthy(server: LiveServer, now: number): boolean {
  return (
    own.memory[server.row + Row.UNAVAILABLE_UNTIL] <= now || (server.upstream.panics && !is_checking(server))
  );
}

function unavailable_percent(upstream: LiveUpstream, now: number): number {
  let unavailable = 0;
  for (const [, server] of pairs(upstream.servers)) {
    if (server.in_rotation && own.memory[server.row + Row.UNAVAILABLE_UNTIL] > now) unavailable += 1;
  }
  return upstream.in_rotation === 0 ? 0 : (unavailable * PERCENT) / upstream.in_rotation;
}

/** Tells whether the only server is spared. As in nginx, failures of requests never take it out. */
function spares_only_server(upstream: LiveUpstream): boolean {
  if (upstream.size !== 1) return false;
  for (const [, server] of pairs(upstream.servers)) {
    const state: State = own.memory[server.row + Row.STATE];
    if (state === State.UNAVAIL && !server[Own.PARAMETERS].stands_by) return true;
  }
  return false;
}

/** Follows the states of all servers of an upstream after one of them has changed. O(servers). */
export function survey(upstream: LiveUpstream, now: number): void {
  upstream.health_revision = own.memory[upstream.row + UpstreamRow.HEALTH_REVISION];
  for (const [, server] of pairs(upstream.servers)) rotate(server);
  const available_percent = PERCENT - unavailable_percent(upstream, now);
  upstream.panics = available_percent < upstream.panic_threshold || spares_only_server(upstream);
  for (const [, server] of pairs(upstream.servers)) {
    if (server[Own.PARAMETERS].slow_start > 0) weigh(server, now);
  }
  update_zones(upstream);
}

/** Tells whether the upstream must be surveyed. */
export function has_changed(upstream: LiveUpstream): boolean {
  return own.memory[upstream.row + UpstreamRow.HEALTH_REVISION] !== upstream.health_revision;
}

/** Notes that a server was chosen. For a server with failures, this request is a trial. */
export function note_choice(server: LiveServer, now: number): void {
  if (own.memory[server.row + Row.UNAVAILABLE_UNTIL] === 0 && own.memory[server.row + Row.FAILS] === 0)
    return;
  note_end_of_ejection(server, now);
  if (own.memory[server.row + Row.FAILS] > 0) note_trial(server, now);
}

/** Returns the number of ejected servers of an upstream except one, and the number of all its servers. */
export function others_ejected(
  this: void,
  server: LiveServer,
  now: number,
): LuaMultiReturn<[number, number]> {
  const { servers, size } = server.upstream;
  let ejected = 0;
  for (const [, other] of pairs(servers)) {
    if (other !== server && !other[Own.PARAMETERS].stands_by && is_ejected(other.row, now)) ejected += 1;
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

export function note_response(server: LiveServer, status: number, now: number): void {
  const { row } = server;
  if (status >= FIRST_SERVER_ERROR) {
    note_error(server, status >= BAD_GATEWAY && status <= GATEWAY_TIMEOUT, now);
  } else if (own.memory[row + Row.ERRORS_5XX] !== 0) {
    clear_errors(server);
  }
  if (own.memory[row + Row.FAILS] !== 0) note_success(server, now);
}

/**
 * Notes that nginx takes an attempt for a failure with `status`: 502 or 504 without a response. As in nginx,
 * the only server is spared.
 */
export function note_failed_attempt(server: LiveServer, status: number, now: number): void {
  if (server.upstream.size > 1) note_failure(server, now, `a request failed with ${status}`);
  // nginx takes 429 for a failure if `proxy_next_upstream` says so.
  if (status >= FIRST_SERVER_ERROR)
    note_error(server, status >= BAD_GATEWAY && status <= GATEWAY_TIMEOUT, now);
}
