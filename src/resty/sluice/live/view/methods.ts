import { new_method, new_zone_method } from "../../balancer/methods";
import type { Method } from "../../balancer/method";
import type { BalancingConfig } from "../../config/balancing";
import type { ZonesConfig } from "../../config/zones";
import { method_of } from "./method_of";
import { type LiveServer, type LiveUpstream, Own } from "./model";
import { surroundings_of } from "./surroundings";

/** The methods of an upstream, which prefer local servers if it has `zones`. */

/** The settings that decide on the methods of an upstream. */
type Settings = BalancingConfig & { zones?: ZonesConfig | undefined };

function none(this: void): undefined {
  return undefined;
}

function nothing(this: void): void {
  // A method without servers has nothing to change.
}

/** The method of no server. Most upstreams have no backup server, and a method takes some kilobytes. */
export const NO_SERVERS: Method = {
  add: nothing,
  remove: nothing,
  reweigh: nothing,
  suspend: nothing,
  resume: nothing,
  pick: none,
  peek: none,
};

/** Gives an upstream the methods of its settings, without servers. */
export function set_methods(upstream: LiveUpstream, settings: Settings): void {
  const { zones } = settings;
  const surroundings = surroundings_of(upstream[Own.ALL_ACTIVE], upstream.row);
  if (zones?.prefer === true) {
    const primary = new_zone_method(settings, zones.min_servers, surroundings);
    const backup = new_zone_method(settings, zones.min_servers, surroundings);
    upstream.primary = primary;
    upstream.backup = backup;
    upstream[Own.EASE] = false;
    upstream.zones = { primary, backup };
    return;
  }
  upstream.primary = new_method(settings, surroundings);
  upstream[Own.EASE] = upstream.primary.ease ?? false;
  upstream.backup = NO_SERVERS;
  if (upstream.zones !== undefined) upstream.zones = undefined;
}

/** Adds a server to the method of an upstream, whose settings are given. */
export function add_to_method(server: LiveServer, settings: Settings): void {
  const { upstream } = server;
  const parameters = server[Own.PARAMETERS];
  if (parameters.backup && upstream.backup === NO_SERVERS)
    upstream.backup = new_method(settings, surroundings_of(upstream[Own.ALL_ACTIVE], upstream.row));
  method_of(server).add(server);
}
