import { mix, score_of } from "../lib/rendezvous";
import type { Available, Method, Peer } from "./method";
import { measure, type Zone } from "./zone";
import { new_zone_groups, type ZoneRules } from "./zone_groups";
import { share_out, type ZoneLoad } from "./zone_shares";

/**
 * A method that prefers the peers in the zone of the gateway. A request first gets a zone, by the shares of
 * the zones, and then a peer of that zone. If none is available there, it gets one of another zone, in the
 * order of the shares. While zones are ignored, all peers have one inner method, as without zones.
 */
export interface ZoneMethod extends Method {
  /** Computes the shares of the zones, which are 0 while zones are ignored. O(peers). */
  update: (this: void) => void;
  /** Tells whether a peer was chosen by the shares since the last update. */
  is_in_use: (this: void) => boolean;
  /** Tells whether zones matter: there are enough local peers, and others. */
  is_in_effect: (this: void) => boolean;
  /** The zones of the peers by name, as of the last update. */
  zones: LuaTable<string, Zone | undefined>;
}

/** Separates the zone of a key from what the inner method does with the key. */
const SEED = 0x7a6f6e65;
const TWO_32 = 4294967296;
/** Steps of a share by which zones are ordered. */
const STEPS = 1e6;

/** Returns a share in steps, without the rounding errors that would decide between equal shares. */
function steps_of({ load }: Zone): number {
  return math.floor(load.share * STEPS + 0.5);
}

function comes_first(this: void, one: Zone, other: Zone): boolean {
  const steps = steps_of(one);
  const other_steps = steps_of(other);
  return steps === other_steps ? one.name < other.name : steps > other_steps;
}

/** Makes a method without peers. Any phase. */
export function with_zones(rules: ZoneRules): ZoneMethod {
  const { surroundings, is_keyed } = rules;
  const { crc32, now, total_in_flight } = surroundings;
  const groups = new_zone_groups(rules);
  const { zones, peers } = groups;
  /** The zones, the one with the largest share first. */
  let order: Zone[] = [];
  let local_share = 1;
  let remote_share = 0;
  /** The remote requests that are due. A request is a remote one when this reaches 1. */
  let due = 0;
  let is_in_use = false;
  let updated_at = -math.huge;

  function allot(own: Zone): void {
    const loads: ZoneLoad[] = [];
    order = [];
    for (const [, zone] of pairs(zones)) {
      loads.push(zone.load);
      order.push(zone);
    }
    share_out(own.load, loads);
    table.sort(order, comes_first);
    local_share = own.load.share;
    remote_share = 1 - local_share;
  }

  function update(this: void): void {
    const time = now();
    measure(zones, peers, surroundings, time - updated_at);
    updated_at = time;
    groups.is_stale = false;
    is_in_use = false;
    if (groups.own === undefined) {
      for (const [, zone] of pairs(zones)) zone.load.share = 0;
    } else {
      allot(groups.own);
      const total = total_in_flight();
      for (const [, zone] of pairs(zones)) {
        // Requests that are bound to a server, or that were sent before the shares changed, count too.
        zone.part = math.max(zone.load.share, total > 0 ? math.min(1, zone.in_flight / total) : 0);
      }
    }
  }

  function zone_of_key(own: Zone, key: string): Zone {
    const hash = crc32(key);
    if (mix(hash, SEED) < local_share * TWO_32) return own;
    let best = own;
    let best_score = math.huge;
    for (const index of $range(0, order.length - 1)) {
      const zone = order[index];
      const { share } = zone.load;
      if (zone !== own && share > 0) {
        const score = score_of(hash, zone.seed, share);
        if (score < best_score) {
          best = zone;
          best_score = score;
        }
      }
    }
    return best;
  }

  /** Chooses a peer of another zone than `tried`, in which none is available. */
  function pick_elsewhere(tried: Zone, available: Available, key: string | undefined): Peer | undefined {
    for (const index of $range(0, order.length - 1)) {
      const zone = order[index];
      const peer = zone === tried ? undefined : zone.method.pick(available, key);
      if (peer !== undefined) return peer;
    }
    return undefined;
  }

  /** Returns the zone that is owed most once each remote zone is owed its share of one more request. */
  function most_owed(own: Zone): Zone {
    let best = own;
    let most = -math.huge;
    for (const index of $range(0, order.length - 1)) {
      const zone = order[index];
      const { share } = zone.load;
      if (zone !== own && share > 0 && zone.owed + share / remote_share > most) {
        best = zone;
        most = zone.owed + share / remote_share;
      }
    }
    return best;
  }

  /** Gives the next remote request to a zone. */
  function take_turn(own: Zone): Zone {
    const next = most_owed(own);
    for (const index of $range(0, order.length - 1)) {
      const zone = order[index];
      zone.owed = zone.owed + zone.load.share / remote_share;
    }
    next.owed = next.owed - 1;
    return next;
  }

  function next_zone(own: Zone): Zone {
    due = due + remote_share;
    if (due < 1) return own;
    due = due - 1;
    return take_turn(own);
  }

  function pick(this: void, available: Available, key: string | undefined): Peer | undefined {
    const { own } = groups;
    if (own === undefined) return groups.whole.pick(available, key);
    if (groups.is_stale) update();
    is_in_use = true;
    const by_key = is_keyed && key !== undefined && key !== "";
    const zone = by_key ? zone_of_key(own, key) : next_zone(own);
    return zone.method.pick(available, key) ?? pick_elsewhere(zone, available, key);
  }

  function peek(this: void, available: Available, key: string | undefined): Peer | undefined {
    const { own, whole } = groups;
    if (own === undefined) return whole.peek(available, key);
    if (groups.is_stale) update();
    let zone = own;
    if (is_keyed && key !== undefined && key !== "") zone = zone_of_key(own, key);
    else if (due + remote_share >= 1) zone = most_owed(own);
    const peer = zone.method.peek(available, key);
    if (peer !== undefined) return peer;
    for (const index of $range(0, order.length - 1)) {
      const found = order[index] === zone ? undefined : order[index].method.peek(available, key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  const { add, remove, reweigh, respell, rezone, suspend, resume } = groups;
  return {
    add,
    remove,
    reweigh,
    respell,
    rezone,
    suspend,
    resume,
    pick,
    peek,
    update,
    is_in_use: () => is_in_use,
    is_in_effect: () => groups.own !== undefined,
    zones,
  };
}
