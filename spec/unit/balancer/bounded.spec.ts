import { with_bound } from "../../../src/resty/sluice/balancer/bounded";
import { new_consistent_hash } from "../../../src/resty/sluice/balancer/consistent_hash";
import { expect } from "../support/expect";
import { available, bench_of, type NewMethod, type TestPeer } from "./peers";

const FACTOR = 125;

const bounded: NewMethod = (surroundings) =>
  with_bound(surroundings, { balance_factor: FACTOR }, new_consistent_hash(surroundings));

const with_slack =
  (balance_factor: number, balance_slack: number): NewMethod =>
  (surroundings) =>
    with_bound(surroundings, { balance_factor, balance_slack }, new_consistent_hash(surroundings));

describe("hash with balance_factor", () => {
  for (const weights of [
    [1, 1, 1, 1],
    [1, 2, 3, 4, 5],
  ]) {
    it(`never gives a peer more than factor × mean + 1 requests in progress, with half of all requests for one key: ${table.concat(weights, ":")}`, () => {
      const { method, peers } = bench_of(bounded, weights);
      let total_weight = 0;
      for (const weight of weights) total_weight += weight;
      const under_way: TestPeer[] = [];
      for (const number of $range(1, 20000)) {
        const key = number % 2 === 0 ? "hot" : `key ${number}`;
        const peer = method.pick(available, key) as TestPeer;
        peer.in_flight += 1;
        under_way.push(peer);
        const share = (under_way.length * peer.weight) / total_weight;
        expect(peer.in_flight <= (share * FACTOR) / 100 + 1).equal(true);
        // Between 1 and 200 requests are in progress, and end in any order.
        while (under_way.length > 0 && (under_way.length > 200 || math.random() < 0.45)) {
          const ended = table.remove(under_way, math.random(1, under_way.length)) as TestPeer;
          ended.in_flight -= 1;
        }
      }
      for (const peer of peers) expect(peer.in_flight >= 0).equal(true);
    });
  }

  it("keeps every key at its peer of `hash consistent` while no peer is at its bound", () => {
    const plain = bench_of(new_consistent_hash, [1, 1, 1, 1]);
    const { method } = bench_of(bounded, [1, 1, 1, 1]);
    for (const number of $range(1, 2000)) {
      const wanted = plain.method.pick(available, `key ${number}`) as TestPeer;
      expect((method.pick(available, `key ${number}`) as TestPeer).name).equal(wanted.name);
    }
  });

  it("does not count requests in progress at peers out of rotation or removed ones", () => {
    const { method, peers } = bench_of(bounded, [1, 1, 1, 1, 1]);
    const [, , draining, deleted] = peers;
    draining.in_flight = 40;
    deleted.in_flight = 30;
    draining.in_rotation = false;
    method.suspend(draining);
    method.remove(deleted);
    for (const _ of $range(1, 12)) (method.pick(available, "hot") as TestPeer).in_flight += 1;
    for (const { name, in_flight } of peers) {
      // The bound of 12 requests at 3 peers is 12/3 × 1.25, rounded up.
      if (name !== draining.name && name !== deleted.name) expect(in_flight <= 5).equal(true);
    }
    draining.in_rotation = true;
    method.resume(draining);
    expect((method.pick(available, "hot") as TestPeer).name === draining.name).equal(false);
  });

  /** Returns how many requests the peer of a key gets, and the number of the peers that get the others. */
  function spread(method: NewMethod, requests: number): LuaMultiReturn<[number, number]> {
    const { method: bound, peers } = bench_of(method, [1, 1, 1, 1]);
    const preferred = bound.peek(available, "hot") as TestPeer;
    for (const _ of $range(1, requests)) (bound.pick(available, "hot") as TestPeer).in_flight += 1;
    let others = 0;
    for (const peer of peers) if (peer !== preferred && peer.in_flight > 0) others += 1;
    return $multi(preferred.in_flight, others);
  }

  it("with a slack, keeps the requests of a key together while there are few", () => {
    // Without slack, two of 4 requests in flight leave.
    expect([...spread(with_slack(150, 0), 4)]).same([2, 1]);
    // The n-th request stays while n - 1 < n/4 + 64.
    expect([...spread(with_slack(150, 64), 86)]).same([86, 0]);
    const [kept, escaped] = spread(with_slack(150, 64), 90);
    expect([kept, escaped]).same([87, 1]);
  });

  it("with a slack, still allows the factor when that is more", () => {
    // Three peers have 200 requests each. 150 % of about 200 is more than 64 above that.
    const { method, peers } = bench_of(with_slack(150, 64), [1, 1, 1, 1]);
    const preferred = method.peek(available, "hot") as TestPeer;
    for (const peer of peers) peer.in_flight = peer === preferred ? 0 : 200;
    let kept = 0;
    while (method.peek(available, "hot") === preferred) {
      preferred.in_flight += 1;
      kept += 1;
    }
    // n < 1.5 × (600 + n + 1) / 4
    expect(kept).equal(361);
  });

  it("with a factor of 100 and a slack, allows only a difference", () => {
    const { method, peers } = bench_of(with_slack(100, 10), [1, 1]);
    const preferred = method.peek(available, "hot") as TestPeer;
    for (const peer of peers) peer.in_flight = 100;
    while (method.peek(available, "hot") === preferred) preferred.in_flight += 1;
    // n < (100 + n + 1) / 2 + 10
    expect(preferred.in_flight).equal(121);
  });

  it("chooses a peer at its bound when all available peers are at their bounds", () => {
    const { method, peers } = bench_of(bounded, [1, 1, 1]);
    peers[0].in_flight = 100;
    peers[1].is_available = false;
    peers[2].is_available = false;
    expect((method.pick(available, "hot") as TestPeer).name).equal("p1");
  });
});
