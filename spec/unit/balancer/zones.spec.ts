import { new_method, new_zone_method } from "../../../src/resty/sluice/balancer/methods";
import type { ZoneMethod } from "../../../src/resty/sluice/balancer/zones";
import type { BalancingConfig } from "../../../src/resty/sluice/config/balancing";
import { expect } from "../support/expect";
import { add_peer, available, new_bench, new_peer, OWN_ZONE, type Bench, type TestPeer } from "./peers";

const ROUND_ROBIN: BalancingConfig = { method: "round_robin" };
const CONSISTENT: BalancingConfig = { method: "hash", hash: { key: "$uri", consistent: true } };
const KEYED: BalancingConfig[] = [
  CONSISTENT,
  { method: "hash", hash: { key: "$uri", consistent: false } },
  { method: "hash", hash: { key: "$uri", consistent: true, balance_factor: 150 } },
  { method: "ip_hash" },
];
const ZONES = [OWN_ZONE, "b", "c"];
const KEYS = 3000;

interface ZoneBench extends Bench {
  method: ZoneMethod;
}

/** Makes a bench with peers in each of the zones, in turn, so that no zone has adjacent ids. */
function bench_in(config: BalancingConfig, in_each: number, zones = ZONES, min_servers = 1): ZoneBench {
  const bench = new_bench((surroundings) => new_zone_method(config, min_servers, surroundings)) as ZoneBench;
  for (const _ of $range(1, in_each)) {
    for (const zone of zones) add_in(bench, zone);
  }
  return bench;
}

function add_in(bench: Bench, zone: string): TestPeer {
  const peer = new_peer(`p${bench.peers.length + 1}`);
  peer.zone = zone;
  return add_peer(bench, peer);
}

function peers_in(bench: Bench, zone: string): TestPeer[] {
  const found: TestPeer[] = [];
  for (const peer of bench.peers) if (peer.zone === zone) found.push(peer);
  return found;
}

function set_utilization(bench: ZoneBench, zone: string, utilization: number): void {
  for (const peer of peers_in(bench, zone)) peer.utilization = utilization;
}

/** Makes peers unavailable. As in a worker, the shares follow when a timer or a survey updates them. */
function fail(bench: ZoneBench, zone: string, count: number): void {
  for (const index of $range(0, count - 1)) peers_in(bench, zone)[index].is_available = false;
  bench.method.update();
}

/** Counts the picks of each zone. */
function zones_picked(bench: Bench, picks: number, key?: (turn: number) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const zone of ZONES) counts[zone] = 0;
  for (const turn of $range(1, picks)) {
    const peer = bench.method.pick(available, key?.(turn)) as TestPeer | undefined;
    const zone = peer?.zone ?? "none";
    counts[zone] = (counts[zone] ?? 0) + 1;
  }
  return counts;
}

function key_of(turn: number): string {
  return `key ${turn}`;
}

/** Returns the peer of each key. */
function places_of(bench: Bench): string[] {
  const places: string[] = [];
  for (const turn of $range(1, KEYS)) {
    places.push((bench.method.pick(available, key_of(turn)) as TestPeer | undefined)?.name ?? "none");
  }
  return places;
}

function moved(before: readonly string[], after: readonly string[]): number {
  let count = 0;
  for (const index of $range(0, before.length - 1)) if (before[index] !== after[index]) count += 1;
  return count;
}

