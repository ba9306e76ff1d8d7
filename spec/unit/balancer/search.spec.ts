import { connection_cost } from "../../../src/resty/sluice/balancer/cost";
import { new_least } from "../../../src/resty/sluice/balancer/least";
import { expect } from "../support/expect";
import { add_peer, available, bench_of, new_peer, type Bench, type TestPeer } from "./peers";

const MANY = 400;
const STEPS = 4000;
const REQUESTS = 8;

/** Makes a bench of `least_conn` whose peers are busy. */
function busy_bench(count: number): Bench {
  const weights: number[] = [];
  for (const index of $range(1, count)) weights.push(1 + (index % 3));
  const bench = bench_of((surroundings) => new_least(surroundings, connection_cost(surroundings)), weights);
  for (const peer of bench.peers) peer.in_flight = math.random(1, REQUESTS);
  return bench;
}

function pick(bench: Bench): TestPeer {
  return bench.method.pick(available, undefined) as TestPeer;
}

function least(bench: Bench): number {
  let found = math.huge;
  for (const peer of bench.peers) {
    if (peer.is_available) found = math.min(found, peer.in_flight / peer.weight);
  }
  return found;
}

/** Ends a request at a busy peer. */
function end(bench: Bench): void {
  let peer = bench.peers[math.random(0, bench.peers.length - 1)];
  while (peer.in_flight === 0) peer = bench.peers[math.random(0, bench.peers.length - 1)];
  peer.in_flight -= 1;
  if (bench.method.ease !== undefined) bench.method.ease(peer);
}

describe("least_conn", () => {
  it("chooses exactly the least of 64 peers", () => {
    const bench = busy_bench(64);
    for (const _ of $range(1, 500)) {
      const before = least(bench);
      const peer = pick(bench);
      expect(peer.in_flight / peer.weight).equal(before);
      peer.in_flight += 1;
      end(bench);
    }
  });

  it("is within one request of the least of many peers in 98 % of the choices", () => {
    const bench = busy_bench(MANY);
    let close = 0;
    for (const step of $range(1, 2 * STEPS)) {
      end(bench);
      const before = least(bench);
      const peer = pick(bench);
      if (step > STEPS && (peer.in_flight - 1) / peer.weight <= before) close += 1;
      peer.in_flight += 1;
    }
    expect(close >= 0.98 * STEPS).equal(true);
  });

  it("finds a peer among many whose requests have ended elsewhere", () => {
    const bench = busy_bench(MANY);
    for (const peer of bench.peers) peer.in_flight = REQUESTS * peer.weight;
    pick(bench);
    const freed = bench.peers[MANY / 2];
    freed.in_flight = 1;
    let found = false;
    // Round robin alone would need more picks to come to it.
    for (const _ of $range(1, MANY / 5)) found ||= pick(bench) === freed;
    expect(found).equal(true);
  });

  it("chooses no peer among many that is not available or was removed", () => {
    const bench = busy_bench(MANY);
    for (const peer of bench.peers) peer.in_flight = REQUESTS;
    const gone = bench.peers.slice(0, 40);
    for (const peer of gone) peer.in_flight = 1;
    for (const _ of $range(1, MANY)) pick(bench);
    gone.forEach((peer, index) => {
      if (index % 2 === 0) peer.is_available = false;
      else bench.method.remove(peer);
    });
    for (const _ of $range(1, MANY)) expect(gone.includes(pick(bench))).equal(false);
  });

  it("follows the requests of a peer that has the row of one which leaves later", () => {
    const bench = busy_bench(MANY);
    for (const peer of bench.peers) peer.in_flight = REQUESTS * peer.weight;
    pick(bench);
    const [before] = bench.peers;
    const after = new_peer("after");
    after.id = before.id;
    after.in_flight = REQUESTS;
    add_peer(bench, after);
    bench.method.remove(before);
    for (const _ of $range(1, MANY)) pick(bench);
    after.in_flight = 1;
    if (bench.method.ease !== undefined) bench.method.ease(after);
    expect(pick(bench)).equal(after);
  });

  it("chooses a peer that joins many others without requests", () => {
    const bench = busy_bench(MANY);
    for (const _ of $range(1, 10)) pick(bench);
    const joined = add_peer(bench, new_peer("joined"));
    let found = false;
    for (const _ of $range(1, MANY)) found ||= pick(bench) === joined;
    expect(found).equal(true);
  });
});
