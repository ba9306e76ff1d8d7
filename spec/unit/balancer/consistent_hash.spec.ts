import { new_consistent_hash } from "../../../src/resty/sluice/balancer/consistent_hash";
import type { Method } from "../../../src/resty/sluice/balancer/method";
import { new_method } from "../../../src/resty/sluice/balancer/methods";
import { points_of } from "../../../src/resty/sluice/balancer/points";
import { expect } from "../support/expect";
import {
  add_peer,
  available,
  bench_of,
  new_bench,
  new_peer,
  type Bench,
  type NewMethod,
  type TestPeer,
} from "./peers";

const KEYS = 100000;

/** Returns the names of the peers of many keys. */
function owners(method: Method): string[] {
  const names: string[] = [];
  for (const number of $range(1, KEYS)) {
    names.push((method.pick(available, `/item/${number}`) as TestPeer).name);
  }
  return names;
}

function equal_weights(count: number): number[] {
  const weights: number[] = [];
  for (const _ of $range(1, count)) weights.push(1);
  return weights;
}

/** Returns the number of keys that have moved. Each must have moved from or to the peer of this name. */
function count_moves(before: readonly string[], after: readonly string[], name: string): number {
  let moves = 0;
  for (const [index, owner] of ipairs(before)) {
    const now = after[index - 1];
    if (now !== owner) {
      moves += 1;
      expect(owner === name || now === name).equal(true);
    }
  }
  return moves;
}

describe("the points of a peer", () => {
  it("equal nginx's points, for every form of an address", () => {
    // CRC-32 of "127.0.0.1" "\\0" "9001" "\\0\\0\\0\\0", and of the same text with the first point's bytes at
    // the end, by zlib.
    expect(points_of("127.0.0.1:9001", 0, 2)).same([0x70533e04, 0x10571e62]);
    expect(points_of("127.0.0.1:9001", 1, 2)).same([0x10571e62]);
    expect(points_of("127.0.0.1", 0, 1)).same([0xc3b5e186]);
    expect(points_of("[::1]:80", 0, 1)).same([0x3d4936c4]);
    expect(points_of("unix:/run/app:1", 0, 1)).same([0xd2a09183]);
  });
});

