import { connection_cost } from "../../../src/resty/sluice/balancer/cost";
import { new_hash } from "../../../src/resty/sluice/balancer/hash";
import { new_least } from "../../../src/resty/sluice/balancer/least";
import { new_round_robin } from "../../../src/resty/sluice/balancer/round_robin";
import { expect } from "../support/expect";
import { available, bench_of, type Bench, type NewMethod, type TestPeer } from "./peers";

/** The methods that use round robin while all peers are idle and requests have no key. */
const METHODS: [string, NewMethod][] = [
  ["round_robin", new_round_robin],
  ["least_conn", (surroundings) => new_least(surroundings, connection_cost(surroundings))],
  ["hash", new_hash],
];

/** Tolerance in picks. Without changes of weights no peer is further than 1 pick from its share. */
const MOST_AHEAD = 1.5;

/** A bench, and the number of picks of each peer beyond its share, by id. */
interface Account {
  bench: Bench;
  ahead: number[];
  /** The largest distance of any peer from its share so far. */
  furthest: number;
}

function account_of(new_method: NewMethod, weights: readonly number[]): Account {
  return { bench: bench_of(new_method, weights), ahead: weights.map(() => 0), furthest: 0 };
}

function pick(account: Account, picks: number): void {
  const { bench, ahead } = account;
  let total = 0;
  for (const { weight } of bench.peers) total += weight;
  for (const _ of $range(1, picks)) {
    const picked = bench.method.pick(available, undefined) as TestPeer;
    for (const peer of bench.peers) {
      ahead[peer.id - 1] += (peer === picked ? 1 : 0) - peer.weight / total;
      account.furthest = math.max(account.furthest, math.abs(ahead[peer.id - 1]));
    }
  }
}

function reweigh({ bench }: Account, index: number, weight: number): void {
  bench.method.reweigh(bench.peers[index], weight);
  expect(bench.peers[index].weight).equal(weight);
}

function repeat(count: number, weight: number): number[] {
  const weights: number[] = [];
  for (const _ of $range(1, count)) weights.push(weight);
  return weights;
}

for (const [name, new_method] of METHODS) {
  describe(`${name}, reweighed often,`, () => {
    it("gives a light peer its turns when its weight changes many times between two of them", () => {
      const account = account_of(new_method, [1, 1, 0.05]);
      for (const round of $range(1, 3000)) {
        pick(account, 5);
        reweigh(account, 2, round % 2 === 0 ? 0.0505 : 0.0495);
      }
      expect(account.furthest < MOST_AHEAD).equal(true);
    });

    it("keeps all shares when all weights change between two picks", () => {
      const weights = [1, 1, 1, 2, 5, 0.1, 0.02];
      const account = account_of(new_method, weights);
      for (const _ of $range(1, 3000)) {
        pick(account, math.random(0, 3));
        for (const [number, weight] of ipairs(weights)) {
          reweigh(account, number - 1, weight * (0.97 + math.random() * 0.06));
        }
      }
      expect(account.furthest < MOST_AHEAD).equal(true);
    });

    it("gives a peer its turns while its weight alternates between two groups", () => {
      for (const size of [1, 2, 5, 20]) {
        const account = account_of(new_method, [...repeat(size, 1), ...repeat(size, 1.25), 1]);
        for (const round of $range(1, 4000)) {
          pick(account, math.random(0, 3));
          reweigh(account, size * 2, round % 2 === 0 ? 1 : 1.25);
        }
        expect(account.furthest < MOST_AHEAD).equal(true);
      }
    });

    it("gives equal peers their turns while their weights rise one after the other", () => {
      const account = account_of(new_method, [...repeat(10, 1), 20]);
      for (const round of $range(1, 1000)) {
        pick(account, math.random(0, 5));
        for (const index of $range(0, 9)) reweigh(account, index, 1 + round / 100);
      }
      expect(account.furthest < MOST_AHEAD).equal(true);
    });

    it("keeps the shares of two peers while their weights become equal and differ again", () => {
      const account = account_of(new_method, [1, 0.1]);
      for (const round of $range(1, 5000)) {
        pick(account, 1);
        reweigh(account, 1, round % 3 === 0 ? 1 : 0.1 + (round % 7) / 1000);
      }
      expect(account.furthest < MOST_AHEAD).equal(true);
    });
  });
}

describe("round_robin, reweighed,", () => {
  it("restores all shares after weights have changed and peers were added and removed", () => {
    for (const seed of $range(1, 20)) {
      const account = account_of(new_round_robin, repeat(12, 1));
      math.randomseed(seed);
      const { method, peers } = account.bench;
      for (const __ of $range(1, 500)) {
        pick(account, math.random(0, 4));
        const index = math.random(0, peers.length - 1);
        reweigh(account, index, math.random(1, 4) / math.random(1, 3));
        const peer = peers[math.random(0, peers.length - 1)];
        peer.in_rotation = !peer.in_rotation;
        if (peer.in_rotation) method.resume(peer);
        else method.suspend(peer);
        if (peers.every(({ in_rotation }) => !in_rotation)) {
          peer.in_rotation = true;
          method.resume(peer);
        }
      }
      for (const peer of peers) {
        if (!peer.in_rotation) method.resume(peer);
        peer.in_rotation = true;
      }
      const settled: Account = { ...account, ahead: peers.map(() => 0), furthest: 0 };
      pick(settled, 3000);
      expect(settled.furthest < MOST_AHEAD).equal(true);
    }
  });
});
