import { Row } from "../../store/memory/cells";
import { adaptive_limit } from "../../store/memory/limit";
import { shared_memory } from "../../store/memory/region";
import type { LiveUpstream } from "./model";

/**
 * The adaptive limits of servers in this worker. One worker moves them, and all take them over soon, so that
 * a request reads such a limit as it reads any `max_conns`.
 */

const adaptive = new LuaSet<LiveUpstream>();

/** Notes whether an upstream has servers with an adaptive limit. */
export function note_adaptive(upstream: LiveUpstream, has_adaptive: boolean): void {
  if (has_adaptive) adaptive.add(upstream);
  else adaptive.delete(upstream);
}

/** Takes over the limits of all upstreams that this worker serves. Phase: timer, some times a second. */
export function follow_limits(this: void): void {
  const memory = shared_memory();
  for (const upstream of adaptive) {
    for (const [, server] of pairs(upstream.servers)) {
      if (server.is_adaptive && memory[server.row + Row.STAMP] === server.incarnation)
        server.max_conns = adaptive_limit(server.row, upstream.limit_bounds);
    }
  }
}
