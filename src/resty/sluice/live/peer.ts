import { set_current_peer } from "ngx.balancer";

import { has_slot, uncount_request } from "./counters";
import type { LiveServer } from "./server";

/** What the balancer tells nginx. Hot. */

/** ngx.exit(NGX_BUSY): nginx answers 502 and logs "no live upstreams". */
const NGX_BUSY = -3;

/**
 * Ends the request for want of a server, and logs why. nginx's own line does not name the upstream: it takes the name
 * from the peer, and lua-nginx-module sets a peer only where there is one.
 */
export function refuse(reason: string): void {
  ngx.log(ngx.WARN, `sluice: ${reason}`);
  ngx.exit(NGX_BUSY);
}

/** Ends the request because the upstream does not exist, or this worker cannot serve. */
export function refuse_unknown(name: string): void {
  refuse(has_slot() ? `there is no upstream "${name}"` : "this worker has no slot for its counters");
}

/** Ends the request because no server is available. */
export function refuse_without_server(name: string): void {
  refuse(`upstream "${name}" has no server available`);
}

/** Sends the attempt to a server, where it is counted. Returns false when that is not possible. */
export function send(server: LiveServer): boolean {
  const [chosen, cause] = set_current_peer(server.host, server.port);
  if (chosen === true) return true;
  uncount_request(server);
  ngx.log(ngx.WARN, `sluice: could not choose ${server.line}: ${cause ?? ""}`);
  return false;
}
