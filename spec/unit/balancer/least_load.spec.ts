import { new_least_load } from "../../../src/resty/sluice/balancer/least_load";
import { expect } from "../support/expect";
import { available, bench_of, count_of, type Bench, type NewMethod, type TestPeer } from "./peers";

/** With at least as many choices as peers, each peer is considered. */
const ALL = 32;

function method(hot_quantile = 0.6, choices = ALL): NewMethod {
  return (surroundings) => new_least_load(surroundings, { choices, hot_quantile });
}

interface State {
  time: number;
  in_flight?: number;
  elsewhere?: number;
  /** The requests in progress when the time was measured. */
  then?: number;
}

function bench_at(states: readonly State[], new_method = method()): Bench {
  const bench = bench_of(
    new_method,
    states.map(() => 1),
  );
  for (const [number, { time, in_flight, elsewhere, then }] of ipairs(states as State[])) {
    const peer = bench.peers[number - 1];
    peer.expected_time = time;
    peer.in_flight = in_flight ?? 0;
    peer.elsewhere = elsewhere ?? 0;
    peer.expected_requests = then ?? 0;
    peer.chosen_at = bench.time;
  }
  return bench;
}

function pick_name({ method: its_method }: Bench): string {
  return (its_method.pick(available, undefined) as TestPeer).name;
}

/** Counts picks while loads and times stay as they are. */
function counts_of(bench: Bench, picks: number): LuaTable<string, number> {
  const counts = new LuaTable<string, number>();
  for (const _ of $range(1, picks)) {
    const name = pick_name(bench);
    counts.set(name, count_of(counts, name) + 1);
  }
  return counts;
}