describe("hash consistent", () => {
  for (const count of [5, 10, 50]) {
    it(`moves only the keys of one of ${count} peers when that peer is removed or added`, () => {
      const bench = bench_of(new_consistent_hash, equal_weights(count));
      const before = owners(bench.method);
      const [peer] = bench.peers;
      bench.method.remove(peer);
      const without = owners(bench.method);
      expect(count_moves(before, without, peer.name) <= KEYS * (1 / count + 0.1)).equal(true);
      // The share of a peer has a relative standard deviation of 1/sqrt(160); four of these are allowed.
      expect(count_moves(before, without, peer.name) <= (KEYS / count) * 1.32).equal(true);
      bench.method.add(peer);
      expect(count_moves(before, owners(bench.method), peer.name)).equal(0);
    });
  }

  it("keeps shares within 5 % of the weights with nginx's 160 points for each", () => {
    const weights = [20, 40, 60, 80];
    const bench = bench_of(new_consistent_hash, weights);
    const counts = new LuaTable<string, number>();
    for (const name of owners(bench.method))
      counts.set(name, ((counts.get(name) as number | undefined) ?? 0) + 1);
    for (const { name, weight } of bench.peers) {
      const share = counts.get(name) / KEYS;
      expect(math.abs(share / (weight / 200) - 1) < 0.05).equal(true);
    }
  });

  it("moves only the necessary keys when a weight changes", () => {
    const bench = bench_of(new_consistent_hash, [2, 2, 2, 2]);
    const before = owners(bench.method);
    bench.method.reweigh(bench.peers[1], 3);
    const heavier = owners(bench.method);
    expect(count_moves(before, heavier, "p2") > 0).equal(true);
    bench.method.reweigh(bench.peers[1], 2);
    expect(count_moves(before, owners(bench.method), "p2")).equal(0);
  });

  it("has the same circle after any changes as a new circle of the same peers", () => {
    const bench = bench_of(new_consistent_hash, []);
    const by_id = (one: TestPeer, other: TestPeer): boolean => one.id < other.id;
    for (const step of $range(1, 600)) {
      const choice = math.random(1, 3);
      const index = math.random(1, math.max(1, bench.peers.length));
      if (choice === 1 || bench.peers.length < 3) {
        add_peer(bench, new_peer(`p${step}`, math.random(1, 9)));
      } else if (choice === 2) {
        bench.method.remove(bench.peers[index - 1]);
        table.remove(bench.peers, index);
      } else {
        bench.method.reweigh(bench.peers[index - 1], math.random(1, 9));
      }
    }
    const fresh: Bench = new_bench(new_consistent_hash);
    table.sort(bench.peers, by_id);
    for (const peer of bench.peers) {
      const copy = new_peer(peer.name, peer.weight);
      copy.server = peer.server;
      add_peer(fresh, copy);
    }
    const changed = owners(bench.method);
    for (const [index, name] of ipairs(owners(fresh.method))) expect(changed[index - 1]).equal(name);
  });

  it("has the same circle as a new one after changes that take effect one by one, with few points left", () => {
    const bench = bench_of(new_consistent_hash, equal_weights(40));
    for (const step of $range(40, 5, -1)) {
      const index = math.random(1, step);
      bench.method.remove(bench.peers[index - 1]);
      table.remove(bench.peers, index);
      bench.method.pick(available, "key");
      if (step % 5 === 0) {
        add_peer(bench, new_peer(`q${step}`, 1));
        bench.method.pick(available, "key");
      }
    }
    const fresh: Bench = new_bench(new_consistent_hash);
    for (const peer of bench.peers) {
      const copy = new_peer(peer.name, peer.weight);
      copy.server = peer.server;
      add_peer(fresh, copy);
    }
    const changed = owners(bench.method);
    for (const [index, name] of ipairs(owners(fresh.method))) expect(changed[index - 1]).equal(name);
  });

  it("depends on the current spelling of an address", () => {
    for (const bound of [{}, { balance_factor: 200 }]) {
      const hash = { key: "$uri", consistent: true, ...bound };
      const make: NewMethod = (surroundings) => new_method({ method: "hash", hash }, surroundings);
      const bench = bench_of(make, [1, 2, 3, 2]);
      const { method, peers } = bench;
      const before = owners(method);
      method.respell?.(peers[1], "[0::1]:80");
      const respelled = owners(method);
      expect(count_moves(before, respelled, "p2") > 0).equal(true);
      const fresh = new_bench(make);
      for (const peer of peers) add_peer(fresh, { ...peer });
      expect(count_moves(respelled, owners(fresh.method), "p2")).equal(0);
      method.respell?.(peers[1], fresh.peers[0].server);
      method.respell?.(peers[1], "[0::1]:80");
      expect(count_moves(respelled, owners(method), "p2")).equal(0);
    }
  });

  it("bounds the number of points: the shares stay, and adding 2,000 heavy peers takes little time", () => {
    const bench = bench_of(new_consistent_hash, equal_weights(2000));
    for (const peer of bench.peers) bench.method.reweigh(peer, 1000);
    const [half] = bench.peers;
    const light = new_peer("light", 1);
    add_peer(bench, light);
    const started = os.clock();
    bench.method.pick(available, "key");
    // Processor time. An idle machine needs 0.1 s; an earlier version took minutes.
    expect(os.clock() - started < 1).equal(true);
    const counts = new LuaTable<string, number>();
    for (const name of owners(bench.method))
      counts.set(name, ((counts.get(name) as number | undefined) ?? 0) + 1);
    for (const peer of bench.peers.slice(0, 2000)) expect(counts.has(peer.name)).equal(true);
    expect(((counts.get("light") as number | undefined) ?? 0) < 20).equal(true);
    // All others have half of its weight, so this peer has twice their share.
    for (const peer of bench.peers) if (peer !== half) bench.method.reweigh(peer, 500);
    const doubled = new LuaTable<string, number>();
    for (const name of owners(bench.method))
      doubled.set(name, ((doubled.get(name) as number | undefined) ?? 0) + 1);
    expect(doubled.get(half.name) > 60 && doubled.get(half.name) < 150).equal(true);
  });

  it("moves few keys when the number of points falls, and moves them back when it rises", () => {
    const bench = bench_of(new_consistent_hash, equal_weights(100));
    for (const peer of bench.peers) bench.method.reweigh(peer, 20);
    const before = owners(bench.method);
    // With one more unit of weight, each peer has a twelfth less points.
    bench.method.reweigh(bench.peers[0], 21);
    let moves = 0;
    for (const [index, owner] of ipairs(owners(bench.method))) if (owner !== before[index - 1]) moves += 1;
    expect(moves > 0 && moves < KEYS * 0.15).equal(true);
    bench.method.reweigh(bench.peers[0], 20);
    expect(count_moves(before, owners(bench.method), "p1")).equal(0);
  });

  it("uses the next points while a peer is not available, and the peer again afterwards", () => {
    const bench = bench_of(new_consistent_hash, equal_weights(6));
    const before = owners(bench.method);
    bench.peers[3].is_available = false;
    const away = owners(bench.method);
    count_moves(before, away, "p4");
    for (const name of away) expect(name === "p4").equal(false);
    // Its keys move to the peers that they would have without it.
    bench.method.remove(bench.peers[3]);
    expect(count_moves(away, owners(bench.method), "p4")).equal(0);
  });
});
