import {
  decide,
  type Decision,
  type ScalingLimits,
  type ScalingTimes,
  type Utilization,
} from "../../../src/resty/sluice/control/scaling_rule";
import { expect } from "../support/expect";

const NOW = 1000;
const LIMITS: ScalingLimits = { high: 0.8, low: 0.3, duration: 30, cooldown: 60, min: 2, max: 6 };

/** Returns the utilization of four healthy servers with known utilizations. */
function utilization(mean: number, differences: Partial<Utilization> = {}): Utilization {
  return { in_service: 4, well: 4, known: 4, mean, ...differences };
}

/** Returns the times of an upstream that was never scaled and whose utilization was never high or low. */
function new_times(differences: Partial<ScalingTimes> = {}): ScalingTimes {
  return { high_since: 0, low_since: 0, scaled_at: 0, ...differences };
}

/** Returns the decision after the utilization has lasted for some seconds. */
function decide_after(
  seconds: number,
  lasting: Utilization,
  limits = LIMITS,
  times = new_times(),
): Decision | undefined {
  decide({ ...limits, cooldown: math.huge }, lasting, times, NOW);
  return decide(limits, lasting, times, NOW + seconds);
}

describe("the scaling rule", () => {
  it("scales out when the mean has been above the high limit for the duration", () => {
    expect(decide_after(29.9, utilization(0.9))).equal(undefined);
    expect(decide_after(30, utilization(0.9))).same({
      direction: "out",
      reason: "the mean utilization is 90 %, above 80 % for 30 s",
    });
  });

  it("scales in when the mean has been below the low limit for the duration", () => {
    expect(decide_after(29.9, utilization(0.1))).equal(undefined);
    expect(decide_after(30, utilization(0.1))).same({
      direction: "in",
      reason: "the mean utilization is 10 %, below 30 % for 30 s",
    });
  });

  it("does nothing between the limits, and at them", () => {
    for (const mean of [0.3, 0.5, 0.8]) expect(decide_after(1000, utilization(mean))).equal(undefined);
  });

  it("begins the duration again after the mean was within the limits", () => {
    const times = new_times();
    decide(LIMITS, utilization(0.9), times, NOW);
    decide(LIMITS, utilization(0.5), times, NOW + 20);
    expect(times.high_since).equal(0);
    expect(decide(LIMITS, utilization(0.9), times, NOW + 40)).equal(undefined);
    expect(times.high_since).equal(NOW + 40);
    expect(decide(LIMITS, utilization(0.9), times, NOW + 70)?.direction).equal("out");
  });

  it("waits for the cooldown after a decision, but counts the duration meanwhile", () => {
    const times = new_times({ scaled_at: NOW });
    expect(decide(LIMITS, utilization(0.9), times, NOW + 1)).equal(undefined);
    expect(decide(LIMITS, utilization(0.9), times, NOW + 59)).equal(undefined);
    expect(decide(LIMITS, utilization(0.9), times, NOW + 60)?.direction).equal("out");
  });

  it("does not change the time of the last decision", () => {
    const times = new_times({ scaled_at: 7 });
    decide_after(30, utilization(0.9), LIMITS, times);
    expect(times.scaled_at).equal(7);
  });
});

describe("the bounds of the number of servers", () => {
  it("cause a decision at once, whatever the utilization is", () => {
    const few = utilization(0.5, { in_service: 1, well: 1, known: 1 });
    expect(decide(LIMITS, few, new_times(), NOW)).same({
      direction: "out",
      reason: '1 servers are in service, fewer than the "min" of 2',
    });
    const many = utilization(0.5, { in_service: 7, well: 7, known: 7 });
    expect(decide(LIMITS, many, new_times(), NOW)).same({
      direction: "in",
      reason: '7 servers are in service, more than the "max" of 6',
    });
  });

  it("do not shorten the cooldown", () => {
    const few = utilization(0.5, { in_service: 1, well: 1, known: 1 });
    expect(decide(LIMITS, few, new_times({ scaled_at: NOW - 59 }), NOW)).equal(undefined);
  });

  it("are not exceeded because of the utilization", () => {
    const most = utilization(0.9, { in_service: 6, well: 6, known: 6 });
    expect(decide_after(30, most)).equal(undefined);
    const fewest = utilization(0.1, { in_service: 2, well: 2, known: 2 });
    expect(decide_after(30, fewest)).equal(undefined);
  });
});

describe("servers without a known utilization", () => {
  it("allow scaling out while more than half of the healthy servers are known", () => {
    expect(decide_after(30, utilization(0.9, { known: 3 }))?.direction).equal("out");
    expect(decide_after(30, utilization(0.9, { known: 2 }))).equal(undefined);
  });

  it("prevent scaling in", () => {
    expect(decide_after(30, utilization(0.1, { known: 3 }))).equal(undefined);
    expect(decide_after(30, utilization(0, { known: 0 }))).equal(undefined);
    expect(decide_after(30, utilization(0, { well: 0, known: 0 }))).equal(undefined);
  });

  it("do not count when they are unhealthy", () => {
    expect(decide_after(30, utilization(0.1, { well: 3, known: 3 }))?.direction).equal("in");
  });
});

describe("scaling in", () => {
  it("does not happen when the other servers would be above the high limit", () => {
    const limits = { ...LIMITS, min: 1, high: 0.5, low: 0.4 };
    const two = { in_service: 2, well: 2, known: 2 };
    expect(decide_after(30, utilization(0.3, two), limits)).equal(undefined);
    expect(decide_after(30, utilization(0.2, two), limits)?.direction).equal("in");
  });

  it("does not remove the only server whose utilization is known", () => {
    const limits = { ...LIMITS, min: 1 };
    const one = { in_service: 2, well: 1, known: 1 };
    expect(decide_after(30, utilization(0.1, one), limits)).equal(undefined);
  });
});
