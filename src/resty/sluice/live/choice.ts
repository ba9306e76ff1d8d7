import type { Available, Peer } from "../balancer/method";
import { fence } from "../store/memory/dict";
import type { Attempts } from "./attempts";
import { is_healthy } from "./view/availability";
import { count_request, uncount_request } from "./view/counters";
import type { LiveServer, LiveUpstream, Binding } from "./view/model";
import { in_flight } from "./view/surroundings";

/** Which server a request gets. Hot. */

/** So often a request may find that another worker was quicker; then all servers count as full. */
const MOST_COLLISIONS = 16;

/** What the functions below are asked about: methods know them by one argument. */
let time = 0;
let tried: LuaSet<LiveServer>;
/** What there is to say of the choice that was made last. */
let is_without_key = false;

function has_room(server: LiveServer): boolean {
  return server.max_conns === 0 || in_flight(server) < server.max_conns;
}

/**
 * Tells, after no server was available, whether one may be when a request ends. Not whether it is full now: what
 * another worker has counted and taken back was in the way, too. Not hot.
 */
export function is_full(upstream: LiveUpstream, now: number): boolean {
  for (const [, server] of pairs(upstream.servers)) {
    if (server.in_rotation && is_healthy(server, now) && server.max_conns > 0) return true;
  }
  return false;
}

function in_service(this: void, peer: Peer): boolean {
  const server = peer as LiveServer;
  return server.in_rotation && is_healthy(server, time) && has_room(server);
}

/** Tells whether the request that a server was chosen for last had no value for the key that the method wants. */
export function lacked_key(): boolean {
  return is_without_key;
}

/** Tells whether a server that was chosen some time ago, and is counted, may have the request still. Not hot. */
export function is_still_available(upstream: LiveUpstream, server: LiveServer, now: number): boolean {
  if (upstream.servers.get(server.id) !== server || !is_healthy(server, now)) return false;
  return server.in_rotation || upstream.sticky?.find(server.backup) === server;
}

function untried(this: void, peer: Peer): boolean {
  return in_service(peer) && !tried.has(peer as LiveServer);
}

/** Reads the key that the method wants of the request. */
function read_key_of({ read_key }: LiveUpstream): string | undefined {
  const key = read_key === undefined ? undefined : read_key();
  is_without_key = read_key !== undefined && (key === undefined || key === "");
  return key;
}

/** Returns what the method is to ask. `retried`: what was tried before; undefined: nothing. */
function available_for(upstream: LiveUpstream, retried: Attempts | undefined): Available {
  // As nginx: the only server is tried again, when a kept connection to it has broken.
  if (retried === undefined || upstream.in_rotation <= 1) return in_service;
  tried = retried.tried;
  return untried;
}

/** Chooses by the upstream's method. */
function choose_by_method(upstream: LiveUpstream, retried: Attempts | undefined): LiveServer | undefined {
  const key = read_key_of(upstream);
  const available = available_for(upstream, retried);
  const { primary, backup } = upstream;
  return (primary.pick(available, key) ?? backup.pick(available, key)) as LiveServer | undefined;
}

/**
 * The server that a request that is bound to nobody would get from this worker now, without a choice being made: of
 * `random` nobody knows. Not hot.
 *
 * @param key the value that the method wants of a request
 */
export function foresee(
  upstream: LiveUpstream,
  key: string | undefined,
  now: number,
): LiveServer | undefined {
  const { primary, backup } = upstream;
  time = now;
  return (primary.peek(in_service, key) ?? backup.peek(in_service, key)) as LiveServer | undefined;
}

/** Returns the primary or the backup that the request is bound to, if it can take the request. */
function bound_server(
  sticky: Binding,
  is_backup: boolean,
  retried: Attempts | undefined,
): LiveServer | undefined {
  const server = sticky.find(is_backup);
  if (server === undefined || !is_healthy(server, time) || !has_room(server)) return undefined;
  return retried !== undefined && retried.tried.has(server) ? undefined : server;
}

/**
 * Chooses the server that the request is bound to, or else by the method. As nginx, at every attempt: first among the
 * primaries and, when none of them is available, among the backups.
 */
function choose_bound(
  upstream: LiveUpstream,
  sticky: Binding,
  retried: Attempts | undefined,
): LiveServer | undefined {
  const bound = bound_server(sticky, false, retried);
  if (bound !== undefined) return bound;
  const key = read_key_of(upstream);
  const available = available_for(upstream, retried);
  const { primary, backup } = upstream;
  const server = primary.pick(available, key) ?? bound_server(sticky, true, retried);
  return (server ?? backup.pick(available, key)) as LiveServer | undefined;
}

function choose_one(upstream: LiveUpstream, retried: Attempts | undefined): LiveServer | undefined {
  const { sticky } = upstream;
  if (sticky === undefined) return choose_by_method(upstream, retried);
  return choose_bound(upstream, sticky, retried);
}

/**
 * Tells whether a server has more requests than it may, this one counted. Workers that choose it at the same instant
 * count first and look then; the fence has each see the others' counts, so that at least one of them draws back.
 */
function is_overfull(server: LiveServer): boolean {
  fence();
  return in_flight(server) > server.max_conns;
}

function choose_again(
  upstream: LiveUpstream,
  retried: Attempts | undefined,
  now: number,
  overfull: LiveServer,
): LiveServer | undefined {
  uncount_request(overfull);
  for (const _ of $range(1, MOST_COLLISIONS)) {
    const server = choose_one(upstream, retried);
    if (server === undefined) return undefined;
    count_request(server, now);
    if (server.max_conns === 0 || !is_overfull(server)) return server;
    uncount_request(server);
  }
  return undefined;
}

/**
 * Chooses a server for a request and counts it there. Phase: balancer_by_lua.
 *
 * @param retried what the request was sent to before; undefined: nothing
 * @param now the monotonic clock
 */
export function choose(
  upstream: LiveUpstream,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  time = now;
  is_without_key = false;
  const server = choose_one(upstream, retried);
  if (server === undefined) return undefined;
  count_request(server, now);
  return server.max_conns > 0 && is_overfull(server) ? choose_again(upstream, retried, now, server) : server;
}
