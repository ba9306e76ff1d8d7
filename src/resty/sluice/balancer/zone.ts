import type { Method, Peer, Surroundings } from "./method";
import { clear_load, count_server, mean_utilization, new_zone_load, type ZoneLoad } from "./zone_shares";

/** A zone in a method, which has an inner method for the peers of each zone. */

export interface Zone {
  /** "": the peers have none. */
  name: string;
  method: Method;
  /** The number of its peers. */
  members: number;
  load: ZoneLoad;
  /** True: the utilization was known at the last measurement, so that the next one is smoothed. */
  was_known: boolean;
  /** Tells it apart when keys are assigned to zones. It is the same in all workers and gateways. */
  seed: number;
  /** The requests in progress at its peers, and the part of all requests in progress that they may be. */
  in_flight: number;
  part: number;
  /** The requests that the zone is owed among the zones that are not local; negative if it is ahead. */
  owed: number;
}

/** A peer with its zone. */
export interface Placed extends Peer {
  home: Zone;
}

/** A change of the utilization counts to 63 % after this time, in seconds. */
const SMOOTHING_SECONDS = 1;

/** Makes a zone without peers. */
export function new_zone(name: string, seed: number, method: Method): Zone {
  return {
    name,
    method,
    members: 0,
    load: new_zone_load(),
    was_known: false,
    seed,
    in_flight: 0,
    part: 0,
    owed: 0,
  };
}

/**
 * Returns the surroundings of the method of one zone. `balance_factor` compares a server with all requests in
 * progress; here with those that the zone may have, because nobody counts them by zone.
 */
export function surroundings_in(zone: Zone, surroundings: Surroundings): Surroundings {
  const { total_in_flight, left_in_flight } = surroundings;
  const own = {
    total_in_flight: () => total_in_flight() * zone.part,
    // The requests of a peer that has moved to another zone count there.
    left_in_flight: (peer) => ((peer as Placed).home === zone ? left_in_flight(peer) : 0),
  } as Surroundings;
  return setmetatable(own, { __index: surroundings });
}

function begin(zone: Zone): void {
  clear_load(zone.load);
  zone.in_flight = 0;
}

function smooth(zone: Zone, part: number): void {
  const { load } = zone;
  const mean = mean_utilization(load);
  const is_known = mean >= 0;
  if (is_known && zone.was_known) load.utilization = load.utilization + (mean - load.utilization) * part;
  else load.utilization = mean;
  zone.was_known = is_known;
}

/** Measures the loads of zones. `passed`: the time since the last measurement, in seconds. O(peers). */
export function measure(
  zones: LuaTable<string, Zone | undefined>,
  peers: LuaSet<Placed>,
  surroundings: Surroundings,
  passed: number,
): void {
  const { is_healthy, configured_weight, utilization, in_flight } = surroundings;
  for (const [, zone] of pairs(zones)) begin(zone);
  for (const peer of peers) {
    const { home } = peer;
    count_server(home.load, configured_weight(peer), is_healthy(peer), utilization(peer));
    home.in_flight = home.in_flight + in_flight(peer);
  }
  const part = 1 - math.exp(-passed / SMOOTHING_SECONDS);
  for (const [, zone] of pairs(zones)) smooth(zone, part);
}
