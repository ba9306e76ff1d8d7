/**
 * The share of each zone in the requests of an upstream. Pure.
 *
 * The local zone gets all requests until its servers are clearly more loaded than those of other zones, or
 * until too few of them are available. The thresholds and the two formulas are Envoy's: the spare capacity as
 * in the documentation of its load-aware locality load balancing, the overprovisioning factor as in that of
 * its locality weighted load balancing. Envoy changes from one formula to the other at once, which lets
 * requests go back and forth between zones near the threshold. Here the share blends from one to the other.
 */

/** How much more than the remote mean local servers are loaded before requests leave the zone. */
const TOLERATED_EXCESS = 0.1;
/** From this excess on, the zones share the requests by their spare capacity alone. */
const FULL_EXCESS = 0.3;
/** A zone keeps its share until fewer than 1/1.4 = 71 % of its capacity is available. */
const OVERPROVISIONING = 1.4;
/** The share that other zones always get, so that their servers are known to work and report loads. */
export const PROBE_SHARE = 0.005;
/** The least spare capacity of a server, because a loaded zone is better than none. */
const LEAST_SPARE = 0.01;

/** What is known of the servers of a zone, and the zone's share. */
export interface ZoneLoad {
  servers: number;
  available: number;
  /** The sums of the weights of all servers and of the available ones. */
  all_weight: number;
  available_weight: number;
  /** The number of available servers whose utilization is known, and the sum of that. */
  known: number;
  utilization_sum: number;
  /** The mean utilization, from 0 to 1. `share_out` needs it for zones with known servers. */
  utilization: number;
  /** From 0 to 1. `share_out` sets it. */
  share: number;
}

export function new_zone_load(): ZoneLoad {
  return {
    servers: 0,
    available: 0,
    all_weight: 0,
    available_weight: 0,
    known: 0,
    utilization_sum: 0,
    utilization: 0,
    share: 0,
  };
}

/** Begins a new count of a zone's servers. */
export function clear_load(zone: ZoneLoad): void {
  zone.servers = 0;
  zone.available = 0;
  zone.all_weight = 0;
  zone.available_weight = 0;
  zone.known = 0;
  zone.utilization_sum = 0;
}

/** Counts a server of a zone. `utilization`: from 0 to 1; -1: not known. */
export function count_server(
  zone: ZoneLoad,
  weight: number,
  is_available: boolean,
  utilization: number,
): void {
  zone.servers = zone.servers + 1;
  zone.all_weight = zone.all_weight + weight;
  if (!is_available) return;
  zone.available = zone.available + 1;
  zone.available_weight = zone.available_weight + weight;
  if (utilization < 0) return;
  zone.known = zone.known + 1;
  zone.utilization_sum = zone.utilization_sum + math.min(1, utilization);
}

/** Returns the mean utilization of the servers where it is known; -1: of none. */
export function mean_utilization({ known, utilization_sum }: ZoneLoad): number {
  return known === 0 ? -1 : utilization_sum / known;
}

/** Gives zones without a known utilization the mean of the others, so that they are neither full nor idle. */
function complete(zones: readonly ZoneLoad[]): void {
  let known = 0;
  let sum = 0;
  for (const zone of zones) {
    known = known + zone.known;
    sum = sum + zone.utilization * zone.known;
  }
  const mean = known === 0 ? 0 : sum / known;
  for (const zone of zones) if (zone.known === 0) zone.utilization = mean;
}

function spare_of({ available_weight, utilization }: ZoneLoad): number {
  return available_weight * math.max(LEAST_SPARE, 1 - utilization);
}

/** Returns how far the shares follow spare capacity, from 0 to 1, without a jump and without a bend. */
function blend_of(excess: number): number {
  const part = (excess - TOLERATED_EXCESS) / (FULL_EXCESS - TOLERATED_EXCESS);
  const bounded = math.max(0, math.min(1, part));
  return bounded * bounded * (3 - 2 * bounded);
}

/** Returns the share of the local zone, while another zone has available servers. */
function local_share(own: ZoneLoad, remote_spare: number, remote_utilization: number): number {
  if (own.available_weight === 0) return 0;
  const spare = spare_of(own);
  const by_spare = spare / (spare + remote_spare);
  const share = 1 - blend_of(own.utilization - remote_utilization) * (1 - by_spare);
  const available_part = own.available_weight / own.all_weight;
  return math.min(1 - PROBE_SHARE, share * math.min(1, OVERPROVISIONING * available_part));
}

/**
 * Sets the share of each zone. If no zone has an available server, the local one gets all requests.
 *
 * @param zones the local zone and the others
 */
export function share_out(own: ZoneLoad, zones: readonly ZoneLoad[]): void {
  complete(zones);
  let remote_spare = 0;
  let available = 0;
  let sum = 0;
  for (const zone of zones) {
    if (zone !== own) {
      remote_spare = remote_spare + spare_of(zone);
      available = available + zone.available;
      sum = sum + zone.utilization * zone.available;
    }
  }
  own.share = remote_spare === 0 ? 1 : local_share(own, remote_spare, sum / available);
  const rest = 1 - own.share;
  for (const zone of zones) {
    if (zone !== own) zone.share = rest === 0 ? 0 : (rest * spare_of(zone)) / remote_spare;
  }
}
