import { cast, type CData } from "ffi";
import { get_last_failure, set_current_peer, set_more_tries } from "ngx.balancer";
import { get_request } from "resty.core.base";

import type { Available, Peer } from "../balancer/method";
import { note_begin, note_end } from "./begun";
import { count_end, count_request, count_without_key } from "./counters";
import { log_one_attempt, log_several_attempts } from "./outcome";
import type { LiveServer } from "./server";
import type { Binding } from "./sticky";
import { pick, type LiveUpstream } from "./upstream";
import { find_upstream } from "./view";

/**
 * A request's way through the balancer: `balance` for each attempt, `log` once. What is under way is kept by the
 * request's address, not in `ngx.ctx`: that would cost a table a request, and an internal redirect would lose it.
 * Hot.
 */

/** What stands for a request that has had more than one attempt. */
interface Attempts {
  /** The one under way; undefined when no server was left. */
  server: LiveServer | undefined;
  /** Those before it. */
  servers: LiveServer[];
  /** How many of them belong to upstreams that were left by an internal redirect. */
  redirected: number;
}

/** ngx.exit(NGX_BUSY): nginx answers 502 and logs "no live upstreams". */
const NGX_BUSY = -3;

/** The server of each request under way that is at its first attempt. */
const server_of = new LuaTable<number, LiveServer>();
/** The other requests under way. */
const attempts_of = new LuaTable<number, Attempts>();
/** How many those are: mostly none, and then nothing is looked up. */
let several = 0;

/** nginx allows a request so many internal redirects (NGX_HTTP_MAX_URI_CHANGES). */
const MOST_REDIRECTS = 10;

let tried: Attempts;
let has_warned = false;

function in_service(this: void, peer: Peer): boolean {
  return peer.in_rotation;
}

function untried(this: void, peer: Peer): boolean {
  if (!peer.in_rotation) return false;
  for (const index of $range(tried.redirected, tried.servers.length - 1)) {
    if (tried.servers[index] === (peer as LiveServer)) return false;
  }
  return true;
}

function address_of(request: CData): number {
  return tonumber(cast("uintptr_t", request)) as number;
}

/** More redirects than can be: requests at one address that `log` was never told of. */
function forget_unlogged(attempts: Attempts): void {
  attempts.servers = [];
  if (has_warned) return;
  has_warned = true;
  ngx.log(
    ngx.WARN,
    "sluice: log() is not called in log_by_lua of this location: its requests are not counted right",
  );
}

function find_attempts(key: number): Attempts | undefined {
  return several === 0 ? undefined : attempts_of.get(key);
}

/** Ends the attempt under way, and keeps it with those before. Returns whether the next one is a retry. */
function end_attempt(key: number, first: LiveServer | undefined): boolean {
  let attempts = find_attempts(key);
  if (attempts === undefined) {
    attempts = { server: first, servers: [], redirected: 0 };
    attempts_of.set(key, attempts);
    several += 1;
    server_of.delete(key);
  }
  const [failure] = get_last_failure();
  if (attempts.server !== undefined) {
    note_end(key, attempts.server);
    count_end(attempts.server, failure === "failed" ? 1 : 0);
    attempts.servers.push(attempts.server);
    attempts.server = undefined;
  }
  if (failure === undefined) {
    if (attempts.redirected >= MOST_REDIRECTS) forget_unlogged(attempts);
    attempts.redirected = attempts.servers.length;
  }
  tried = attempts;
  return failure !== undefined;
}

/** Chooses by the upstream's method. */
function choose(upstream: LiveUpstream, is_retry: boolean): LiveServer | undefined {
  const { read_key } = upstream;
  const key = read_key === undefined ? undefined : read_key();
  if (read_key !== undefined && !is_retry && (key === undefined || key === "")) count_without_key(upstream);
  // As nginx: the only server is tried again, when a kept connection to it has broken.
  const available: Available = is_retry && upstream.in_rotation > 1 ? untried : in_service;
  return pick(upstream, available, key);
}

/** Chooses the server that the request is bound to, or else by the method, and binds the client to it. */
function choose_bound(upstream: LiveUpstream, sticky: Binding, is_retry: boolean): LiveServer | undefined {
  const bound = is_retry ? undefined : sticky.find();
  let server = bound;
  if (bound === undefined || bound.backup) {
    server = choose(upstream, is_retry);
    // A backup keeps its clients only while no primary is available.
    if (bound !== undefined && (server === undefined || server.backup)) server = bound;
  }
  if (server !== undefined) sticky.bind(server);
  return server;
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
  const first = server_of.get(key) as LiveServer | undefined;
  const is_first = first === undefined && find_attempts(key) === undefined;
  const is_retry = !is_first && end_attempt(key, first);

  const { sticky } = upstream;
  const server = sticky === undefined ? choose(upstream, is_retry) : choose_bound(upstream, sticky, is_retry);
  if (server === undefined) {
    ngx.exit(NGX_BUSY);
    return;
  }
  const others = server.in_rotation ? upstream.in_rotation - 1 : upstream.in_rotation;
  if (!is_retry && others > 0) set_more_tries(others);
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
  if (upstream.keeps_begun) note_begin(key, server, now);
  if (is_first) {
    server_of.set(key, server);
  } else {
    tried.server = server;
  }
}

/** Counts how the request ended. Phase: log_by_lua. */
export function log(): void {
  const request = get_request() as CData;
  const key = address_of(request);
  const server = server_of.get(key) as LiveServer | undefined;
  if (server !== undefined) {
    server_of.delete(key);
    note_end(key, server);
    log_one_attempt(request, server);
    return;
  }
  const attempts = find_attempts(key);
  if (attempts === undefined) return;
  attempts_of.delete(key);
  several -= 1;
  if (attempts.server !== undefined) note_end(key, attempts.server);
  log_several_attempts(attempts.servers, attempts.server);
}
