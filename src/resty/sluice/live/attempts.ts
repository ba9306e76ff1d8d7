import { cast, type CData } from "ffi";

import type { LiveServer, LiveUpstream, Split } from "./view/model";

/**
 * The requests under way and their servers, by the address of the request. `ngx.ctx` would need a table for
 * each request and would be lost in an internal redirect. Hot.
 */

/** A request with more than one attempt. */
export interface Attempts {
  /** The server of the attempt under way; undefined: no server was left. */
  server: LiveServer | undefined;
  /** The servers of the attempts before it, in order. */
  servers: LiveServer[];
  /** The number of attempts at upstreams that an internal redirect has left. */
  redirected: number;
  /** The servers of the other attempts, as a set: a method asks for each server that it considers. */
  tried: LuaSet<LiveServer>;
  /** The number of tries that do not count, because a kept connection broke. */
  free: number;
  /** The number of tries that nginx has left, including the attempt under way. */
  left: number;
  /** The time of the first attempt at this upstream; only where `retries.timeout` needs it. */
  began: number;
  /** The upstream for which the request is counted as a retry under way. */
  retries: LiveUpstream | undefined;
  /** The split in which a retry is under way; undefined: the upstream has servers. */
  split: Split | undefined;
}

/** The server of each request that is at its first attempt. */
const server_of = new LuaTable<number, LiveServer>();
/** The requests with more than one attempt. */
const attempts_of = new LuaTable<number, Attempts>();
/** The number of entries in `attempts_of`. Mostly 0, which saves a look-up. */
let several = 0;

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
    split: undefined,
  };
}

export function add_tried(attempts: Attempts, server: LiveServer): void {
  attempts.servers.push(server);
  attempts.tried.add(server);
}

/** Returns the number of attempts at the current upstream that have ended. */
export function count_tried(attempts: Attempts): number {
  return attempts.servers.length - attempts.redirected;
}

/** Not looked up in each request. */
const to_number = tonumber;

/** Returns the key of a request: its address. */
export function key_of(request: CData): number {
  return to_number(cast("uintptr_t", request)) as number;
}

export function first_server(key: number): LiveServer | undefined {
  return server_of.get(key);
}

export function find_attempts(key: number): Attempts | undefined {
  return several === 0 ? undefined : attempts_of.get(key);
}

export function keep_first(key: number, server: LiveServer): void {
  server_of.set(key, server);
}

export function forget_first(key: number): void {
  server_of.delete(key);
}

export function forget_attempts(key: number): void {
  attempts_of.delete(key);
  several = several - 1;
}

/** Keeps a request at its first attempt as one with several, and returns its record. */
export function keep_several(key: number, first: LiveServer | undefined): Attempts {
  const attempts = new_attempts();
  attempts.server = first;
  attempts_of.set(key, attempts);
  several = several + 1;
  server_of.delete(key);
  return attempts;
}

/** Begins to count the attempts at another upstream: an internal redirect has left the current one. */
export function redirect(attempts: Attempts): void {
  attempts.redirected = attempts.servers.length;
  attempts.tried = new LuaSet();
  attempts.free = 0;
  attempts.split = undefined;
}