describe("a method that prefers local peers", () => {
  it("keeps 100 of 100 requests in the zone while the loads are equal, but probes other zones", () => {
    const bench = bench_in(ROUND_ROBIN, 5);
    for (const zone of ZONES) set_utilization(bench, zone, 0.5);
    expect(zones_picked(bench, 100)).same({ [OWN_ZONE]: 100, b: 0, c: 0 });
    expect(zones_picked(bench, 1900)).same({ [OWN_ZONE]: 1890, b: 5, c: 5 });
  });

  it("lets 60 of 100 requests leave at least when 0.9 of the zone is used and 0.2 of the others", () => {
    const bench = bench_in(ROUND_ROBIN, 1);
    set_utilization(bench, OWN_ZONE, 0.9);
    set_utilization(bench, "b", 0.2);
    set_utilization(bench, "c", 0.2);
    const { [OWN_ZONE]: local } = zones_picked(bench, 100);
    expect(local <= 40).equal(true);
  });

  it("divides requests exactly and smoothly by 0.4, 1.4 and 1.0", () => {
    const bench = bench_in(ROUND_ROBIN, 2);
    set_utilization(bench, OWN_ZONE, 0.8);
    set_utilization(bench, "b", 0.3);
    set_utilization(bench, "c", 0.5);
    for (const _ of $range(1, 20)) {
      const counts = zones_picked(bench, 28);
      expect(math.abs(counts[OWN_ZONE] - 4) <= 1).equal(true);
      expect(math.abs(counts.b - 14) <= 1).equal(true);
      expect(math.abs(counts.c - 10) <= 1).equal(true);
    }
  });

  it("smooths the loads, so that one report does not move all requests", () => {
    const bench = bench_in(ROUND_ROBIN, 1);
    for (const zone of ZONES) set_utilization(bench, zone, 0.2);
    zones_picked(bench, 1);
    set_utilization(bench, OWN_ZONE, 0.9);
    const shares: number[] = [];
    for (const _ of $range(1, 20)) {
      bench.time += 0.25;
      bench.method.update();
      shares.push(bench.method.zones.get(OWN_ZONE)?.load.share ?? 0);
    }
    expect(shares[0] > 0.8).equal(true);
    for (const index of $range(1, 19)) expect(shares[index] <= shares[index - 1]).equal(true);
    expect(shares[19] < 0.2).equal(true);
  });

  it("sends requests to other zones in the same pick when no local peer is available", () => {
    const bench = bench_in(ROUND_ROBIN, 5);
    zones_picked(bench, 10);
    for (const peer of peers_in(bench, OWN_ZONE)) peer.is_available = false;
    const counts = zones_picked(bench, 100);
    expect(counts[OWN_ZONE]).equal(0);
    expect(counts.none).equal(undefined);
  });

  it("moves requests as its peers fail, and takes them back", () => {
    const bench = bench_in(ROUND_ROBIN, 5);
    fail(bench, OWN_ZONE, 1);
    expect(zones_picked(bench, 100)[OWN_ZONE]).equal(100);
    fail(bench, OWN_ZONE, 3);
    expect(math.abs(zones_picked(bench, 100)[OWN_ZONE] - 56) <= 1).equal(true);
    fail(bench, OWN_ZONE, 5);
    const { b, c } = zones_picked(bench, 100);
    expect(math.abs(b - c) <= 1).equal(true);
    for (const peer of peers_in(bench, OWN_ZONE)) peer.is_available = true;
    bench.method.update();
    expect(zones_picked(bench, 100)[OWN_ZONE] >= 98).equal(true);
  });

  it("follows peers that are suspended, resumed, added and removed without an update", () => {
    const bench = bench_in(ROUND_ROBIN, 2);
    zones_picked(bench, 10);
    for (const peer of peers_in(bench, OWN_ZONE)) {
      peer.in_rotation = false;
      bench.method.suspend(peer);
    }
    expect(zones_picked(bench, 40)[OWN_ZONE]).equal(0);
    for (const peer of peers_in(bench, OWN_ZONE)) {
      peer.in_rotation = true;
      bench.method.resume(peer);
    }
    expect(zones_picked(bench, 40)[OWN_ZONE] >= 39).equal(true);
    for (const peer of peers_in(bench, "b")) bench.method.remove(peer);
    for (const peer of peers_in(bench, "c")) bench.method.remove(peer);
    expect(zones_picked(bench, 400)[OWN_ZONE]).equal(400);
    add_in(bench, "b");
    expect(zones_picked(bench, 400).b).equal(2);
  });

  it("counts peers without a zone as those of another zone", () => {
    const bench = bench_in(ROUND_ROBIN, 2, [OWN_ZONE, ""]);
    expect(zones_picked(bench, 100)[OWN_ZONE]).equal(100);
    fail(bench, OWN_ZONE, 2);
    expect(zones_picked(bench, 100)[""]).equal(100);
  });

  it("tells whether requests use the shares, until the next update", () => {
    const bench = bench_in(ROUND_ROBIN, 1);
    expect(bench.method.is_in_use()).equal(false);
    zones_picked(bench, 1);
    expect(bench.method.is_in_use()).equal(true);
    bench.method.update();
    expect(bench.method.is_in_use()).equal(false);
  });
});

