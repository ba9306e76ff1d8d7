import {
  balance_loads,
  CEILING,
  Reason,
  reason_text,
  type LoadedServer,
  type LoadLimits,
} from "../../../src/resty/sluice/control/weights";
import { expect } from "../support/expect";

const NOW = 1e9;
const LIMITS: LoadLimits = {
  target: 0.8,
  update: 1,
  blackout: 10,
  expiry: 180,
  max_step: 0.2,
  min_weight: 0.05,
  error_penalty: 1,
};
const NAN = 0 / 0;
/** What no number of a report can be. */
const NONSENSE = [NAN, -1, -math.huge, math.huge];

/** A server that is known, gets 100 requests per second and is utilized to one half. */
function server(differences: Partial<LoadedServer> = {}): LoadedServer {
  return {
    configured_weight: 1,
    reported_at: NOW,
    reporting_since: NOW - 60,
    utilization: 0.5,
    rps: 100,
    eps: 0,
    measured_rps: 0,
    factor: 1,
    reason: Reason.CONFIGURED,
    ...differences,
  };
}

/** Several that are the same. */
function servers(count: number, differences: Partial<LoadedServer> = {}): LoadedServer[] {
  const made: LoadedServer[] = [];
  for (const _ of $range(1, count)) made.push(server(differences));
  return made;
}

/** Updates weights many times with the same reports. */
function settle(all: readonly LoadedServer[], limits = LIMITS): void {
  for (const _ of $range(1, 200)) balance_loads(all, limits, NOW);
}

function expect_near(actual: number, expected: number, tolerance: number): void {
  if (!(math.abs(actual / expected - 1) <= tolerance)) expect(actual).equal(expected);
}

/** Where the factor of a server goes that has five typical others beside it. */
function settled(differences: Partial<LoadedServer>, limits = LIMITS): number {
  const one = server(differences);
  settle([one, ...servers(5)], limits);
  return one.factor;
}

/** Where a factor goes is known to this much: within it, it does not move. */
const TOLERANCE = 0.032;

describe("the weight of a server by its load", () => {
  it("follows requests by utilization, relative to the median server", () => {
    expect_near(settled({ utilization: 0.25 }), 2, TOLERANCE);
    expect_near(settled({ rps: 50 }), 0.5, TOLERANCE);
    const all = [server({ rps: 60 }), server({ rps: 120 }), server({ rps: 240 })];
    settle(all);
    for (const [index, expected] of ipairs([0.5, 1, 2]))
      expect_near(all[index - 1].factor, expected, TOLERANCE);
    for (const one of all) expect(one.reason).equal(Reason.LOAD);
  });

  it("takes the lower one of two medians", () => {
    const all = [server({ rps: 50 }), server({ rps: 100 })];
    settle(all);
    expect(all[0].factor).equal(1);
    expect_near(all[1].factor, 2, TOLERANCE);
  });

  it("is relative to the configured weight", () => {
    expect_near(settled({ configured_weight: 4, rps: 400 }), 1, 0);
    expect_near(settled({ configured_weight: 4 }), 0.25, TOLERANCE);
  });

  it("counts errors as utilization, at most all requests", () => {
    expect_near(settled({ eps: 50 }), 0.5, TOLERANCE);
    expect_near(settled({ eps: 100 }), 1 / 3, TOLERANCE);
    expect_near(settled({ eps: 1e9 }), 1 / 3, TOLERANCE);
    expect_near(settled({ eps: 50 }, { ...LIMITS, error_penalty: 3 }), 0.25, TOLERANCE);
    expect(settled({ eps: 50 }, { ...LIMITS, error_penalty: 0 })).equal(1);
  });

  it("counts utilization above the target twice", () => {
    expect_near(settled({ utilization: 0.8 }), 0.5 / 0.8, TOLERANCE);
    expect_near(settled({ utilization: 1 }), 0.5 / 1.2, TOLERANCE);
    expect_near(settled({ utilization: 1 }, { ...LIMITS, target: 0.6 }), 0.5 / 1.4, TOLERANCE);
  });

  it("takes 10^9 for 10", () => {
    const limits = { ...LIMITS, min_weight: 0.001 };
    expect_near(settled({ utilization: 10, rps: 1000 }, limits), 5 / 19.2, TOLERANCE);
    expect(settled({ utilization: 1e9, rps: 1000 }, limits)).equal(
      settled({ utilization: 10, rps: 1000 }, limits),
    );
  });

  it("has a floor and a ceiling, which hold whatever it was", () => {
    expect_near(settled({ utilization: 1e9 }), LIMITS.min_weight, TOLERANCE);
    expect_near(settled({ rps: 1e9 }), 4, TOLERANCE);
    expect(CEILING).equal(4);
    for (const factor of [0, -1, 1e-9, 1e9, NAN, math.huge]) {
      const all = [server({ factor, utilization: 1e9 }), server({ factor, rps: 1e9 }), ...servers(5)];
      for (const _ of $range(1, 100)) {
        balance_loads(all, LIMITS, NOW);
        for (const one of all) {
          expect(one.factor >= LIMITS.min_weight && one.factor <= CEILING).equal(true);
        }
      }
      expect(all[0].reason).equal(Reason.FLOOR);
      expect(all[1].reason).equal(Reason.CEILING);
    }
  });

  it("is not pushed by liars while more than half of the servers are honest", () => {
    for (const lie of [{ utilization: 1e9 }, { utilization: 0.1, rps: 1e9 }, { utilization: 0.001 }]) {
      const honest = [server({ rps: 100 }), server({ rps: 101 }), server({ rps: 102 })];
      settle([...servers(2, lie), ...honest]);
      for (const one of honest) expect_near(one.factor, 1, TOLERANCE);
    }
  });
});

