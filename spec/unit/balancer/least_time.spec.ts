import { new_least } from "../../../src/resty/sluice/balancer/least";
import { time_cost } from "../../../src/resty/sluice/balancer/time_cost";
import { expect } from "../support/expect";
import { available, bench_of, count_of, type Bench, type NewMethod, type TestPeer } from "./peers";

const least_time: NewMethod = (surroundings) => new_least(surroundings, time_cost(surroundings, false));
const with_inflight: NewMethod = (surroundings) => new_least(surroundings, time_cost(surroundings, true));

/**
 * Sends requests one after the other, which take the time that `time_of` returns, and updates the averages.
 */
function send(bench: Bench, requests: number, time_of: (peer: TestPeer) => number): LuaTable<string, number> {
  const counts = new LuaTable<string, number>();
  for (const _ of $range(1, requests)) {
    const peer = bench.method.pick(available, undefined) as TestPeer;
    counts.set(peer.name, count_of(counts, peer.name) + 1);
    const time = time_of(peer);
    const before = peer.expected_time;
    peer.expected_time = before < 0 ? time : before * 0.95 + time * 0.05;
    peer.chosen_at = bench.time;
    bench.time += 0.01;
  }
  return counts;
}

function bench_at(new_method: NewMethod, times: readonly number[]): Bench {
  const bench = bench_of(
    new_method,
    times.map(() => 1),
  );
  for (const [number, time] of ipairs(times)) {
    bench.peers[number - 1].expected_time = time;
    bench.peers[number - 1].chosen_at = bench.time;
  }
  return bench;
}

function pick_name({ method }: Bench): string {
  return (method.pick(available, undefined) as TestPeer).name;
}

describe("least_time", () => {
  it("picks the peer with the least time × requests", () => {
    const bench = bench_at(least_time, [30, 100, 200]);
    expect(pick_name(bench)).equal("p1");
    // 40 × 3 and 120 × 1 are equal. With one more request the other peer is chosen.
    bench.peers[0].in_flight = 3;
    expect(pick_name(bench)).equal("p2");
  });

  it("shares requests among peers whose times are within one step of 20 ms", () => {
    const bench = bench_at(least_time, [21, 39, 22, 41]);
    const counts = send(bench, 300, (peer) => peer.expected_time);
    for (const name of ["p1", "p2", "p3"]) expect(counts.get(name)).equal(100);
  });

  it("divides the cost by the weight", () => {
    const bench = bench_at(least_time, [30, 100]);
    bench.method.reweigh(bench.peers[1], 4);
    expect(pick_name(bench)).equal("p2");
    bench.method.reweigh(bench.peers[1], 2);
    expect(pick_name(bench)).equal("p1");
  });

  it("compares only requests in progress among peers slower than 5 s", () => {
    const bench = bench_at(least_time, [9000, 6000, 50000]);
    for (const [number, in_flight] of ipairs([3, 2, 1])) bench.peers[number - 1].in_flight = in_flight;
    expect(pick_name(bench)).equal("p3");
  });

  it("treats a peer without an average as fast", () => {
    const bench = bench_at(least_time, [30, -1, 45]);
    expect(pick_name(bench)).equal("p2");
  });

  it("restores the share of a peer that has become fast within log2(time / 20 ms) + 1 times fail_timeout + 1 s", () => {
    const bench = bench_at(least_time, [10, 10, 4000]);
    // 4000 ms are halved to less than 20 in 8 periods of 11 s.
    const started = bench.time;
    const fast = (): number => 10;
    let share = 0;
    while (share < 0.3 && bench.time < started + 200) {
      share = count_of(send(bench, 90, fast), "p3") / 90;
    }
    expect(bench.time - started <= (8 + 1) * 11).equal(true);
    expect(count_of(send(bench, 300, fast), "p3")).equal(100);
  });

  it("gives a peer that stays slow at most one trial in each period", () => {
    const bench = bench_at(least_time, [10, 10, 4000]);
    const counts = send(bench, 30000, (peer) => (peer.name === "p3" ? 4000 : 10));
    // 300 s are 27 periods; the first trial comes after 8.
    expect(count_of(counts, "p3") <= 27).equal(true);
    expect(count_of(counts, "p3") >= 1).equal(true);
  });

  it("compares times with a fail_timeout of 0: the slower of two peers gets 1 of 11 requests, as in nginx", () => {
    const bench = bench_at(least_time, [-1, -1]);
    for (const peer of bench.peers) peer.fail_timeout = 0;
    let slow = 0;
    for (const _ of $range(1, 11)) {
      const peer = bench.method.pick(available, undefined) as TestPeer;
      const time = peer.name === "p1" ? 1000 : 1;
      if (peer.name === "p1") slow += 1;
      peer.chosen_at = bench.time;
      bench.time += time / 1000;
      peer.expected_time = peer.expected_time < 0 ? time : peer.expected_time * 0.95 + time * 0.05;
    }
    expect(slow).equal(1);
    expect(bench.peers[0].expected_time).equal(1000);
  });

  it("halves the time of a peer once in fail_timeout + 1 whole seconds, as nginx does", () => {
    // p2 counts as 60 ms. p1 counts as 160 ms, 80 ms after one halving, 40 ms after two.
    for (const [fail_timeout, seconds] of [
      [0, 2],
      [1, 4],
      [10, 22],
    ]) {
      const bench = bench_at(least_time, [150, 55]);
      const [slow, fast] = bench.peers;
      slow.fail_timeout = fail_timeout;
      // Whole seconds count: the next second begins when the clock shows it.
      slow.chosen_at = 1000.9;
      for (const second of $range(0, seconds)) {
        bench.time = 1000.95 + second;
        fast.chosen_at = bench.time;
        expect(pick_name(bench)).equal(second < seconds ? "p2" : "p1");
      }
    }
  });

  it("never stores NaN as an expected time, even after a long idle time", () => {
    const bench = bench_at(least_time, [1000]);
    const [peer] = bench.peers;
    peer.fail_timeout = 0;
    bench.time += 1e9;
    pick_name(bench);
    expect(peer.expected_time >= 0 && peer.expected_time < 1000).equal(true);
  });

  it("with inflight, notices slow requests before the first of them ends", () => {
    const bench = bench_at(with_inflight, [30, 30]);
    bench.peers[0].age = 900;
    for (const _ of $range(1, 10)) expect(pick_name(bench)).equal("p2");
    expect(pick_name(bench_at(least_time, [30, 45]))).equal("p1");
  });
});
