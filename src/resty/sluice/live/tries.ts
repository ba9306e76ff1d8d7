import { get_last_failure, set_more_tries } from "ngx.balancer";

import * as clock from "../lib/clock";
import { count_tried, type Attempts } from "./attempts";
import { may_use_kept_connection, TAKES_BACK_TRIES } from "./kept";
import { has_answered_last } from "./last_attempt";
import { count_servers } from "./split_servers";
import type { LiveUpstream, LiveServer } from "./view/model";

/**
 * The tries of a request, which nginx counts: the upstream block allows one, and Sluice adds the others. Hot.
 */

/** Upper bound on the tries that do not count, in case a server always closes connections. */
const MOST_FREE_TRIES = 10;

/** Not looked up in each request: LuaJIT limits the constants of a request's path. */
const { min } = math;

const NGX_BUSY = -3;
const BAD_GATEWAY = 502;

/**
 * Returns the number of tries after the first one, which is at `server`. `servers`: the number of servers in
 * rotation of the upstream, or of all members of a split.
 */
function more_tries(servers: number, { upstream, in_rotation }: LiveServer): number {
  return min(in_rotation ? servers - 1 : servers, upstream.tries - 1);
}

/** Tells whether a request at its last try gets one more in advance, in case a kept connection breaks. */
function is_lent_try(upstream: LiveUpstream, server: LiveServer): boolean {
  return upstream.lends_tries && may_use_kept_connection(server);
}

/** Sets the number of tries in nginx at the first attempt of a request. `servers`: see `more_tries`. */
export function allow_tries(servers: number, server: LiveServer): void {
  let more = more_tries(servers, server);
  if (TAKES_BACK_TRIES && more === 0 && is_lent_try(server.upstream, server)) more = 1;
  if (more > 0) set_more_tries(more);
}

/** Returns the number of tries that the first attempt has set. */
function tries_after_first({ split, servers, redirected }: Attempts): number {
  const first = servers[redirected];
  const others = split === undefined ? first.upstream.in_rotation : count_servers(split, clock.now());
  return more_tries(others, first);
}

/** Returns the number of tries that a request has left by Sluice's count. */
function tries_left(attempts: Attempts): number {
  const tries = 1 + tries_after_first(attempts);
  return tries - count_tried(attempts) + math.min(attempts.free, MOST_FREE_TRIES);
}

/**
 * Tells whether the request has only a try left that it got in advance and does not need. Called only if
 * tries are taken back.
 *
 * If a response counts as a failure (`proxy_next_upstream http_503`), a try in advance does harm: nginx
 * discards the response of the last server, which it would otherwise send. After the first such response, the
 * upstream gives no more tries in advance.
 */
export function is_out_of_tries(upstream: LiveUpstream, attempts: Attempts): boolean {
  if (has_answered_last()) upstream.lends_tries = false;
  return tries_left(attempts) < 1;
}

/** Restores the tries that do not count, at a later attempt. Called only if tries are taken back. */
export function restore_tries(upstream: LiveUpstream, attempts: Attempts, server: LiveServer): void {
  let wanted = tries_left(attempts);
  if (wanted === 1 && is_lent_try(upstream, server)) wanted = 2;
  const is_second = count_tried(attempts) === 1;
  const left = math.max(1, is_second ? tries_after_first(attempts) : attempts.left - 1);
  if (wanted > left) set_more_tries(wanted - left);
  attempts.left = math.max(wanted, left);
}

/** Ends a request whose last try has failed with the status that it would have without the try in advance. */
export function end_without_try(): void {
  const [, status] = get_last_failure();
  ngx.exit(status === undefined || status === BAD_GATEWAY ? NGX_BUSY : status);
}