describe("the weight of a server of which little is known", () => {
  const unknown: [reason: Reason, differences: Partial<LoadedServer>][] = [
    [Reason.CONFIGURED, { reported_at: 0 }],
    [Reason.BLACKOUT, { reporting_since: NOW - 9.9 }],
    [Reason.EXPIRED, { reported_at: NOW - 180.1 }],
    [Reason.EXPIRED, { reported_at: NOW + 180.1 }],
    [Reason.NO_UTILIZATION, { utilization: -1 }],
    [Reason.IDLE, { utilization: 0 }],
  ];
  for (const [reason, differences] of unknown) {
    it(`goes to the configured one: ${reason_text(reason)}`, () => {
      for (const factor of [0.05, 0.5, 4]) {
        const one = server({ rps: 10, ...differences, factor });
        const all = [one, ...servers(3)];
        balance_loads(all, LIMITS, NOW);
        expect(one.reason).equal(reason);
        expect(one.factor !== factor && one.factor !== 1).equal(true);
        settle(all);
        expect(one.factor).equal(1);
      }
    });
  }

  it("is by load again as soon as there is enough", () => {
    for (const known of [
      { reporting_since: NOW - 10 },
      { reported_at: NOW - 180 },
      { utilization: 0.06, rps: 10 },
    ]) {
      const one = server(known);
      balance_loads([one, ...servers(2)], LIMITS, NOW);
      expect(one.reason).equal(Reason.LOAD);
    }
  });

  it("does not count among those that others are relative to", () => {
    const all = [server(), ...servers(5, { reported_at: 0, rps: 1 }), ...servers(5, { utilization: 0 })];
    settle(all);
    for (const one of all) expect(one.factor).equal(1);
  });

  it("is kept where there are no requests", () => {
    for (const none of [{ rps: 0 }, { rps: -1, measured_rps: 0 }]) {
      expect(settled({ ...none, factor: 0.3 })).equal(0.3);
      const one = server({ ...none, factor: 0.3 });
      balance_loads([one, ...servers(2)], LIMITS, NOW);
      expect(one.reason).equal(Reason.NO_REQUESTS);
    }
  });

  it("is hardly by load where it idles, and without a leap", () => {
    expect_near(settled({ utilization: 0.01, rps: 8 }), 1, TOLERANCE);
    expect_near(settled({ utilization: 0.05, rps: 30 }), 2, 0.06);
    expect_near(settled({ utilization: 0.2, rps: 120 }), 3, TOLERANCE);
    for (const [utilization, reason] of [
      [0.04, Reason.IDLE],
      [0.06, Reason.LOAD],
    ]) {
      const one = server({ utilization, rps: 10 });
      settle([one, ...servers(5)]);
      expect(one.reason).equal(reason);
    }
  });

  it("follows from nonsense what follows from nothing", () => {
    for (const value of NONSENSE) {
      for (const differences of [
        { utilization: value },
        { reported_at: value },
        { configured_weight: value },
      ]) {
        expect(settled({ ...differences, factor: 0.3 })).equal(1);
      }
      expect(settled({ eps: value })).equal(1);
      expect(settled({ rps: value, measured_rps: 100 })).equal(1);
      expect(settled({ rps: value, measured_rps: value, factor: 0.3 })).equal(0.3);
    }
    expect(settled({ configured_weight: 0, factor: 0.3 })).equal(1);
    for (const reporting_since of [NAN, math.huge]) {
      expect(settled({ reporting_since, rps: 10, factor: 0.3 })).equal(1);
    }
  });

  it("is what it is configured where the factor was none", () => {
    for (const factor of [NAN, math.huge, -1, 0]) {
      const one = server({ factor });
      balance_loads([one, ...servers(2)], LIMITS, NOW);
      expect(one.factor).equal(1);
    }
  });

  it("is a number whatever most servers say", () => {
    for (const rps of [1e308, 1e-308]) {
      for (const utilization of [1e308, 0.06]) {
        const most = servers(5, { rps, utilization });
        settle([server(), ...most]);
        for (const one of most) expect(one.factor).equal(1);
      }
    }
  });

  it("needs no servers, and not more than one", () => {
    balance_loads([], LIMITS, NOW);
    const one = server({ utilization: 3 });
    settle([one]);
    expect(one.factor).equal(1);
  });
});

