import type { LiveUpstream } from "./model";

/** The zone in which this gateway runs, and the zones of upstreams that prefer it. */

let zone = "";

/** Sets the zone of the gateway; undefined: it has none. Phase: init_by_lua. */
export function use_zone(name: string | undefined): void {
  zone = name ?? "";
}

/** Returns the zone of the gateway; "": it has none. */
export function own_zone(): string {
  return zone;
}

/** Computes the shares of an upstream's zones. O(servers). */
export function update_zones({ zones }: LiveUpstream): void {
  if (zones === undefined) return;
  zones.primary.update();
  zones.backup.update();
}

/** Tells whether the shares of an upstream's zones matter now: requests use them. */
export function uses_zones({ zones }: LiveUpstream): boolean {
  return zones !== undefined && (zones.primary.is_in_use() || zones.backup.is_in_use());
}
