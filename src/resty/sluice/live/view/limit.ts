import { adaptive_limit } from "../../store/memory/limit";
import { is_present } from "../../store/memory/region";
import { type LiveServer, type LiveUpstream, Own } from "./model";

/**
 * The adaptive limits of servers in this worker. One worker moves them, and all take them over soon, so that
 * a request reads such a limit as it reads any `max_conns`.
 */

const adaptive = new LuaTable<LiveUpstream, LuaSet<LiveServer> | undefined>();

/** Forgets a server that is removed, or whose limit is no longer adaptive. */
export function leave_limits(server: LiveServer): void {
  const servers = adaptive.get(server.upstream);
  if (servers === undefined) return;
  servers.delete(server);
  if (next(servers)[0] === undefined) adaptive.set(server.upstream, undefined);
}

/** Notes whether the limit of a server is adaptive. */
export function note_adaptive(server: LiveServer): void {
  if (!server[Own.PARAMETERS].is_adaptive) {
    leave_limits(server);
    return;
  }
  const servers = adaptive.get(server.upstream) ?? new LuaSet<LiveServer>();
  servers.add(server);
  adaptive.set(server.upstream, servers);
}

/** Takes over the limits of an upstream, which its new bounds may have changed. O(adaptive servers). */
export function follow_limits_of(upstream: LiveUpstream): void {
  const servers = adaptive.get(upstream);
  if (servers === undefined) return;
  for (const server of servers) {
    if (is_present(server)) server[Own.MAX_CONNS] = adaptive_limit(server.row, upstream.limit_bounds);
  }
}

/** Takes over the limits of all upstreams that this worker serves. Phase: timer, some times a second. */
export function follow_limits(this: void): void {
  for (const [upstream] of pairs(adaptive)) follow_limits_of(upstream);
}
