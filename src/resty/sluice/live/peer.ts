import { set_current_peer, set_more_tries } from "ngx.balancer";

import { uncount_request } from "./counters";
import type { LiveServer } from "./server";
import type { LiveUpstream } from "./upstream";

/** What the balancer tells nginx. Hot. */

/** ngx.exit(NGX_BUSY): nginx answers 502 and logs "no live upstreams". */
const NGX_BUSY = -3;

/** Ends the request for want of a server. */
export function refuse(): void {
  ngx.exit(NGX_BUSY);
}

/** Allows a request as many tries as there are other servers in rotation, unless `retries` says less. */
export function allow_retries(upstream: LiveUpstream, server: LiveServer): void {
  let others = server.in_rotation ? upstream.in_rotation - 1 : upstream.in_rotation;
  const limits = upstream.retry_limits;
  if (limits !== undefined) others = math.min(others, limits.tries - 1);
  if (others > 0) set_more_tries(others);
}

/** Sends the attempt to a server, where it is counted. Returns false when that is not possible. */
export function send(server: LiveServer): boolean {
  const [chosen, cause] = set_current_peer(server.host, server.port);
  if (chosen === true) return true;
  uncount_request(server);
  ngx.log(ngx.WARN, `sluice: could not choose ${server.line}: ${cause ?? ""}`);
  return false;
}
