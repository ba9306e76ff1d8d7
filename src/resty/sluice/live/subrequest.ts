import { get_last_failure } from "ngx.balancer";

import { new_attempts, type Attempts } from "./attempts";
import { choose } from "./choice";
import { count_end } from "./counters";
import { note_choice, note_failed_attempt } from "./health";
import { allow_retries, refuse, send } from "./peer";
import { is_within_limits } from "./retries";
import type { LiveUpstream } from "./upstream";

/**
 * A subrequest's way through the balancer. Its log phase does not run (but with log_subrequest on), so its end is not
 * seen: it counts as a request, not as one under way, and what it was sent to is kept in its `ngx.ctx`, which nginx
 * throws away with it.
 */

/** Ends the attempt before this one. Returns what was tried if this is a retry. */
function retried_attempts(now: number): Attempts | undefined {
  const [failure, status] = get_last_failure();
  const attempts = ngx.ctx.sluice as Attempts | undefined;
  if (failure === undefined || attempts === undefined) return undefined;
  const last = attempts.servers[attempts.servers.length - 1];
  if (failure === "failed") note_failed_attempt(last, status ?? 0, now);
  return attempts;
}

/** Chooses a server for a subrequest. Phase: balancer_by_lua. */
export function balance_subrequest(upstream: LiveUpstream, now: number): void {
  const retried = retried_attempts(now);
  if (retried !== undefined && !is_within_limits(upstream, retried)) {
    refuse();
    return;
  }
  const server = choose(upstream, retried, now);
  if (server === undefined || !send(server)) {
    refuse();
    return;
  }
  if (retried === undefined) allow_retries(upstream, server);
  note_choice(server, now);
  count_end(server, 0);
  const attempts = retried ?? new_attempts();
  attempts.servers.push(server);
  ngx.ctx.sluice = attempts;
}
