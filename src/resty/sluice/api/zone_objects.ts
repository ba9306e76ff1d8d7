import type { Zone } from "../balancer/zone";
import type { ZonesConfig } from "../config/zones";
import { list, record } from "../lib/json";
import type { LiveUpstream } from "../live/view/model";
import { own_zone, update_zones } from "../live/view/zone";
import type { Document } from "../store/document/document";

/** The JSON objects of zones: whether they are in effect, and the share of each. */

const zones_record = record("own in_effect reason zones");
const zone_record = record("zone local share_percent servers available utilization");

const SERVERS = ["server", "servers"];

function counted(count: number): string {
  return `${count} ${count === 1 ? SERVERS[0] : SERVERS[1]}`;
}

/** Rounds a part to a tenth of a percent. */
function percent(part: number): number {
  return math.floor(part * 1000 + 0.5) / 10;
}

function zone_object({ name, load }: Zone, is_in_effect: boolean): object {
  return zone_record({
    zone: name,
    local: name !== "" && name === own_zone(),
    share_percent: is_in_effect ? percent(load.share) : undefined,
    servers: load.servers,
    available: load.available,
    utilization: load.known === 0 ? undefined : math.floor(load.utilization * 1000 + 0.5) / 1000,
  });
}

/** Returns why zones are ignored. */
function why_ignored(
  { prefer, min_servers }: ZonesConfig,
  zones: LuaTable<string, Zone | undefined>,
): string {
  if (!prefer) return '"prefer" is false';
  const own = own_zone();
  if (own === "") return 'the gateway has no zone: "zone" of setup() is not set';
  const servers = zones.get(own)?.members ?? 0;
  if (servers < min_servers)
    return `the zone "${own}" has ${counted(servers)}, and "min_servers" is ${min_servers}`;
  return `all servers are in the zone "${own}"`;
}

function by_name(this: void, one: Zone, other: Zone): boolean {
  return one.name < other.name;
}

/** Returns the zones of an upstream's primary servers, as this worker uses them; undefined: no `zones`. */
export function zones_object({ zones }: Document, upstream: LiveUpstream | undefined): object | undefined {
  if (zones === undefined) return undefined;
  const method = upstream?.zones?.primary;
  if (upstream !== undefined) update_zones(upstream);
  const is_in_effect = method?.is_in_effect() === true;
  const sorted: Zone[] = [];
  if (method !== undefined) for (const [, zone] of pairs(method.zones)) sorted.push(zone);
  table.sort(sorted, by_name);
  const objects: object[] = [];
  for (const zone of sorted) objects.push(zone_object(zone, is_in_effect));
  const own = own_zone();
  return zones_record({
    own: own === "" ? undefined : own,
    in_effect: is_in_effect,
    reason: is_in_effect
      ? "local servers are preferred as long as they can carry the load"
      : why_ignored(zones, method?.zones ?? new LuaTable()),
    zones: list(objects),
  });
}
