import type { AutoscaleConfig } from "../config/autoscale";
import { reported_state } from "../health/reported";
import type { Result } from "../lib/result";
import { Reported } from "../store/memory/states";
import type { Controlled, ControlledServer } from "./controlled";
import { is_well, takes_part } from "./measure";
import type { Decision, Utilization } from "./scaling_rule";

/** Selects the server that is brought into service or taken out of it. */

function weight_of({ configured_weight, factor }: ControlledServer): number {
  return configured_weight * factor;
}

/** Returns the first healthy standby server in the upstream's order; undefined: there is none. */
function next_standby({ servers }: Controlled, now: number): ControlledServer | undefined {
  for (const server of servers) {
    if (server.stands_by && is_well(server, now) && reported_state(server.row) === Reported.UP) return server;
  }
  return undefined;
}

/** Returns the server that contributes least: unhealthy, or of the least weight, or the last added. */
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

/** Returns the server that a decision concerns, or the reason why there is none. */
export function server_for(
  upstream: Controlled,
  { direction }: Decision,
  config: AutoscaleConfig,
  utilization: Utilization,
  now: number,
): Result<ControlledServer> {
  const by_webhook = config.webhook !== undefined;
  if (direction === "out") {
    const next = by_webhook ? undefined : next_standby(upstream, now);
    const is_lacking = next === undefined && !by_webhook;
    return $multi(next, is_lacking ? "no standby server is healthy" : undefined);
  }
  const least = least_useful(upstream, !by_webhook, now);
  if (least === undefined) return $multi(undefined, "no standby server is in service");
  const leaves_too_few = is_well(least, now) && utilization.well <= config.min;
  return $multi(least, leaves_too_few ? `only ${utilization.well} servers are well` : undefined);
}
