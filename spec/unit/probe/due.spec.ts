import {
  due_next,
  due_soon,
  due_spread,
  is_too_late,
  new_schedule,
  next_due,
  schedule,
  take_due,
  unschedule,
  type Turn,
} from "../../../src/resty/sluice/probe/due";
import { expect } from "../support/expect";

const INTERVAL = 5;

function new_turn(jitter = 0): Turn {
  return { interval: INTERVAL, jitter, is_scheduled: false, key: 0, place: 0 };
}

/**
 * Advances to `until` in small steps and makes every probe that is due and not too late. Returns their times.
 */
function run(turns: ReturnType<typeof new_schedule>, from: number, until: number): LuaTable<Turn, number[]> {
  const taken = new LuaTable<Turn, number[]>();
  for (const step of $range(0, (until - from) * 100)) {
    const now = from + step / 100;
    let turn = take_due(turns, now);
    while (turn !== undefined) {
      if (!is_too_late(turn, now)) {
        const times = (taken.get(turn) as number[] | undefined) ?? [];
        times.push(now);
        taken.set(turn, times);
      }
      schedule(turns, turn, due_next(turn, turn.key, now, math.random()));
      turn = take_due(turns, now);
    }
  }
  return taken;
}

describe("the schedule of probes", () => {
  it("spreads the servers of an upstream over the interval, and upstreams of one server", () => {
    for (const by_upstream of [false, true]) {
      const buckets: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
      for (const number of $range(0, 99)) {
        const due = by_upstream
          ? due_spread(100, INTERVAL, number, 0, 1)
          : due_spread(100, INTERVAL, 7, number, 100);
        const bucket = math.floor(((due - 100) / INTERVAL) * 10);
        buckets[bucket] = buckets[bucket] + 1;
      }
      for (const count of buckets) expect(count >= 9 && count <= 11).equal(true);
    }
  });

  it("probes an added server immediately, and many one after the other within the interval", () => {
    expect(due_soon(100, INTERVAL, 0, 1)).equal(100);
    expect(due_soon(100, INTERVAL, 0, 4)).equal(100);
    expect(due_soon(100, INTERVAL, 3, 4) < 100.02).equal(true);
    expect(due_soon(100, INTERVAL, 9999, 10000) < 100 + INTERVAL).equal(true);
  });

  it("probes each server once in its interval", () => {
    const turns = new_schedule<Turn>();
    for (const number of $range(0, 49)) schedule(turns, new_turn(), due_spread(100, INTERVAL, 1, number, 50));
    const taken = run(turns, 100, 130);
    let count = 0;
    for (const [, times] of pairs(taken)) {
      count += 1;
      expect(times.length).equal(6);
      for (const index of $range(1, 5)) {
        expect(math.abs(times[index] - times[index - 1] - INTERVAL) < 0.02).equal(true);
      }
    }
    expect(count).equal(50);
  });

  it("adds random jitter between 0 and the maximum", () => {
    const turns = new_schedule<Turn>();
    const turn = new_turn(2);
    expect(due_next(turn, 100, 100, 0)).equal(105);
    expect(due_next(turn, 100, 100, 1)).equal(107);
    schedule(turns, turn, 100);
    const times = run(turns, 100, 400).get(turn);
    let shortest = math.huge;
    let longest = 0;
    for (const index of $range(1, times.length - 1)) {
      shortest = math.min(shortest, times[index] - times[index - 1]);
      longest = math.max(longest, times[index] - times[index - 1]);
    }
    expect(shortest > 4.98 && shortest < 5.5).equal(true);
    expect(longest > 6.5 && longest < 7.02).equal(true);
  });

  it("skips missed probes without a burst, and keeps the rhythm", () => {
    const turns = new_schedule<Turn>();
    const all: Turn[] = [];
    for (const number of $range(0, 99)) {
      const turn = new_turn();
      all.push(turn);
      schedule(turns, turn, 100 + (number * INTERVAL) / 100);
    }
    const taken = run(turns, 117.5, 122.5);
    const at_once: Turn[] = [];
    for (const [number, turn] of ipairs(all)) {
      const times = (taken.get(turn) as number[] | undefined) ?? [];
      expect(times.length).equal(1);
      if (times[0] < 117.52) at_once.push(turn);
      expect((turn.key - 100 - ((number - 1) * INTERVAL) / 100 + 0.001) % INTERVAL < 0.01).equal(true);
    }
    expect(at_once.length <= 1).equal(true);
  });

  it("moves an item that it contains, and allows removing one twice", () => {
    const turns = new_schedule<Turn>();
    const [one, other] = [new_turn(), new_turn()];
    schedule(turns, one, 100);
    schedule(turns, other, 101);
    schedule(turns, one, 102);
    expect(next_due(turns)).equal(101);
    expect(take_due(turns, 100.9)).equal(undefined);
    unschedule(turns, other);
    unschedule(turns, other);
    expect(next_due(turns)).equal(102);
    expect(take_due(turns, 102)).equal(one);
    expect(next_due(turns)).equal(undefined);
    expect(take_due(turns, 200)).equal(undefined);
  });
});
