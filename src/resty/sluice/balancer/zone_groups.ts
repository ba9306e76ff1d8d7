import type { Method, Peer, Surroundings } from "./method";
import { new_zone, surroundings_in, type Placed, type Zone } from "./zone";

/** The peers of a method by zone. Each zone has an inner method, or all peers share one. */

/** How the zones of a method are used. */
export interface ZoneRules {
  surroundings: Surroundings;
  /** The smallest number of local peers. */
  min_servers: number;
  /** True: a key decides, so that each key has a zone. */
  is_keyed: boolean;
  /** Makes the inner methods. */
  make: (this: void, surroundings: Surroundings) => Method;
}

export interface ZoneGroups extends Omit<Method, "pick" | "peek"> {
  zones: LuaTable<string, Zone | undefined>;
  peers: LuaSet<Placed>;
  /** The local zone; undefined: zones are ignored. */
  own: Zone | undefined;
  /** The inner method of all peers while zones are ignored. */
  whole: Method;
  /** True: peers or their states have changed since this was set to false. */
  is_stale: boolean;
}

function comes_first(this: void, one: Peer, other: Peer): boolean {
  return one.id < other.id;
}

/** Makes groups without peers. Any phase. */
export function new_zone_groups({ surroundings, min_servers, make }: ZoneRules): ZoneGroups {
  const { crc32, own_zone } = surroundings;
  const zones = new LuaTable<string, Zone | undefined>();
  const peers = new LuaSet<Placed>();
  let zone_count = 0;

  function method_of(zone: Zone): Method {
    return groups.own === undefined ? groups.whole : make(surroundings_in(zone, surroundings));
  }

  function enter_zone(peer: Placed): void {
    const name = peer.zone ?? "";
    let zone = zones.get(name);
    if (zone === undefined) {
      zone = new_zone(name, crc32(name), groups.whole);
      zone.method = method_of(zone);
      zone_count = zone_count + 1;
      zones.set(name, zone);
    }
    zone.members = zone.members + 1;
    peer.home = zone;
    groups.is_stale = true;
  }

  function leave_zone({ home }: Placed): void {
    home.members = home.members - 1;
    groups.is_stale = true;
    if (home.members > 0) return;
    zones.delete(home.name);
    zone_count = zone_count - 1;
  }

  /** Returns the local zone if zones are to matter. */
  function wanted_zone(): Zone | undefined {
    const zone = own_zone === "" ? undefined : zones.get(own_zone);
    return zone !== undefined && zone.members >= min_servers && zone_count > 1 ? zone : undefined;
  }

  /**
   * Makes all inner methods anew and adds the peers in their order. A method may remember a peer that was
   * removed, so the earlier ones cannot be used again.
   */
  function rebuild(): void {
    groups.own = wanted_zone();
    groups.whole = make(surroundings);
    for (const [, zone] of pairs(zones)) zone.method = method_of(zone);
    const list: Placed[] = [];
    for (const peer of peers) list.push(peer);
    table.sort(list, comes_first);
    for (const index of $range(0, list.length - 1)) list[index].home.method.add(list[index]);
  }

  function add(this: void, peer: Peer): void {
    peers.add(peer as Placed);
    enter_zone(peer as Placed);
    if (wanted_zone() !== groups.own) rebuild();
    else (peer as Placed).home.method.add(peer);
  }

  function remove(this: void, peer: Peer): void {
    const { home } = peer as Placed;
    peers.delete(peer as Placed);
    leave_zone(peer as Placed);
    if (wanted_zone() !== groups.own) rebuild();
    else home.method.remove(peer);
  }

  function rezone(this: void, peer: Peer, zone: string | undefined): void {
    const placed = peer as Placed;
    const before = placed.home.method;
    leave_zone(placed);
    placed.zone = zone;
    enter_zone(placed);
    if (wanted_zone() !== groups.own) {
      rebuild();
    } else if (placed.home.method !== before) {
      before.remove(peer);
      placed.home.method.add(peer);
    }
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    (peer as Placed).home.method.reweigh(peer, weight);
  }

  function respell(this: void, peer: Peer, server: string): void {
    const { method } = (peer as Placed).home;
    if (method.respell === undefined) peer.server = server;
    else method.respell(peer, server);
  }

  function suspend(this: void, peer: Peer): void {
    groups.is_stale = true;
    (peer as Placed).home.method.suspend(peer);
  }

  function resume(this: void, peer: Peer): void {
    groups.is_stale = true;
    (peer as Placed).home.method.resume(peer);
  }

  const groups: ZoneGroups = {
    zones,
    peers,
    own: undefined,
    whole: make(surroundings),
    is_stale: true,
    add,
    remove,
    rezone,
    reweigh,
    respell,
    suspend,
    resume,
  };
  return groups;
}
