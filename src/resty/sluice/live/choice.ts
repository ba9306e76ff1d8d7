import type { Available, Peer } from "../balancer/method";
import { fence } from "../store/memory/dict";
import type { Attempts } from "./attempts";
import { is_healthy } from "./view/availability";
import { count_request, uncount_request } from "./view/counters";
import { type Binding, type LiveServer, type LiveUpstream, Own } from "./view/model";
import { in_flight } from "./view/surroundings";

/** The choice of a server for a request. Hot. */

/** How often a pick is retried after another worker took the last slot; then all count as full. */
const MOST_COLLISIONS = 16;

/** A server, if one is available; and whether the request lacks the key that the method needs. */
type Choice = LuaMultiReturn<[server: LiveServer | undefined, lacks_key: boolean]>;

/**
 * The arguments of `in_service` and `untried`, to which a method passes only the server. A closure per
 * request would be an allocation, and more parameters would pass through each method.
 */
let time = 0;
let tried: LuaSet<LiveServer>;

function has_room(server: LiveServer): boolean {
  return server[Own.MAX_CONNS] === 0 || in_flight(server) < server[Own.MAX_CONNS];
}

/**
 * Tells, after no server was available, whether one can become available when a request ends. It does not
 * check whether one is full: another worker may have taken back a request since. Not hot.
 */
export function is_full(upstream: LiveUpstream, now: number): boolean {
  for (const [, server] of pairs(upstream.servers)) {
    if (server.in_rotation && is_healthy(server, now) && server[Own.MAX_CONNS] > 0) return true;
  }
  return false;
}

/** Tells whether an upstream has a server for a request now. Not hot. */
export function can_serve(upstream: LiveUpstream, now: number): boolean {
  for (const [, server] of pairs(upstream.servers)) {
    if (server.in_rotation && is_healthy(server, now) && has_room(server)) return true;
  }
  return false;
}

/** Tells whether a server that was chosen and counted before can still have the request. Not hot. */
export function is_still_available(upstream: LiveUpstream, server: LiveServer, now: number): boolean {
  if (upstream.servers.get(server.id) !== server || !is_healthy(server, now)) return false;
  return server.in_rotation || upstream.sticky?.find(server[Own.PARAMETERS].backup) === server;
}

function in_service(this: void, peer: Peer): boolean {
  const server = peer as LiveServer;
  return server.in_rotation && is_healthy(server, time) && has_room(server);
}

function untried(this: void, peer: Peer): boolean {
  return in_service(peer) && !tried.has(peer as LiveServer);
}

/** Returns the test of a server that a method makes for this request. It is valid until the next call. */
function available_to(upstream: LiveUpstream, retried: Attempts | undefined, now: number): Available {
  time = now;
  if (retried === undefined) return in_service;
  // As nginx: the only server is tried again when a kept connection to it has broken.
  if (upstream.in_rotation <= 1 && retried.split === undefined) return in_service;
  tried = retried.tried;
  return untried;
}

function is_empty(key: string | undefined): boolean {
  return key === undefined || key === "";
}

function choose_by_method(upstream: LiveUpstream, retried: Attempts | undefined, now: number): Choice {
  const { primary, backup, read_key } = upstream;
  const key = read_key === undefined ? undefined : read_key();
  const available = available_to(upstream, retried, now);
  const server = primary.pick(available, key) ?? backup.pick(available, key);
  return $multi(server as LiveServer | undefined, read_key !== undefined && is_empty(key));
}

/** Returns the server that an unbound request with this key would get now; undefined: not known. Not hot. */
export function foresee(
  upstream: LiveUpstream,
  key: string | undefined,
  now: number,
): LiveServer | undefined {
  const { primary, backup } = upstream;
  const available = available_to(upstream, undefined, now);
  return (primary.peek(available, key) ?? backup.peek(available, key)) as LiveServer | undefined;
}

/** Returns the primary or the backup that the request is bound to, if it can take the request. */
function bound_server(
  sticky: Binding,
  is_backup: boolean,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  const server = sticky.find(is_backup);
  if (server === undefined || !is_healthy(server, now) || !has_room(server)) return undefined;
  return retried !== undefined && retried.tried.has(server) ? undefined : server;
}

/**
 * Chooses the server that the request is bound to, or else one by the method. As in nginx, the primaries come
 * first.
 */
function choose_bound(
  upstream: LiveUpstream,
  sticky: Binding,
  retried: Attempts | undefined,
  now: number,
): Choice {
  const bound = bound_server(sticky, false, retried, now);
  if (bound !== undefined) return $multi(bound, false);
  const { primary, backup, read_key } = upstream;
  const key = read_key === undefined ? undefined : read_key();
  const available = available_to(upstream, retried, now);
  const server =
    primary.pick(available, key) ?? bound_server(sticky, true, retried, now) ?? backup.pick(available, key);
  return $multi(server as LiveServer | undefined, read_key !== undefined && is_empty(key));
}

function choose_one(upstream: LiveUpstream, retried: Attempts | undefined, now: number): Choice {
  const { sticky } = upstream;
  if (sticky === undefined) return choose_by_method(upstream, retried, now);
  return choose_bound(upstream, sticky, retried, now);
}

/**
 * Tells whether a server has more requests than `max_conns`, this one included. Workers first count and then
 * check. The fence lets each see the counts of the others, so that at least one gives way.
 */
function is_overfull(server: LiveServer): boolean {
  fence();
  return in_flight(server) > server[Own.MAX_CONNS];
}

function choose_again(upstream: LiveUpstream, retried: Attempts | undefined, now: number): Choice {
  let server: LiveServer | undefined;
  let lacks_key = false;
  for (const _ of $range(1, MOST_COLLISIONS)) {
    [server, lacks_key] = choose_one(upstream, retried, now);
    if (server === undefined) return $multi(undefined, lacks_key);
    count_request(server, now);
    if (server[Own.MAX_CONNS] === 0 || !is_overfull(server)) return $multi(server, lacks_key);
    uncount_request(server);
  }
  return $multi(undefined, lacks_key);
}

/** Chooses a server for a request after the attempts `retried`, and counts it. Phase: balancer_by_lua. */
export function choose(upstream: LiveUpstream, retried: Attempts | undefined, now: number): Choice {
  const [server, lacks_key] = choose_one(upstream, retried, now);
  if (server === undefined) return $multi(undefined, lacks_key);
  count_request(server, now);
  if (server[Own.MAX_CONNS] === 0 || !is_overfull(server)) return $multi(server, lacks_key);
  uncount_request(server);
  return choose_again(upstream, retried, now);
}