describe("a peer whose zone changes", () => {
  it("gets the requests of its new zone", () => {
    const bench = bench_in(ROUND_ROBIN, 2);
    zones_picked(bench, 10);
    const [peer] = peers_in(bench, "b");
    bench.method.rezone?.(peer, OWN_ZONE);
    expect(peer.zone).equal(OWN_ZONE);
    let picks = 0;
    for (const _ of $range(1, 30)) if (bench.method.pick(available, undefined) === peer) picks += 1;
    expect(picks).equal(10);
  });

  it("moves there and back with every method, and never twice into one", () => {
    for (const config of [ROUND_ROBIN, ...KEYED, { method: "least_conn" } as BalancingConfig]) {
      const bench = bench_in(config, 2);
      const [peer] = bench.peers;
      for (const turn of $range(1, 30)) {
        bench.method.rezone?.(peer, ZONES[turn % 3]);
        zones_picked(bench, 5, key_of);
      }
      bench.method.remove(peer);
      for (const turn of $range(1, 200)) {
        expect(bench.method.pick(available, key_of(turn)) !== peer).equal(true);
      }
    }
  });

  it("keeps its place in the rotation while zones are ignored", () => {
    const bench = bench_in(ROUND_ROBIN, 2, ["b", "c"]);
    const names: string[] = [];
    for (const turn of $range(1, 12)) {
      names.push((bench.method.pick(available, undefined) as TestPeer).name);
      if (turn % 5 === 0) bench.method.rezone?.(bench.peers[1], turn % 2 === 0 ? "b" : "x");
    }
    expect(table.concat(names, " ")).equal("p1 p2 p3 p4 p1 p2 p3 p4 p1 p2 p3 p4");
  });
});

describe("zones", () => {
  it("are ignored with fewer local peers than min_servers, whatever the state of these", () => {
    const bench = bench_in(ROUND_ROBIN, 2, ZONES, 3);
    expect(bench.method.is_in_effect()).equal(false);
    expect(zones_picked(bench, 60)).same({ [OWN_ZONE]: 20, b: 20, c: 20 });
    const third = add_in(bench, OWN_ZONE);
    expect(bench.method.is_in_effect()).equal(true);
    expect(zones_picked(bench, 60)[OWN_ZONE]).equal(60);
    third.is_available = false;
    bench.method.update();
    expect(bench.method.is_in_effect()).equal(true);
    bench.method.remove(third);
    expect(bench.method.is_in_effect()).equal(false);
    expect(zones_picked(bench, 60)[OWN_ZONE]).equal(20);
  });

  it("are ignored without a local peer and without another zone", () => {
    expect(bench_in(ROUND_ROBIN, 2, ["b", "c"]).method.is_in_effect()).equal(false);
    expect(bench_in(ROUND_ROBIN, 2, [OWN_ZONE]).method.is_in_effect()).equal(false);
  });

  it("do not change what a key gets while they are ignored", () => {
    for (const config of KEYED) {
      const plain = new_bench((surroundings) => new_method(config, surroundings));
      const bench = bench_in(config, 4, ZONES, 5);
      for (const peer of bench.peers) add_peer(plain, { ...peer });
      expect(moved(places_of(plain), places_of(bench))).equal(0);
      // The same after they have been in effect.
      const more = [add_in(bench, OWN_ZONE), add_in(bench, OWN_ZONE)];
      expect(bench.method.is_in_effect()).equal(true);
      for (const peer of more) bench.method.remove(peer);
      expect(moved(places_of(plain), places_of(bench))).equal(0);
    }
  });
});

