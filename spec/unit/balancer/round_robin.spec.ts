import type { Method } from "../../../src/resty/sluice/balancer/method";
import { new_round_robin } from "../../../src/resty/sluice/balancer/round_robin";
import { expect } from "../support/expect";
import { add_peer, available, count_picks, new_bench, new_peer, with_weights, type TestPeer } from "./peers";

function sum(weights: number[]): number {
  let total = 0;
  for (const weight of weights) total += weight;
  return total;
}

/** Returns the longest wait of each peer between two of its picks, in picks. */
function longest_waits(method: Method, picks: number): LuaTable<string, number> {
  const last = new LuaTable<string, number>();
  const longest = new LuaTable<string, number>();
  for (const pick of $range(1, picks)) {
    const { name } = method.pick(available, undefined) as TestPeer;
    const wait = pick - ((last.get(name) as number | undefined) ?? 0);
    if (wait > ((longest.get(name) as number | undefined) ?? 0)) longest.set(name, wait);
    last.set(name, pick);
  }
  return longest;
}

/** Returns the names that ngx_http_upstream_get_peer() of nginx would choose. */
function nginx_sequence(weights: readonly number[], picks: number): string[] {
  const total = sum([...weights]);
  const current: number[] = weights.map(() => 0);
  const names: string[] = [];
  for (const _ of $range(1, picks)) {
    let best = 0;
    for (const [number, weight] of ipairs(weights)) {
      current[number - 1] += weight;
      if (current[number - 1] > current[best]) best = number - 1;
    }
    current[best] -= total;
    names.push(`p${best + 1}`);
  }
  return names;
}

const WEIGHTS: number[][] = [
  [1],
  [1, 1, 1, 1],
  [5, 1, 1],
  [1, 1000],
  [1000, 1],
  [3, 7, 11, 13],
  [1, 2, 4, 8, 16, 32, 64, 128],
  [100, 99, 98, 97, 3, 2, 1],
];

function heavy_among_many(): number[] {
  const weights = [1000];
  for (const _ of $range(1, 1000)) weights.push(1);
  return weights;
}

