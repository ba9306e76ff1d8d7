import type { Attempts } from "./attempts";
import { choose } from "./choice";
import { TAKES_BACK_TRIES } from "./kept";
import { refuse, refuse_without_server, send } from "./peer";
import { is_late } from "./retries";
import { end_without_try, is_out_of_tries, restore_tries } from "./tries";
import type { LiveUpstream, LiveServer } from "./view/model";

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

/** Sends a request to another server, which is returned and counts it, or ends the request. */
export function send_again(upstream: LiveUpstream, attempts: Attempts, now: number): LiveServer | undefined {
  const [server] = choose(upstream, attempts, now);
  if (server === undefined || !send(server)) {
    refuse_without_server(upstream);
    return undefined;
  }
  if (TAKES_BACK_TRIES) restore_tries(upstream, attempts, server);
  return server;
}