describe("least_load", () => {
  it("picks the peer with the least expected time among the cold ones", () => {
    const bench = bench_at([{ time: 50 }, { time: 20 }, { time: 80 }]);
    expect(count_of(counts_of(bench, 100), "p2")).equal(100);
  });

  it("counts the cost of a hot peer twice", () => {
    for (const [time, picks] of [
      [8, 0],
      [3, 200],
    ]) {
      const states: State[] = [{ time, in_flight: 7, then: 7 }];
      // The costs of the others are 100, or 200 of those that are hot. Of the first one, it is 66 or 42.
      for (const requests of $range(0, 8))
        states.push({ time: 10000 / (1 + requests) ** 3, in_flight: requests, then: requests });
      const bench = bench_at(states);
      // The quantile needs some picks.
      counts_of(bench, 200);
      expect(count_of(counts_of(bench, 200), "p1")).equal(picks);
    }
  });

  it("notes for others above how many requests a peer is hot", () => {
    const states: State[] = [];
    for (const requests of $range(101, 200)) states.push({ time: 40, in_flight: requests, then: requests });
    const bench = bench_at(states, method(0.6, 6));
    counts_of(bench, 2000);
    // All requests are its own: the quantile is 0.4.
    expect(bench.hot_from > 125 && bench.hot_from < 155).equal(true);
    for (const peer of bench.peers) {
      peer.elsewhere = peer.in_flight * 2;
      peer.in_flight = 0;
    }
    counts_of(bench, 2000);
    expect(bench.hot_from > 295 && bench.hot_from < 345).equal(true);
  });

  it("believes only so many requests from elsewhere that the peer is hot", () => {
    const bench = bench_at([
      { time: 40, in_flight: 2, then: 2 },
      { time: 40, in_flight: 3, then: 3 },
      { time: 40, in_flight: 4, then: 4 },
      { time: 0, elsewhere: 1e12 },
    ]);
    counts_of(bench, 200);
    // Its cost is that of some requests more, and twice as high.
    expect(count_of(counts_of(bench, 100), "p4")).equal(0);
    for (const peer of bench.peers) peer.expected_time += 50000;
    bench.peers[3].expected_time = 0;
    expect(count_of(counts_of(bench, 100), "p4")).equal(100);
  });

  it("picks a peer that has never answered and has requests only if there is no other", () => {
    const bench = bench_at([
      { time: -1, in_flight: 1 },
      { time: 500, in_flight: 3 },
      { time: -1, in_flight: 2 },
    ]);
    expect(count_of(counts_of(bench, 100), "p2")).equal(100);
    bench.peers[1].is_available = false;
    expect(count_of(counts_of(bench, 100), "p1")).equal(100);
  });

  it("bounds the requests above which a peer is hot by those of the peers that are chosen", () => {
    const states: State[] = [];
    for (const requests of $range(1, 4)) states.push({ time: 40, in_flight: requests, then: requests });
    for (const _ of $range(1, 8)) states.push({ time: 40, elsewhere: 1e12 });
    const bench = bench_at(states);
    expect(count_of(counts_of(bench, 2000), "p1")).equal(2000);
    // Chosen peers have one request: twice as many, and two more.
    expect(bench.hot_from <= 4).equal(true);
  });

  it("expects a time in proportion to the requests now and when it was measured", () => {
    const bench = bench_at([
      { time: 100, in_flight: 4, then: 9 },
      { time: 60, in_flight: 4, then: 1 },
      { time: 1000, in_flight: 90, then: 90 },
      { time: 1000, in_flight: 90, then: 90 },
    ]);
    counts_of(bench, 200);
    // 100 × 5/10 = 50, and 60 × 5/2 = 150.
    expect(count_of(counts_of(bench, 100), "p1")).equal(100);
  });

  it("counts the requests of others that a peer has reported", () => {
    const bench = bench_at([
      { time: 30, elsewhere: 20 },
      { time: 90, elsewhere: 1 },
    ]);
    counts_of(bench, 100);
    expect(count_of(counts_of(bench, 100), "p2")).equal(100);
  });

  it("gives a peer with twice the weight twice the requests before it is hot", () => {
    const bench = bench_at([
      { time: 10, in_flight: 6 },
      { time: 10, in_flight: 6 },
    ]);
    bench.method.reweigh(bench.peers[1], 2);
    expect(pick_name(bench)).equal("p2");
  });

  it("gives equal peers requests in proportion to their weights, also if all of them are drawn", () => {
    const bench = bench_at([{ time: 40 }, { time: 40 }, { time: 40 }, { time: 40 }]);
    const [lightest, , , heaviest] = bench.peers;
    bench.method.reweigh(lightest, 0.1);
    bench.method.reweigh(heaviest, 2);
    for (const _ of $range(1, 62)) {
      const peer = bench.method.pick(available, undefined) as TestPeer;
      peer.in_flight += 1;
    }
    expect(lightest.in_flight <= 3).equal(true);
    expect(heaviest.in_flight >= 25 && heaviest.in_flight <= 35).equal(true);
  });

  it("gives a new peer one request until it has answered", () => {
    const bench = bench_at([{ time: 20 }, { time: -1 }, { time: 30 }]);
    expect(pick_name(bench)).equal("p2");
    bench.peers[1].in_flight = 1;
    expect(count_of(counts_of(bench, 200), "p2")).equal(0);
  });

  it("picks a new peer with a request if there is no other", () => {
    const bench = bench_at([{ time: -1, in_flight: 1 }]);
    expect(pick_name(bench)).equal("p1");
  });

  it("tries a slow peer again when it was not chosen for fail_timeout", () => {
    const bench = bench_at([{ time: 5000 }, { time: 20 }]);
    expect(count_of(counts_of(bench, 100), "p1")).equal(0);
    bench.time += 120;
    bench.peers[1].chosen_at = bench.time;
    expect(pick_name(bench)).equal("p1");
    // What was halved stays halved until it answers.
    expect(bench.peers[0].expected_time < 20).equal(true);
  });

  it("considers the best peers of the pick before beside those that are drawn", () => {
    const states: State[] = [{ time: 5 }, { time: 10 }];
    for (const _ of $range(1, 98)) states.push({ time: 1000 });
    const bench = bench_at(states, method(0.6, 2));
    // Once it was drawn, it stays the best.
    let picks = 0;
    while (pick_name(bench) !== "p1") picks += 1;
    expect(picks < 1000).equal(true);
    expect(count_of(counts_of(bench, 100), "p1")).equal(100);
  });

  it("does not pick a remembered peer that was removed, or that left the rotation", () => {
    const bench = bench_at([{ time: 5 }, { time: 10 }, { time: 20 }]);
    expect(pick_name(bench)).equal("p1");
    bench.method.remove(bench.peers[0]);
    expect(pick_name(bench)).equal("p2");
    bench.peers[1].in_rotation = false;
    bench.method.suspend(bench.peers[1]);
    expect(count_of(counts_of(bench, 20), "p3")).equal(20);
  });
});
