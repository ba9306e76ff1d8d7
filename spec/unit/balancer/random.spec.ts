import { connection_cost } from "../../../src/resty/sluice/balancer/cost";
import { new_random } from "../../../src/resty/sluice/balancer/random";
import { expect } from "../support/expect";
import { chi_square, chi_square_bound } from "../support/statistics";
import { available, bench_of, type Bench, type NewMethod, type TestPeer } from "./peers";

const PICKS = 100000;

const random: NewMethod = (surroundings) => new_random(surroundings);
const random_two: NewMethod = (surroundings) => new_random(surroundings, connection_cost(surroundings));

function picks_of({ method, peers }: Bench): number[] {
  const counts: number[] = [];
  for (const _ of peers) counts.push(0);
  for (const _ of $range(1, PICKS)) {
    const { id } = method.pick(available, undefined) as TestPeer;
    counts[id - 1] += 1;
  }
  return counts;
}

function shares(weights: readonly number[]): number[] {
  let total = 0;
  for (const weight of weights) total += weight;
  const expected: number[] = [];
  for (const weight of weights) expected.push((PICKS * weight) / total);
  return expected;
}

function equal_weights(count: number): number[] {
  const weights: number[] = [];
  for (const _ of $range(1, count)) weights.push(1);
  return weights;
}

describe("random", () => {
  for (const weights of [equal_weights(100), [1, 2, 3, 4, 90]]) {
    it(`draws each peer in proportion to its weight: chi-square at 10^-6, ${weights.length} servers`, () => {
      const counts = picks_of(bench_of(random, weights));
      expect(chi_square(counts, shares(weights)) < chi_square_bound(weights.length - 1)).equal(true);
    });
  }
});

describe("random two", () => {
  it("draws evenly among equal peers: chi-square at 10^-6", () => {
    const weights = equal_weights(100);
    const counts = picks_of(bench_of(random_two, weights));
    expect(chi_square(counts, shares(weights)) < chi_square_bound(99)).equal(true);
  });

  it("takes the peer with fewer requests in progress: the k-th of n by load as often as nginx does: chi-square at 10^-6", () => {
    const count = 10;
    const bench = bench_of(random_two, equal_weights(count));
    for (const peer of bench.peers) peer.in_flight = peer.id;
    // The k-th least loaded peer is the better one in count - k of the pairs of different peers.
    const expected: number[] = [];
    const pairs_in_all = (count * (count - 1)) / 2;
    for (const rank of $range(1, count - 1)) expected.push((PICKS * (count - rank)) / pairs_in_all);
    const counts = picks_of(bench);
    expect(counts[count - 1]).equal(0);
    counts.pop();
    expect(chi_square(counts, expected) < chi_square_bound(count - 2)).equal(true);
  });

  it("divides the requests in progress by the weight", () => {
    const bench = bench_of(random_two, [2, 3]);
    bench.peers[0].in_flight = 20;
    // The probability that 19 further draws never find the other peer is at most (3/5)^19, 1 in 16,000.
    bench.peers[1].in_flight = 29;
    expect(picks_of(bench)[0] < 40).equal(true);
    bench.peers[1].in_flight = 31;
    expect(picks_of(bench)[1] < 40).equal(true);
  });
});
