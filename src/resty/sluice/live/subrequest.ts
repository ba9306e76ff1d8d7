import { get_last_failure } from "ngx.balancer";

import { UpstreamCounter } from "../store/memory/counter_cells";
import { add_tried, new_attempts, type Attempts } from "./attempts";
import { choose } from "./choice";
import { note_connection, TAKES_BACK_TRIES } from "./kept";
import { report_failed_attempt } from "./outcome";
import { refuse_unknown, refuse_without_server, send } from "./peer";
import { may_try_again, retried_upstream, send_again } from "./retry";
import { choose_in_split } from "./split";
import { count_servers } from "./split_servers";
import { allow_tries } from "./tries";
import { note_choice } from "./view/availability";
import { count_at, count_end, own_in_flight } from "./view/counters";
import type { LiveServer } from "./view/model";
import { find_upstream, find_upstream_for_retry } from "./view/view";

/**
 * The balancer phase of a subrequest. Without `log_subrequest on`, its end is not seen. So it does not count
 * as under way, and its attempts are kept in its `ngx.ctx`, which nginx frees with it.
 */

/** Ends the attempt before this one. Returns the attempts if this is a retry. */
function retried_attempts(now: number): Attempts | undefined {
  const [failure, status] = get_last_failure();
  const attempts = ngx.ctx.sluice as Attempts | undefined;
  if (failure === undefined || attempts === undefined) return undefined;
  const last = attempts.servers[attempts.servers.length - 1];
  if (failure === "failed") report_failed_attempt(attempts, last, status ?? 0, now);
  return attempts;
}

/** Sends a subrequest whose attempts have failed to another server. */
function retry(name: string, attempts: Attempts, now: number): void {
  const asked = find_upstream_for_retry(name, now);
  if (asked === undefined) {
    refuse_unknown(name);
    return;
  }
  const upstream = retried_upstream(asked, attempts);
  if (!may_try_again(upstream, attempts, now)) return;
  const server = send_again(asked, upstream, attempts, now);
  if (server === undefined) return;
  count_at(upstream, UpstreamCounter.RETRIES, 1);
  note_attempt(server, attempts, now);
}

function note_attempt(server: LiveServer, attempts: Attempts, now: number): void {
  note_choice(server, now);
  // The response is not seen. nginx may keep the connection.
  if (TAKES_BACK_TRIES) note_connection(server, own_in_flight(server));
  count_end(server, 0);
  add_tried(attempts, server);
  ngx.ctx.sluice = attempts;
}

/** Chooses a server for a subrequest to the upstream `name`. Phase: balancer_by_lua. */
export function balance_subrequest(name: string, now: number): void {
  const retried = retried_attempts(now);
  if (retried !== undefined) {
    retry(name, retried, now);
    return;
  }
  const upstream = find_upstream(name, now);
  if (upstream === undefined) {
    refuse_unknown(name);
    return;
  }
  const { split } = upstream;
  let server: LiveServer | undefined;
  if (split === undefined) [server] = choose(upstream, undefined, now);
  else server = choose_in_split(upstream, split, undefined, now);
  if (server === undefined || !send(server)) {
    refuse_without_server(upstream);
    return;
  }
  if (split === undefined) allow_tries(upstream.in_rotation, server);
  else allow_tries(count_servers(split, now), server);
  note_attempt(server, new_attempts(), now);
}
