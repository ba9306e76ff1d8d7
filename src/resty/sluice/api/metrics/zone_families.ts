import {
  count_server,
  mean_utilization,
  new_zone_load,
  share_out,
  type ZoneLoad,
} from "../../balancer/zone_shares";
import { expiry_of } from "../../health/reported";
import type { Moment } from "../../lib/clock";
import { utilization_of } from "../../live/view/utilization";
import { own_zone } from "../../live/view/zone";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { row_at } from "../../store/memory/region";
import { ABSENT, columns, type Family } from "./family";
import { further_label } from "./labels";
import { Value } from "./readings";

/** The families with samples of each zone of an upstream that prefers local servers. */

const NAME = "sluice_upstream_zone_";

/** A zone by the health of its servers, and as it is while health is ignored. */
export interface ZoneCount {
  healthy: ZoneLoad;
  in_rotation: ZoneLoad;
}

/** The zones of an upstream by name. */
export type ZoneCounts = LuaTable<string, ZoneCount | undefined>;
/** Counts a primary server. `values`: what `read_server` has read. */
export function count_in_zone(
  zones: ZoneCounts,
  head: Document,
  server: ServerRecord,
  values: readonly number[],
  now: Moment,
): void {
  if (server.backup) return;
  let zone = zones.get(server.zone);
  if (zone === undefined) {
    zone = { healthy: new_zone_load(), in_rotation: new_zone_load() };
    zones.set(server.zone, zone);
  }
  const weight = values[Value.STANDS_BY] === 1 ? 0 : server.weight;
  const is_in_rotation = values[Value.IN_ROTATION] === 1;
  const expiry = expiry_of(head.load);
  const utilization = utilization_of(
    row_at(server.row),
    values[Value.ACTIVE],
    values[Value.MAX_CONNS],
    expiry,
    now,
  );
  count_server(zone.healthy, weight, is_in_rotation && values[Value.UNAVAILABLE] === 0, utilization);
  count_server(zone.in_rotation, weight, is_in_rotation, utilization);
}

/** What is shown of the zones, by column. */
interface Shown {
  labels: string[];
  shares: number[];
  servers: number[];
  available: number[];
  utilizations: number[];
}

function load_of({ healthy, in_rotation }: ZoneCount, panics: boolean): ZoneLoad {
  return panics ? in_rotation : healthy;
}

/** Sets the shares of zones. Returns whether zones are in effect. */
function share(zones: ZoneCounts, { zones: config }: Document, panics: boolean): boolean {
  const loads: ZoneLoad[] = [];
  for (const [, zone] of pairs(zones)) {
    const load = load_of(zone, panics);
    load.utilization = mean_utilization(load);
    loads.push(load);
  }
  const count = zones.get(own_zone());
  const own = count === undefined ? undefined : load_of(count, panics);
  if (own === undefined || own_zone() === "" || config?.prefer !== true) return false;
  if (own.servers < config.min_servers || loads.length < 2) return false;
  share_out(own, loads);
  return true;
}

function show(shown: Shown, label: string, name: string, load: ZoneLoad, is_in_effect: boolean): void {
  const index = shown.labels.length;
  shown.labels[index] = `${label}${further_label("zone", name)}`;
  shown.shares[index] = is_in_effect ? load.share : ABSENT;
  shown.servers[index] = load.servers;
  shown.available[index] = load.available;
  shown.utilizations[index] = load.known === 0 ? ABSENT : load.utilization;
}

/**
 * Makes the families. Any phase.
 *
 * @param counts the zones of each upstream; undefined: it has no `zones`
 * @param panics 1: the upstream ignores health
 */
export function zone_families(
  heads: readonly Document[],
  labels: readonly string[],
  counts: readonly (ZoneCounts | undefined)[],
  panics: readonly number[],
): Family[] {
  const shown: Shown = { labels: [], shares: [], servers: [], available: [], utilizations: [] };
  for (const index of $range(0, heads.length - 1)) {
    const zones = counts[index];
    if (zones !== undefined) {
      const is_in_effect = share(zones, heads[index], panics[index] === 1);
      for (const [name, zone] of pairs(zones))
        show(shown, labels[index], name, load_of(zone, panics[index] === 1), is_in_effect);
    }
  }
  const gauge = (name: string, help: string, values: number[]) =>
    columns({ name: `${NAME}${name}`, type: "gauge", help }, shown.labels, [{ labels: "", values }]);
  return [
    gauge(
      "share",
      "Share of the requests that go to the zone while zones are in effect, from 0 to 1.",
      shown.shares,
    ),
    gauge("servers", "Primary servers in the zone.", shown.servers),
    gauge("available", "Primary servers in the zone that can get requests.", shown.available),
    gauge("utilization", "Mean utilization of these servers, from 0 to 1.", shown.utilizations),
  ];
}
