import type { LiveServer, LiveUpstream, Split } from "./view/model";
import { count_unusual, has_unusual } from "./view/unusual";

/** The requests with more than one attempt, by their keys. Hot. */

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

const attempts_of = new LuaTable<number, Attempts | undefined>();

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

export function find_attempts(key: number): Attempts | undefined {
  return has_unusual() ? attempts_of.get(key) : undefined;
}

export function forget_attempts(key: number): void {
  attempts_of.delete(key);
  count_unusual(-1);
}

/** Keeps a request as one with several attempts. Returns its record. `first`: the server of the first one. */
export function keep_several(key: number, first: LiveServer | undefined): Attempts {
  const attempts = new_attempts();
  attempts.server = first;
  attempts_of.set(key, attempts);
  count_unusual(1);
  return attempts;
}

/** Begins to count the attempts at another upstream: an internal redirect has left the current one. */
export function redirect(attempts: Attempts): void {
  attempts.redirected = attempts.servers.length;
  attempts.tried = new LuaSet();
  attempts.free = 0;
  attempts.split = undefined;
}
