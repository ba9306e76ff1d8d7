import { cast, type CData } from "ffi";
import { get_last_failure } from "ngx.balancer";

import * as clock from "../lib/clock";
import { broke_kept_connection, TAKES_BACK_TRIES } from "./kept";
import { note_failed_attempt } from "./view/availability";
import { count_end } from "./view/counters";
import { note_end } from "./view/in_flight_age";
import type { LiveServer, LiveUpstream } from "./view/model";

/**
 * The requests under way, and the servers that each has been sent to. They are kept by the request's address, not in
 * `ngx.ctx`: that would cost a table a request, and an internal redirect would lose it. Hot.
 */

/** What stands for a request that has had more than one attempt. */
export interface Attempts {
  /** The one under way; undefined when no server was left. */
  server: LiveServer | undefined;
  /** Those before it. */
  servers: LiveServer[];
  /** How many of them belong to upstreams that were left by an internal redirect. */
  redirected: number;
  /** The others, as a set: a method asks for each server that it considers. */
  tried: LuaSet<LiveServer>;
  /** The number of tries that do not count, because a kept connection broke. */
  free: number;
  /** The number of tries that nginx has left, that of the attempt under way included. */
  left: number;
  /** The time of the first attempt at the current upstream; set only where `retries.timeout` needs it. */
  began: number;
  /** The upstream that it counts for as a retry under way. */
  retries: LiveUpstream | undefined;
}

/** The server of each request under way that is at its first attempt. */
const server_of = new LuaTable<number, LiveServer>();
/** The other requests under way. */
const attempts_of = new LuaTable<number, Attempts>();
/** How many those are: mostly none, and then nothing is looked up. */
let several = 0;

/** Makes what stands for a request that has had no attempt. */
export function new_attempts(): Attempts {
  return {
    server: undefined,
    servers: [],
    redirected: 0,
    tried: new LuaSet(),
    free: 0,
    left: 0,
    began: 0,
    retries: undefined,
  };
}

/** Adds an attempt that has ended. */
export function add_tried(attempts: Attempts, server: LiveServer): void {
  attempts.servers.push(server);
  attempts.tried.add(server);
}

/** The number of attempts at the current upstream that have ended. */
export function count_tried(attempts: Attempts): number {
  return attempts.servers.length - attempts.redirected;
}

/** What a request is known by. */
export function key_of(request: CData): number {
  return tonumber(cast("uintptr_t", request)) as number;
}

/** The server of a request at its first attempt. */
export function first_server(key: number): LiveServer | undefined {
  return server_of.get(key);
}

/** The attempts of a request that has had several. */
export function find_attempts(key: number): Attempts | undefined {
  return several === 0 ? undefined : attempts_of.get(key);
}

/** Keeps the server of a request's first attempt. */
export function keep_first(key: number, server: LiveServer): void {
  server_of.set(key, server);
}

/** Forgets a request with one attempt. */
export function forget_first(key: number): void {
  server_of.delete(key);
}

/** Forgets a request with several. */
export function forget_attempts(key: number): void {
  attempts_of.delete(key);
  several = several - 1;
}

function end_last(key: number, attempts: Attempts, failure: string | undefined, status: number): void {
  const { server } = attempts;
  if (server === undefined) return;
  note_end(key, server);
  const has_failed = failure === "failed";
  if (TAKES_BACK_TRIES && has_failed && broke_kept_connection(server, status)) attempts.free += 1;
  count_end(server, has_failed ? 1 : 0);
  if (has_failed) note_failed_attempt(server, status, clock.now());
  add_tried(attempts, server);
  attempts.server = undefined;
}

/**
 * Ends the attempt under way of a request, and keeps it with those before.
 *
 * @returns the attempts, and whether the next one is a retry
 */
export function end_attempt(key: number, first: LiveServer | undefined): LuaMultiReturn<[Attempts, boolean]> {
  let attempts = find_attempts(key);
  if (attempts === undefined) {
    attempts = new_attempts();
    attempts.server = first;
    attempts_of.set(key, attempts);
    several = several + 1;
    server_of.delete(key);
  }
  const [failure, status] = get_last_failure();
  end_last(key, attempts, failure, status ?? 0);
  if (failure === undefined) {
    attempts.redirected = attempts.servers.length;
    attempts.tried = new LuaSet();
    attempts.free = 0;
  }
  return $multi(attempts, failure !== undefined);
}
