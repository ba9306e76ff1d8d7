import { connection_cost } from "../../../src/resty/sluice/balancer/cost";
import { new_least } from "../../../src/resty/sluice/balancer/least";
import { expect } from "../support/expect";
import {
  add_peer,
  available,
  bench_of,
  count_of,
  count_picks,
  new_bench,
  new_peer,
  type Bench,
  type NewMethod,
  type TestPeer,
} from "./peers";

const least_conn: NewMethod = (surroundings) => new_least(surroundings, connection_cost(surroundings));

describe("least_conn", () => {
  it("always picks a peer with the fewest requests in progress for its weight", () => {
    math.randomseed(5);
    for (const _ of $range(1, 30)) {
      const weights: number[] = [];
      for (const __ of $range(1, math.random(1, 40))) weights.push(math.random(1, 5));
      const { method, peers } = bench_of(least_conn, weights);
      for (const __ of $range(1, 200)) {
        const changed = peers[math.random(1, peers.length) - 1];
        changed.in_flight = math.random(0, 6);
        changed.is_available = math.random() < 0.8;
        let least = math.huge;
        for (const peer of peers) {
          if (peer.is_available) least = math.min(least, peer.in_flight / peer.weight);
        }
        const picked = method.pick(available, undefined) as TestPeer | undefined;
        if (least === math.huge) expect(picked).equal(undefined);
        else expect((picked as TestPeer).in_flight / (picked as TestPeer).weight).equal(least);
      }
    }
  });

  it("uses weighted round robin while all peers are idle", () => {
    const { method } = bench_of(least_conn, [5, 1, 1]);
    const counts = new LuaTable<string, number>();
    for (const _ of $range(1, 700)) {
      const { name } = method.pick(available, undefined) as TestPeer;
      counts.set(name, count_of(counts, name) + 1);
    }
    expect(counts.get("p1")).equal(500);
    expect(counts.get("p2")).equal(100);
  });

  it("takes turns among peers with equal load", () => {
    const { method, peers } = bench_of(least_conn, [1, 1, 1, 1, 1]);
    for (const peer of peers) peer.in_flight = 3;
    peers[4].in_flight = 4;
    const counts = new LuaTable<string, number>();
    for (const _ of $range(1, 500)) {
      const { name } = method.pick(available, undefined) as TestPeer;
      counts.set(name, count_of(counts, name) + 1);
    }
    for (const name of ["p1", "p2", "p3", "p4"]) expect(count_of(counts, name) >= 100).equal(true);
    expect(counts.get("p5")).equal(undefined);
  });

  it("keeps the requests in progress in proportion to the weights", () => {
    const { method, peers } = bench_of(least_conn, [4, 2, 1, 1]);
    for (const _ of $range(1, 800)) (method.pick(available, undefined) as TestPeer).in_flight += 1;
    for (const { weight, in_flight } of peers) expect(math.abs(in_flight - weight * 100) <= 1).equal(true);
    expect(count_picks(method, 8).get("none")).equal(undefined);
  });
});

describe("least_conn, reweighed,", () => {
  /** Makes peers that count how often their weights are read. */
  function counted_bench(count: number): LuaMultiReturn<[Bench, () => number]> {
    const bench = new_bench(least_conn);
    let reads = 0;
    for (const number of $range(1, count)) {
      const peer = new_peer(`p${number}`);
      let weight = number;
      rawset(peer, "weight", undefined as never);
      setmetatable(peer, {
        __index: (field: string) => {
          if (field === "weight") reads += 1;
          return field === "weight" ? weight : undefined;
        },
        __newindex: (field: string, value: unknown) => {
          if (field === "weight") weight = value as number;
          else rawset(peer as object, field as never, value as never);
        },
      } as LuaMetatable<TestPeer>);
      add_peer(bench, peer);
    }
    return $multi(bench, () => reads);
  }

  it("does not compare all peers for each one that loses weight or is removed", () => {
    const count = 1000;
    const [{ method, peers }, reads] = counted_bench(count);
    for (const peer of peers) peer.in_flight = 1;
    for (const index of $range(count - 1, 0, -1)) method.reweigh(peers[index], (index + 1) / 2);
    for (const index of $range(count - 1, 10, -1)) {
      peers[index].in_rotation = false;
      method.suspend(peers[index]);
    }
    expect(reads() < count * 100).equal(true);
    expect((method.pick(available, undefined) as TestPeer).name).equal("p10");
  });
});