describe("keys", () => {
  it("stay in the zone, except for the probes, and keep their peers", () => {
    for (const config of KEYED) {
      const bench = bench_in(config, 5);
      const counts = zones_picked(bench, KEYS, key_of);
      expect(counts[OWN_ZONE] >= KEYS * 0.99).equal(true);
      expect(counts[OWN_ZONE] < KEYS).equal(true);
      const places = places_of(bench);
      bench.time += 10;
      bench.method.update();
      expect(moved(places, places_of(bench))).equal(0);
    }
  });

  it("leave a zone that fails, and no others; and return to their peers", () => {
    for (const config of KEYED) {
      const bench = bench_in(config, 5);
      set_utilization(bench, OWN_ZONE, 0.8);
      set_utilization(bench, "b", 0.3);
      set_utilization(bench, "c", 0.5);
      const places = places_of(bench);
      const in_b = zones_picked(bench, KEYS, key_of).b;
      fail(bench, "b", 5);
      const after = places_of(bench);
      // Without "b", the other zones are more loaded than the local one by less.
      const changed = moved(places, after);
      expect(changed >= in_b).equal(true);
      for (const peer of peers_in(bench, "b")) peer.is_available = true;
      bench.method.update();
      expect(moved(places, places_of(bench))).equal(0);
    }
  });

  it("of other zones stay when the local zone fails", () => {
    const bench = bench_in(CONSISTENT, 5);
    set_utilization(bench, OWN_ZONE, 0.8);
    set_utilization(bench, "b", 0.3);
    set_utilization(bench, "c", 0.3);
    const places = places_of(bench);
    const local = zones_picked(bench, KEYS, key_of)[OWN_ZONE];
    expect(local > 0 && local < KEYS).equal(true);
    fail(bench, OWN_ZONE, 5);
    expect(moved(places, places_of(bench))).equal(local);
  });

  it("leave only by as much as the share of the zone falls", () => {
    const bench = bench_in(CONSISTENT, 10);
    const places = places_of(bench);
    // 5 of 10 peers are left, so the share is 0.7: the keys of the others move, some of them to other zones.
    const failed = peers_in(bench, OWN_ZONE);
    const names = new LuaSet<string>();
    for (const index of $range(0, 4)) names.add(failed[index].name);
    fail(bench, OWN_ZONE, 5);
    const after = places_of(bench);
    let kept = 0;
    let of_failed = 0;
    for (const index of $range(0, KEYS - 1)) {
      if (names.has(places[index])) of_failed += 1;
      else if (places[index] === after[index]) kept += 1;
    }
    expect(kept >= (KEYS - of_failed) * 0.67).equal(true);
  });

  it("get the same zone in every worker", () => {
    const one = bench_in(CONSISTENT, 5);
    const other = new_bench((surroundings) => new_zone_method(CONSISTENT, 1, surroundings), 0.5);
    for (const peer of one.peers) add_peer(other, { ...peer });
    for (const bench of [one as Bench, other]) {
      for (const peer of bench.peers) peer.utilization = peer.zone === OWN_ZONE ? 0.9 : 0.4;
    }
    expect(moved(places_of(one), places_of(other))).equal(0);
  });

  it("are bounded by balance_factor in each zone", () => {
    const bench = bench_in(
      { method: "hash", hash: { key: "$uri", consistent: true, balance_factor: 150 } },
      5,
    );
    for (const _ of $range(1, 100)) {
      const peer = bench.method.pick(available, "hot") as TestPeer;
      peer.in_flight += 1;
    }
    let most = 0;
    for (const peer of peers_in(bench, OWN_ZONE)) most = math.max(most, peer.in_flight);
    expect(most <= 31).equal(true);
  });

  it("are bounded without the requests of a peer that has moved to another zone", () => {
    const config: BalancingConfig = {
      method: "hash",
      hash: { key: "$uri", consistent: true, balance_factor: 150 },
    };
    const bench = bench_in(config, 4, [OWN_ZONE, "b"]);
    const [moving] = peers_in(bench, OWN_ZONE);
    moving.in_flight = 30;
    set_utilization(bench, OWN_ZONE, 0.9);
    set_utilization(bench, "b", 0.3);
    bench.method.update();
    bench.method.rezone?.(moving, "b");
    bench.method.update();
    let key = 1;
    while ((bench.method.peek(available, key_of(key)) as TestPeer).zone !== OWN_ZONE) key += 1;
    for (const _ of $range(1, 24)) {
      (bench.method.pick(available, key_of(key)) as TestPeer).in_flight += 1;
      bench.method.update();
    }
    let most = 0;
    for (const peer of peers_in(bench, OWN_ZONE)) most = math.max(most, peer.in_flight);
    // 25 requests at 3 peers, times 1.5, rounded up.
    expect(most <= 13).equal(true);
  });
});
