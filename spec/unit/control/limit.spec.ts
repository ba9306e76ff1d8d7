import { update_limit } from "../../../src/resty/sluice/control/limit";
import {
  answers_wanted,
  applied_limit,
  new_limit,
  Probe,
  window_seconds,
  type Limit,
  type Window,
} from "../../../src/resty/sluice/control/limit_state";
import { expect } from "../support/expect";

const BOUNDS = { min: 1, max: 1000, tolerance: 1.5 };
const NOW = 1700000000;

/** A window of a server with a time of responses in milliseconds and a number of requests in flight. */
function window_of(time: number | undefined, in_flight: number, more: Partial<Window> = {}): Window {
  return { passed: 0.25, answers: 100, unanswered: 0, time, in_flight, ...more };
}

/** Passes windows to a limit, a quarter of a second apart. */
function pass(limit: Limit, windows: number, make: (this: void) => Window, bounds = BOUNDS): void {
  for (const number of $range(1, windows)) update_limit(limit, make(), bounds, NOW + number / 4);
}

/** Makes the limit of a server that is known: 20 requests, and 100 ms with few of them. */
function known(value = 20, light_time = 100): Limit {
  return new_limit(value, light_time, 63, NOW);
}

/** Windows of a server with slots that is as full as its limit allows, of several seconds. */
function saturate(limit: Limit, slots: number, work: number, seconds: number): void {
  let now = NOW;
  while (now < NOW + seconds) {
    const applied = applied_limit(limit, BOUNDS);
    const time = work * math.max(1, applied / slots);
    now += math.max(window_seconds(limit), (answers_wanted(limit) * time) / 1000 / applied);
    update_limit(limit, window_of(time, applied), BOUNDS, now);
  }
}

describe("an adaptive limit", () => {
  it("comes to rest where responses take as long as the tolerance allows", () => {
    for (const slots of [4, 40, 300]) {
      const limit = known(4 * slots, 100);
      saturate(limit, slots, 100, 60);
      expect(math.abs(limit.value / (1.5 * slots) - 1) < 0.1).equal(true);
    }
  });

  it("finds the light time of a server that was never seen with few requests", () => {
    const limit = new_limit(0, 0, 5, NOW);
    saturate(limit, 4, 100, 60);
    expect(math.abs(limit.light_time - 100) < 10).equal(true);
    expect(math.abs(limit.value - 6) < 1).equal(true);
  });

  it("rises fast at the start while responses take as long as before", () => {
    const limit = new_limit(0, 0, 63, NOW);
    pass(limit, 6, () => window_of(50, applied_limit(limit, BOUNDS)));
    expect(limit.value >= 640).equal(true);
  });

  it("does not move while less than half of it is used", () => {
    const limit = known();
    pass(limit, 100, () => window_of(1000, 9));
    expect(limit.value).equal(20);
  });

  it("learns the light time from a server with few requests", () => {
    const limit = known(20, 100);
    pass(limit, 50, () => window_of(300, 2));
    expect(limit.light_time > 290).equal(true);
    expect(limit.value).equal(20);
  });

  it("returns when the server has become slower for another reason than the requests", () => {
    const limit = known(30, 100);
    saturate(limit, 1000, 300, 60);
    expect(limit.light_time > 250).equal(true);
    expect(limit.value > 30).equal(true);
  });

  it("leaves 1 again", () => {
    const limit = known(1, 10);
    saturate(limit, 8, 100, 20);
    expect(limit.value > 8).equal(true);
  });

  it("falls while there are only errors or many requests without a response", () => {
    for (const window of [window_of(undefined, 0), window_of(50, 15, { unanswered: 11 })]) {
      const limit = known();
      pass(limit, 50, () => window);
      expect(applied_limit(limit, BOUNDS)).equal(1);
      expect(limit.light_time).equal(100);
    }
  });

  it("returns after failures although it is hardly used, but not while responses take longer", () => {
    const limit = known();
    pass(limit, 50, () => window_of(undefined, 0));
    pass(limit, 100, () => window_of(151, 0.4));
    expect(applied_limit(limit, BOUNDS)).equal(1);
    pass(limit, 100, () => window_of(100, 0.4));
    expect(limit.value > 15 && limit.value <= 20).equal(true);
  });

  it("does not rise above what it was found to be while it is hardly used", () => {
    const limit = known(40, 100);
    saturate(limit, 8, 100, 60);
    const { value } = limit;
    pass(limit, 400, () => window_of(100, 1));
    expect(limit.value).equal(value);
  });

  it("has room for bursts while it is hardly used", () => {
    const limit = known(1, 100);
    pass(limit, 400, () => window_of(100, 0.3));
    expect(limit.value > 2).equal(true);
  });

  it("stays within its bounds", () => {
    const bounds = { min: 5, max: 25, tolerance: 1.5 };
    const slow = known(6);
    pass(slow, 4, () => window_of(1000, 6), bounds);
    expect(applied_limit(slow, bounds)).equal(5);
    const fast = known();
    fast.probe_due = NOW + 500;
    pass(fast, 20, () => window_of(100, 25), bounds);
    expect(applied_limit(fast, bounds)).equal(25);
    expect(applied_limit(known(), { min: 1, max: 3, tolerance: 1.5 })).equal(3);
  });

  it("is lowered for a probe only while it refuses requests", () => {
    for (const [in_flight, probe] of [
      [12, Probe.NONE],
      [20, Probe.SETTLING],
    ] as const) {
      const limit = known();
      limit.probe_due = NOW + 1;
      update_limit(limit, window_of(140, in_flight), BOUNDS, NOW + 1.1);
      expect(limit.probe).equal(probe);
    }
  });

  it("is measured by all gateways at the same moments", () => {
    const [one, other] = [known(), known(40, 80)];
    for (const [limit, now] of [
      [one, NOW + 40],
      [other, NOW + 43.7],
    ] as const) {
      limit.probe_period = 32;
      limit.probe_due = 0;
      update_limit(limit, window_of(140, 20), BOUNDS, now);
    }
    expect(one.probe_due).equal(other.probe_due);
  });

  it("is measured again after the clock was set back", () => {
    const limit = known();
    limit.probe_due = NOW + 86400;
    update_limit(limit, window_of(140, 20), BOUNDS, NOW);
    expect(limit.probe_due <= NOW + 32).equal(true);
  });
});
