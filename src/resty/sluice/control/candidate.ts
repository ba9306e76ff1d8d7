import type { AutoscaleConfig } from "../config/autoscale";
import { reported_state } from "../health/reported";
import { Reported } from "../store/memory/cells";
import type { Controlled, ControlledServer } from "./controlled";
import { is_well, takes_part } from "./measure";
import type { Decision, Level } from "./scaling_rule";

/** Which server is brought in, or let go. */

/** What a server's part is worth now. */
function weight_of({ configured_weight, factor }: ControlledServer): number {
  return configured_weight * factor;
}

/** The standby server that has waited first; undefined: none is well. */
function next_standby({ servers }: Controlled, now: number): ControlledServer | undefined {
  for (const server of servers) {
    if (server.stands_by && is_well(server, now) && reported_state(server.row) === Reported.UP) return server;
  }
  return undefined;
}

/** The server that contributes least: one that is not well, else by its weight, and of several the youngest. */
function least_useful(
  { servers }: Controlled,
  only_standby: boolean,
  now: number,
): ControlledServer | undefined {
  let least: ControlledServer | undefined;
  let least_worth = math.huge;
  for (const server of servers) {
    const worth = is_well(server, now) ? weight_of(server) : 0;
    const may_go = takes_part(server) && (server.in_service || !only_standby);
    if (may_go && worth <= least_worth) {
      least = server;
      least_worth = worth;
    }
  }
  return least;
}

/** The server that a decision is about, or why there is none. */
export function server_for(
  upstream: Controlled,
  { direction }: Decision,
  config: AutoscaleConfig,
  level: Level,
  now: number,
): LuaMultiReturn<[ControlledServer | undefined, string | undefined]> {
  const by_webhook = config.webhook !== undefined;
  if (direction === "out") {
    const next = by_webhook ? undefined : next_standby(upstream, now);
    const is_lacking = next === undefined && !by_webhook;
    return $multi(next, is_lacking ? "no standby server is well" : undefined);
  }
  const least = least_useful(upstream, !by_webhook, now);
  if (least === undefined) return $multi(undefined, "no standby server is in service");
  const leaves_too_few = is_well(least, now) && level.well <= config.min;
  return $multi(least, leaves_too_few ? `only ${level.well} are well` : undefined);
}