describe("requests that are not reported", () => {
  it("are those that were measured here", () => {
    const all = [50, 100, 200].map((measured_rps) => server({ rps: -1, measured_rps }));
    settle(all);
    for (const [index, expected] of ipairs([0.5, 1, 2]))
      expect_near(all[index - 1].factor, expected, TOLERANCE);
  });

  it("are as many times more as other gateways send, where some servers report theirs", () => {
    const one = server({ rps: -1, measured_rps: 30 });
    settle([one, ...servers(5, { rps: 90, measured_rps: 30 })]);
    expect(one.factor).equal(1);
    settle([one, ...servers(5, { rps: 90, measured_rps: 60 }), server({ rps: 1e9, measured_rps: 1 })]);
    expect_near(one.factor, 0.5, TOLERANCE);
  });
});

describe("a factor", () => {
  it("moves a sixth of its way in a second, a tenth by measured requests, a half at most", () => {
    const cases: [differences: Partial<LoadedServer>, update: number, expected: number][] = [
      [{ rps: 160 }, 1, 1.1],
      [{ rps: 160 }, 0.5, 1.05],
      [{ rps: -1, measured_rps: 160 }, 1, 1.06],
      [{ rps: 120 }, 60, 1.1],
      [{ rps: -1, measured_rps: 120 }, 60, 1.1],
      [{ reported_at: 0, factor: 0.9 }, 1, 0.95],
    ];
    for (const [differences, update, expected] of cases) {
      const one = server(differences);
      balance_loads([one, ...servers(5, { measured_rps: 100 })], { ...LIMITS, update }, NOW);
      expect_near(one.factor, expected, 1e-3);
    }
  });

  it("changes by max_step at most", () => {
    for (const max_step of [0.1, 0.2]) {
      const limits = { ...LIMITS, max_step, update: 60 };
      const [up, down] = [server({ rps: 1e6 }), server({ rps: 1 })];
      balance_loads([up, down, ...servers(5)], limits, NOW);
      expect_near(up.factor, 1 + max_step, 1e-9);
      expect_near(down.factor, 1 / (1 + max_step), 1e-9);
    }
  });

  it("does not move for 3 %", () => {
    for (const rps of [97.1, 102.9]) {
      expect(settled({ rps })).equal(1);
    }
    for (const rps of [96.9, 103.1]) expect(settled({ rps }) === 1).equal(false);
  });

  it("has a reason that people can read", () => {
    const texts = new LuaSet<string>();
    for (const reason of $range(Reason.CONFIGURED, Reason.CEILING)) {
      const text = reason_text(reason);
      expect(type(text)).equal("string");
      expect(texts.has(text)).equal(false);
      texts.add(text);
    }
  });
});
