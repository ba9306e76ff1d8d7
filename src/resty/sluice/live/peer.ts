import { set_current_peer } from "ngx.balancer";

import { level_of, new_complaint } from "./view/complaint";
import { has_slot, uncount_request } from "./view/counters";
import { type LiveServer, type LiveUpstream, Own } from "./view/model";

/** Passes the balancer's decision to nginx. Hot. */

/** ngx.exit(NGX_BUSY): nginx answers 502 and logs "no live upstreams". */
const NGX_BUSY = -3;

/** Covers all upstreams that do not exist, because clients may choose their names. */
const unknown = new_complaint();

function refuse_at(level: number, reason: string): void {
  ngx.log(level, `sluice: ${reason}`);
  ngx.exit(NGX_BUSY);
}

/** Ends the request and logs the reason. nginx's own line does not name the upstream without a peer. */
export function refuse(reason: string): void {
  refuse_at(ngx.WARN, reason);
}

/** Ends the request because of a wrong configuration. A search for the start of nginx's own line finds it. */
function refuse_mistake(level: number, mistake: string): void {
  refuse_at(level, `${mistake}, so there are no live upstreams`);
}

/** Ends the request because the upstream does not exist, or this worker cannot serve. */
export function refuse_unknown(name: string): void {
  if (!has_slot()) {
    refuse("this worker has no slot for its counters");
    return;
  }
  const hint = name === "" ? ": $sluice_upstream is empty or not set" : "";
  refuse_mistake(level_of(unknown), `there is no upstream "${name}"${hint}`);
}

/** Ends the request because no server is available. */
export function refuse_without_server(upstream: LiveUpstream): void {
  const { name, servers, in_rotation, split } = upstream;
  if (split !== undefined) {
    refuse(`upstream "${name}" has no server available: none of its members has one`);
    return;
  }
  if (in_rotation > 0) {
    refuse(`upstream "${name}" has no server available`);
    return;
  }
  const [first] = next(servers);
  const why = first === undefined ? "it has none" : "all are down, draining or standing by";
  refuse_mistake(level_of(upstream), `upstream "${name}" has no server available: ${why}`);
}

/** Sends the attempt to a server that counts it. Returns false if nginx rejects the address. */
export function send(server: LiveServer): boolean {
  const [chosen, cause] = set_current_peer(server[Own.HOST], server[Own.PORT]);
  if (chosen === true) return true;
  uncount_request(server);
  ngx.log(ngx.WARN, `sluice: could not choose ${server[Own.LINE]}: ${cause ?? ""}`);
  return false;
}
