import { cast, type CData } from "ffi";
import { get_last_failure, set_current_peer, set_more_tries } from "ngx.balancer";
import { get_request } from "resty.core.base";

import type { Peer } from "../balancer/method";
import { count_end, count_request } from "./counters";
import { log_one_attempt, log_several_attempts } from "./outcome";
import type { LiveServer } from "./server";
import { find_upstream, pick } from "./view";

/**
 * A request's way through the balancer: `balance` for each attempt, `log` once. What is under way is kept by the
 * request's address, not in `ngx.ctx`: that would cost a table a request, and an internal redirect would lose it.
 * Hot.
 */

/** The attempts of a request before the one under way. */
export interface Earlier {
  servers: LiveServer[];
  /** How many of them belong to upstreams that were left by an internal redirect. */
  redirected: number;
}

/** ngx.exit(NGX_BUSY): nginx answers 502 and logs "no live upstreams". */
const NGX_BUSY = -3;

const server_of = new LuaTable<number, LiveServer>();
const started_at = new LuaTable<number, number>();
const earlier_of = new LuaTable<number, Earlier>();

/** nginx allows a request so many internal redirects (NGX_HTTP_MAX_URI_CHANGES). */
const MOST_REDIRECTS = 10;

let untried_since: Earlier;
let has_warned = false;

function in_service(this: void, _peer: Peer): boolean {
  return true;
}

function untried(this: void, peer: Peer): boolean {
  const servers = untried_since.servers;
  for (const index of $range(untried_since.redirected, servers.length - 1)) {
    if (servers[index] === (peer as LiveServer)) return false;
  }
  return true;
}

function address_of(request: CData): number {
  return tonumber(cast("uintptr_t", request)) as number;
}

/** More redirects than can be: requests at one address that `log` was never told of. */
function forget_unlogged(earlier: Earlier): void {
  earlier.servers = [];
  if (has_warned) return;
  has_warned = true;
  ngx.log(
    ngx.WARN,
    "sluice: log() is not called in log_by_lua of this location: its requests are not counted right",
  );
}

/** Ends the attempt before this one. Returns whether this one is a retry. */
function end_attempt(key: number, server: LiveServer): boolean {
  const [failure] = get_last_failure();
  count_end(server, failure === "failed" ? 1 : 0);
  let earlier = earlier_of.get(key) as Earlier | undefined;
  if (earlier === undefined) {
    earlier = { servers: [], redirected: 0 };
    earlier_of.set(key, earlier);
  }
  earlier.servers.push(server);
  server_of.delete(key);
  if (failure === undefined) {
    if (earlier.redirected >= MOST_REDIRECTS) forget_unlogged(earlier);
    earlier.redirected = earlier.servers.length;
  }
  untried_since = earlier;
  return failure !== undefined;
}

/** Chooses a server of the upstream `name` for the request, and counts it. Phase: balancer_by_lua. */
export function balance(name: string): void {
  const upstream = find_upstream(name);
  if (upstream === undefined) {
    ngx.log(ngx.WARN, `sluice: there is no upstream "${name}"`);
    ngx.exit(NGX_BUSY);
    return;
  }
  const key = address_of(get_request() as CData);
  const before = server_of.get(key) as LiveServer | undefined;
  const is_retry = before !== undefined && end_attempt(key, before);

  // As nginx: the only server is tried again, when a kept connection to it has broken.
  const server = pick(upstream, is_retry && upstream.in_rotation > 1 ? untried : in_service);
  if (server === undefined) {
    ngx.exit(NGX_BUSY);
    return;
  }
  if (!is_retry && upstream.in_rotation > 1) set_more_tries(upstream.in_rotation - 1);
  const [chosen, cause] = set_current_peer(server.host, server.port);
  if (chosen === undefined) {
    ngx.log(ngx.WARN, `sluice: could not choose ${server.line}: ${cause ?? ""}`);
    ngx.exit(NGX_BUSY);
    return;
  }
  const now = ngx.now();
  count_request(server, now);
  // The log phase of a subrequest runs only with log_subrequest on, so its end would not be seen.
  if (ngx.is_subrequest) {
    count_end(server, 0);
    return;
  }
  server_of.set(key, server);
  started_at.set(key, now);
}

/** Counts how the request ended. Phase: log_by_lua. */
export function log(): void {
  const request = get_request() as CData;
  const key = address_of(request);
  const server = server_of.get(key) as LiveServer | undefined;
  const earlier = earlier_of.get(key) as Earlier | undefined;
  if (server === undefined && earlier === undefined) return;

  server_of.delete(key);
  if (earlier === undefined) {
    if (server !== undefined) log_one_attempt(request, server, ngx.now() === started_at.get(key));
    return;
  }
  earlier_of.delete(key);
  log_several_attempts(earlier.servers, server);
}