describe("round_robin", () => {
  for (const weights of [...WEIGHTS, heavy_among_many()]) {
    const name = weights.length > 10 ? "1000 among 1000 times 1" : table.concat(weights, ":");

    it(`picks exactly by weight over each cycle: ${name}`, () => {
      const [method] = with_weights(new_round_robin, weights);
      for (const _ of $range(1, 5)) {
        const counts = count_picks(method, sum(weights));
        for (const [index, weight] of ipairs(weights)) expect(counts.get(`p${index}`)).equal(weight);
      }
    });

    it(`lets no peer wait longer than 2 × total/weight picks: ${name}`, () => {
      const [method] = with_weights(new_round_robin, weights);
      const total = sum(weights);
      const waits = longest_waits(method, total * 4);
      for (const [index, weight] of ipairs(weights)) {
        expect(waits.get(`p${index}`) <= (2 * total) / weight).equal(true);
      }
    });
  }

  it("is as exact and smooth with any weights", () => {
    math.randomseed(11);
    for (const _ of $range(1, 40)) {
      const weights: number[] = [];
      for (const __ of $range(1, math.random(2, 30))) weights.push(math.random(1, 1000));
      const total = sum(weights);
      const [method] = with_weights(new_round_robin, weights);
      const counts = count_picks(method, total);
      const waits = longest_waits(method, total * 2);
      for (const [index, weight] of ipairs(weights)) {
        expect(counts.get(`p${index}`)).equal(weight);
        expect(waits.get(`p${index}`) <= (2 * total) / weight).equal(true);
      }
    }
  });

  it("keeps the same order in each cycle when all weights are equal", () => {
    const [method] = with_weights(new_round_robin, [1, 1, 1, 1, 1]);
    const first: string[] = [];
    for (const _ of $range(1, 5)) first.push((method.pick(available, undefined) as TestPeer).name);
    for (const _ of $range(1, 20)) {
      for (const name of first) expect((method.pick(available, undefined) as TestPeer).name).equal(name);
    }
  });

  it("starts at worker id × n / workers and follows the order of ids, including peers that are added later", () => {
    for (const [worker, first] of ipairs([1, 3, 6, 8])) {
      const bench = new_bench(new_round_robin, (worker - 1) / 4);
      const first_peer = new_peer("p1");
      add_peer(bench, first_peer);
      for (const index of $range(2, 10)) add_peer(bench, new_peer(`p${index}`));
      for (const turn of $range(0, 24)) {
        const { name } = bench.method.pick(available, undefined) as TestPeer;
        expect(name).equal(`p${((first - 1 + turn) % 10) + 1}`);
      }
      add_peer(bench, new_peer("p11"));
      // The peer that was out of rotation has its earlier position.
      first_peer.in_rotation = false;
      bench.method.suspend(first_peer);
      first_peer.in_rotation = true;
      bench.method.resume(first_peer);
      const names: string[] = [];
      for (const _ of $range(1, 22)) names.push((bench.method.pick(available, undefined) as TestPeer).name);
      for (const index of $range(0, 20)) {
        const number = tonumber(string.sub(names[index], 2)) as number;
        expect(names[index + 1]).equal(`p${(number % 11) + 1}`);
      }
    }
  });

  it("does not start while it is only looked at", () => {
    const bench = new_bench(new_round_robin, 0.5);
    for (const index of $range(1, 4)) add_peer(bench, new_peer(`p${index}`));
    expect((bench.method.peek(available, undefined) as TestPeer).name).equal("p3");
    for (const index of $range(5, 8)) add_peer(bench, new_peer(`p${index}`));
    expect((bench.method.pick(available, undefined) as TestPeer).name).equal("p5");
  });

  it("starts again when none of its first peers remains", () => {
    const bench = new_bench(new_round_robin, 0.5);
    for (const index of $range(1, 4)) add_peer(bench, new_peer(`p${index}`));
    expect((bench.method.pick(available, undefined) as TestPeer).name).equal("p3");
    const before = bench.peers;
    bench.peers = [];
    for (const index of $range(1, 6)) add_peer(bench, new_peer(`q${index}`));
    for (const peer of before) bench.method.remove(peer);
    expect((bench.method.pick(available, undefined) as TestPeer).name).equal("q4");
  });

  it("picks in the sequence of nginx's smooth weighted round robin", () => {
    math.randomseed(7);
    const sets = [[5, 1, 1], [1, 5, 1], [1, 1, 5], [3, 2, 1], [10, 9, 1, 1], [1, 1000], ...WEIGHTS];
    for (const _ of $range(1, 60)) {
      const weights: number[] = [];
      // At most 16 different weights: with more, the sequence is as smooth but differs.
      for (const __ of $range(1, math.random(2, 40))) weights.push(math.random(1, 16));
      sets.push(weights);
    }
    for (const weights of sets) {
      const [method] = with_weights(new_round_robin, weights);
      for (const wanted of nginx_sequence(weights, math.min(3 * sum(weights), 3000))) {
        expect((method.pick(available, undefined) as TestPeer).name).equal(wanted);
      }
    }
  });

  it("shares the turns of an unavailable peer among all others", () => {
    const [method, peers] = with_weights(new_round_robin, [1, 1, 1, 1]);
    peers[1].is_available = false;
    const counts = count_picks(method, 300);
    for (const name of ["p1", "p3", "p4"]) expect(math.abs(counts.get(name) - 100) <= 1).equal(true);
  });

  it("keeps the positions of other peers when a peer is added or removed in the middle of a cycle", () => {
    const [method, peers] = with_weights(new_round_robin, [1, 1, 1, 1, 1, 1]);
    const seen: string[] = [];
    for (const _ of $range(1, 3)) seen.push((method.pick(available, undefined) as TestPeer).name);
    const late = new_peer("late");
    method.add(late);
    method.remove(peers[(tonumber(string.sub(seen[0], 2)) as number) - 1]);
    const rest: string[] = [];
    for (const _ of $range(1, 3)) rest.push((method.pick(available, undefined) as TestPeer).name);
    // The three peers without a turn have it before any peer has a second one.
    for (const name of rest) {
      expect(name !== "late" && name !== seen[0] && name !== seen[1] && name !== seen[2]).equal(true);
    }
  });

  it("stays within two picks of the exact share after any changes", () => {
    const [method] = with_weights(new_round_robin, []);
    const peers: TestPeer[] = [];
    for (const index of $range(1, 20)) {
      const peer = new_peer(`p${index}`, math.random(1, 50));
      peers.push(peer);
      method.add(peer);
    }
    for (const _ of $range(1, 500)) {
      count_picks(method, math.random(0, 30));
      const index = math.random(1, peers.length) - 1;
      if (math.random(1, 2) === 1) {
        method.reweigh(peers[index], math.random(1, 50));
      } else {
        method.remove(peers[index]);
        peers[index] = new_peer(peers[index].name, math.random(1, 50));
        method.add(peers[index]);
      }
    }
    let total = 0;
    for (const peer of peers) total += peer.weight;
    const counts = count_picks(method, total * 3);
    for (const peer of peers) {
      const count = (counts.get(peer.name) as number | undefined) ?? 0;
      expect(math.abs(count - peer.weight * 3) <= 2).equal(true);
    }
  });

  it("gives a peer its new share as soon as its weight changes", () => {
    const [method, peers] = with_weights(new_round_robin, [1, 1]);
    count_picks(method, 101);
    method.reweigh(peers[0], 3);
    const counts = count_picks(method, 400);
    expect(math.abs(counts.get("p1") - 300) <= 1).equal(true);
  });

  it("stays exact after very many picks", () => {
    const [method] = with_weights(new_round_robin, [2, 1]);
    count_picks(method, 3200000);
    const counts = count_picks(method, 300);
    expect(counts.get("p1")).equal(200);
  });

  it("shares evenly after a heavy peer was unavailable for long, whichever peers had its turns", () => {
    const [method, peers] = with_weights(new_round_robin, [1, 1.1, 1.2, 100]);
    count_picks(method, 1000);
    peers[3].is_available = false;
    const meanwhile = count_picks(method, 10000);
    for (const index of $range(1, 3)) {
      const share = (10000 * peers[index - 1].weight) / 3.3;
      expect(math.abs(meanwhile.get(`p${index}`) - share) < 20).equal(true);
    }
    peers[3].is_available = true;
    const after = count_picks(method, 1033);
    for (const [index, { weight }] of ipairs(peers)) {
      expect(math.abs(((after.get(`p${index}`) as number | undefined) ?? 0) - 10 * weight) < 4).equal(true);
    }
  });
});
