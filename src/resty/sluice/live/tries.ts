import { get_last_failure, set_more_tries } from "ngx.balancer";

import { count_tried, type Attempts } from "./attempts";
import { may_use_kept_connection, TAKES_BACK_TRIES } from "./kept";
import { has_answered_last } from "./last_attempt";
import type { LiveUpstream, LiveServer } from "./view/model";

/**
 * The number of servers that a request may be sent to. nginx counts the tries: an upstream block with one `server` line
 * allows one, and Sluice adds those for the other servers. Hot.
 */

/** Upper bound on the tries of a request that do not count, so that a server which always hangs up is left alone. */
const MOST_FREE_TRIES = 10;

const NGX_BUSY = -3;
const BAD_GATEWAY = 502;

/** The number of tries after the first one, which is at `server`. */
function more_tries(upstream: LiveUpstream, server: LiveServer): number {
  const others = server.in_rotation ? upstream.in_rotation - 1 : upstream.in_rotation;
  return math.min(others, upstream.tries - 1);
}

/** Tells whether a request at its last try gets one more in advance, for the case that a kept connection breaks. */
function is_lent_try(upstream: LiveUpstream, server: LiveServer): boolean {
  return upstream.lends_tries && may_use_kept_connection(server);
}

/** Tells nginx how many tries a request has, at its first attempt. */
export function allow_tries(upstream: LiveUpstream, server: LiveServer): void {
  let more = more_tries(upstream, server);
  if (TAKES_BACK_TRIES && more === 0 && is_lent_try(upstream, server)) more = 1;
  if (more > 0) set_more_tries(more);
}

/** The number of tries that a request has left by Sluice's count. */
function tries_left(upstream: LiveUpstream, attempts: Attempts): number {
  const tries = 1 + more_tries(upstream, attempts.servers[attempts.redirected]);
  return tries - count_tried(attempts) + math.min(attempts.free, MOST_FREE_TRIES);
}

/**
 * Tells whether the try that nginx has left was only lent, and is not needed. Only where tries are taken back.
 *
 * Where a response counts as a failure (`proxy_next_upstream http_503`), a try that was lent does harm: nginx throws the
 * last server's response away, which it would have sent to the client otherwise. So from the first such response on the
 * upstream lends none.
 */
export function is_out_of_tries(upstream: LiveUpstream, attempts: Attempts): boolean {
  if (has_answered_last()) upstream.lends_tries = false;
  return tries_left(upstream, attempts) < 1;
}

/** Gives nginx back the tries that do not count, at a later attempt. Only where they are taken back. */
export function restore_tries(upstream: LiveUpstream, attempts: Attempts, server: LiveServer): void {
  let wanted = tries_left(upstream, attempts);
  if (wanted === 1 && is_lent_try(upstream, server)) wanted = 2;
  const is_second = count_tried(attempts) === 1;
  const first = attempts.servers[attempts.redirected];
  const left = math.max(1, is_second ? more_tries(upstream, first) : attempts.left - 1);
  if (wanted > left) set_more_tries(wanted - left);
  attempts.left = math.max(wanted, left);
}

/** Ends a request whose last try has failed, with the status that it would have without the try that was lent. */
export function end_without_try(): void {
  const [, status] = get_last_failure();
  ngx.exit(status === undefined || status === BAD_GATEWAY ? NGX_BUSY : status);
}
