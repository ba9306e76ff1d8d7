import { new_hash } from "../../../src/resty/sluice/balancer/hash";
import { new_ip_hash } from "../../../src/resty/sluice/balancer/ip_hash";
import type { Method } from "../../../src/resty/sluice/balancer/method";
import { expect } from "../support/expect";
import { chi_square, chi_square_bound } from "../support/statistics";
import { add_peer, available, bench_of, new_peer, type Bench, type TestPeer } from "./peers";

const KEYS = 100000;

function name_of(method: Method, key: string): string {
  return (method.pick(available, key) as TestPeer).name;
}

function counts_of(bench: Bench): number[] {
  const count_of = new LuaTable<string, number>();
  for (const peer of bench.peers) count_of.set(peer.name, 0);
  for (const number of $range(1, KEYS)) {
    const name = name_of(bench.method, `/page/${number}?user=${number * 7}`);
    count_of.set(name, count_of.get(name) + 1);
  }
  const counts: number[] = [];
  for (const peer of bench.peers) counts.push(count_of.get(peer.name));
  return counts;
}

function shares_of(bench: Bench): number[] {
  let total = 0;
  for (const peer of bench.peers) total += peer.weight;
  const shares: number[] = [];
  for (const peer of bench.peers) shares.push((KEYS * peer.weight) / total);
  return shares;
}

function equal_weights(count: number): number[] {
  const weights: number[] = [];
  for (const _ of $range(1, count)) weights.push(1);
  return weights;
}

describe("hash", () => {
  it("spreads 100,000 keys evenly over 100 servers: chi-square at 10^-6", () => {
    const bench = bench_of(new_hash, equal_weights(100));
    expect(chi_square(counts_of(bench), shares_of(bench)) < chi_square_bound(99)).equal(true);
  });

  it("spreads keys by weight", () => {
    const bench = bench_of(new_hash, [1, 2, 3, 10, 4]);
    expect(chi_square(counts_of(bench), shares_of(bench)) < chi_square_bound(4)).equal(true);
  });

  it("equals the result of Cache::Memcached", () => {
    // crc32("123456789") is 0xcbf43926, whose bits 16 to 30 are 0x4bf4 = 19444.
    const { method } = bench_of(new_hash, equal_weights(1000));
    expect(name_of(method, "123456789")).equal("p445");
  });

  it("adds the bits of the next hashes while the peer is not available", () => {
    const { method, peers } = bench_of(new_hash, equal_weights(1000));
    peers[444].is_available = false;
    // crc32("1123456789") is 0x4946acf8, so 18758 is added to 19444.
    expect(name_of(method, "123456789")).equal("p203");
  });

  it("does not move the keys of other peers while a peer is out of rotation", () => {
    const { method, peers } = bench_of(new_hash, [3, 1, 2, 2]);
    const before: string[] = [];
    for (const number of $range(1, 2000)) before.push(name_of(method, `key ${number}`));
    peers[2].in_rotation = false;
    method.suspend(peers[2]);
    for (const [number, name] of ipairs(before)) {
      const now = name_of(method, `key ${number}`);
      expect(now === name || name === "p3").equal(true);
      expect(now === "p3").equal(false);
    }
  });

  it("orders peers by their ids, not by the time when they were added", () => {
    const bench = bench_of(new_hash, [1, 1, 1]);
    const [first] = bench.peers;
    bench.method.remove(first);
    bench.method.add(first);
    const fresh = bench_of(new_hash, [1, 1, 1]);
    for (const number of $range(1, 500)) {
      expect(name_of(bench.method, `key ${number}`)).equal(name_of(fresh.method, `key ${number}`));
    }
  });

  it("gives a peer its new share as soon as its weight changes", () => {
    const bench = bench_of(new_hash, [1, 1]);
    bench.method.reweigh(bench.peers[0], 4);
    expect(chi_square(counts_of(bench), shares_of(bench)) < chi_square_bound(1)).equal(true);
    add_peer(bench, new_peer("late", 5));
    expect(chi_square(counts_of(bench), shares_of(bench)) < chi_square_bound(2)).equal(true);
  });
});

describe("ip_hash", () => {
  it("equals nginx's result for the first three bytes of IPv4", () => {
    const { method } = bench_of(new_ip_hash, equal_weights(6271));
    // ((89 · 113 + 127) mod 6271 · 113 + 0) mod 6271 · 113 + 0) mod 6271. The sum of the weights is 6271.
    const hash = (((((89 * 113 + 127) % 6271) * 113) % 6271) * 113) % 6271;
    expect(name_of(method, "\x7f\0\0")).equal(`p${hash + 1}`);
  });

  it("uses all bytes of an IPv6 address, and hashes them again while the peer is not available", () => {
    const { method, peers } = bench_of(new_ip_hash, equal_weights(6271));
    const address = string.rep(string.char(0x20, 0x01, 0x0d, 0xb8), 4);
    let hash = 89;
    for (const _ of $range(1, 2)) {
      for (const position of $range(1, 16)) hash = (hash * 113 + string.byte(address, position)) % 6271;
      expect(name_of(method, address)).equal(`p${hash + 1}`);
      peers[hash].is_available = false;
    }
  });
});
