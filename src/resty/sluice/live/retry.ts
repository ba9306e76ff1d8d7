import { count_tried, type Attempts } from "./attempts";
import { choose } from "./choice";
import { TAKES_BACK_TRIES } from "./kept";
import { refuse, refuse_without_server, send } from "./peer";
import { is_late } from "./retries";
import { choose_in_split } from "./split";
import { count_servers, is_member } from "./split_servers";
import { end_without_try, is_out_of_tries, restore_tries } from "./tries";
import type { LiveUpstream, LiveServer, Split } from "./view/model";

/** Tries a request or a subrequest again after a failed attempt. Phase: balancer_by_lua. */

/** Tells whether a request may be tried again. If it has used up its tries or its time, this ends it. */
export function may_try_again(upstream: LiveUpstream, attempts: Attempts, now: number): boolean {
  if (TAKES_BACK_TRIES && is_out_of_tries(upstream, attempts)) {
    end_without_try();
    return false;
  }
  if (!is_late(upstream, attempts, now)) return true;
  refuse(`upstream "${upstream.name}" has no time left for a retry`);
  return false;
}

/**
 * Returns the upstream whose limits apply to a retry: in a split, the member of the last attempt. `asked`:
 * the upstream that nginx.conf names.
 */
export function retried_upstream(asked: LiveUpstream, attempts: Attempts): LiveUpstream {
  attempts.split = asked.split;
  if (asked.split === undefined || count_tried(attempts) === 0) return asked;
  return attempts.servers[attempts.servers.length - 1].upstream;
}

/** Chooses another server of the member of the last attempt, or else a server of another member. */
function choose_again_in_split(
  asked: LiveUpstream,
  split: Split,
  member: LiveUpstream,
  attempts: Attempts,
  now: number,
): LiveServer | undefined {
  if (!is_member(split, member, now)) return choose_in_split(asked, split, attempts, now);
  const [server] = choose(member, attempts, now);
  if (server !== undefined) return server;
  const other = choose_in_split(asked, split, attempts, now);
  if (other !== undefined || count_servers(split, now) > 1) return other;
  // As without a split: the only server is tried again when a kept connection to it has broken.
  attempts.split = undefined;
  const [only] = choose(member, attempts, now);
  attempts.split = split;
  return only;
}

/**
 * Sends a request to another server, which is returned and counts it, or ends the request. `upstream`: the
 * result of `retried_upstream`.
 */
export function send_again(
  asked: LiveUpstream,
  upstream: LiveUpstream,
  attempts: Attempts,
  now: number,
): LiveServer | undefined {
  let server: LiveServer | undefined;
  if (asked.split === undefined) [server] = choose(upstream, attempts, now);
  else server = choose_again_in_split(asked, asked.split, upstream, attempts, now);
  if (server === undefined || !send(server)) {
    refuse_without_server(asked);
    return undefined;
  }
  if (TAKES_BACK_TRIES) restore_tries(server.upstream, attempts, server);
  return server;
}
