import { get_last_failure, set_more_tries } from "ngx.balancer";

import * as clock from "../lib/clock";
import { count_tried, type Attempts } from "./attempts";
import { may_use_kept_connection, TAKES_BACK_TRIES } from "./kept";
import { has_answered_last } from "./last_attempt";
import { count_servers } from "./split";
import type { LiveUpstream, LiveServer, Split } from "./view/model";

/**
 * The tries of a request, which nginx counts: the upstream block allows one, and Sluice adds the others. Hot.
 */

/** Upper bound on the tries that do not count, in case a server always closes connections. */
const MOST_FREE_TRIES = 10;

const NGX_BUSY = -3;
const BAD_GATEWAY = 502;

/** Returns the number of tries after the first one, which is at `server`. */
function more_tries(upstream: LiveUpstream, server: LiveServer): number {
  const others = server.in_rotation ? upstream.in_rotation - 1 : upstream.in_rotation;
  return math.min(others, upstream.tries - 1);
}

/** As `more_tries`, for a request of a split: the servers of other members can follow. */
function more_tries_in_split(split: Split, { upstream, in_rotation }: LiveServer, now: number): number {
  const servers = count_servers(split, upstream.tries, now);
  return math.min(in_rotation ? servers - 1 : servers, upstream.tries - 1);
}

/** Tells whether a request at its last try gets one more in advance, in case a kept connection breaks. */
function is_lent_try(upstream: LiveUpstream, server: LiveServer): boolean {
  return upstream.lends_tries && may_use_kept_connection(server);
}

function allow_more_tries(tries: number, upstream: LiveUpstream, server: LiveServer): void {
  let more = tries;
  if (TAKES_BACK_TRIES && more === 0 && is_lent_try(upstream, server)) more = 1;
  if (more > 0) set_more_tries(more);
}

/** Sets the number of tries in nginx at the first attempt of a request. */
export function allow_tries(upstream: LiveUpstream, server: LiveServer): void {
  allow_more_tries(more_tries(upstream, server), upstream, server);
}

/** As `allow_tries`, for a request of a split. */
export function allow_tries_in_split(split: Split, server: LiveServer, now: number): void {
  allow_more_tries(more_tries_in_split(split, server, now), server.upstream, server);
}

/** Returns the number of tries that the first attempt has set. */
function tries_after_first(upstream: LiveUpstream, { split, servers, redirected }: Attempts): number {
  const first = servers[redirected];
  return split === undefined ? more_tries(upstream, first) : more_tries_in_split(split, first, clock.now());
}

/** Returns the number of tries that a request has left by Sluice's count. */
function tries_left(upstream: LiveUpstream, attempts: Attempts): number {
  const tries = 1 + tries_after_first(upstream, attempts);
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
  return tries_left(upstream, attempts) < 1;
}

/** Restores the tries that do not count, at a later attempt. Called only if tries are taken back. */
export function restore_tries(upstream: LiveUpstream, attempts: Attempts, server: LiveServer): void {
  let wanted = tries_left(upstream, attempts);
  if (wanted === 1 && is_lent_try(upstream, server)) wanted = 2;
  const is_second = count_tried(attempts) === 1;
  const left = math.max(1, is_second ? tries_after_first(upstream, attempts) : attempts.left - 1);
  if (wanted > left) set_more_tries(wanted - left);
  attempts.left = math.max(wanted, left);
}

/** Ends a request whose last try has failed with the status that it would have without the try in advance. */
export function end_without_try(): void {
  const [, status] = get_last_failure();
  ngx.exit(status === undefined || status === BAD_GATEWAY ? NGX_BUSY : status);
}
