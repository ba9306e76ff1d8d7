import { Reason, type LoadedServer } from "../../../src/resty/sluice/control/load";
import { balance_loads, CEILING, reason_text } from "../../../src/resty/sluice/control/weights";
import { expect } from "../support/expect";
import { expect_near, LIMITS, NAN, NOW, server, servers, settle, settled, TOLERANCE } from "./loaded_servers";

describe("the weight of a server by its load", () => {
  it("follows requests ÷ utilization, relative to the median server", () => {
    expect_near(settled({ utilization: 0.25 }), 2, TOLERANCE);
    expect_near(settled({ rps: 50 }), 0.5, TOLERANCE);
    const all = [server({ rps: 60 }), server({ rps: 120 }), server({ rps: 240 })];
    settle(all);
    for (const [index, expected] of ipairs([0.5, 1, 2]))
      expect_near(all[index - 1].factor, expected, TOLERANCE);
    for (const one of all) expect(one.reason).equal(Reason.LOAD);
  });

  it("uses the lower of two medians", () => {
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

  it("treats a utilization of 10^9 as 10", () => {
    const limits = { ...LIMITS, min_weight: 0.001 };
    expect_near(settled({ utilization: 10, rps: 1000 }, limits), 5 / 19.2, TOLERANCE);
    expect(settled({ utilization: 1e9, rps: 1000 }, limits)).equal(
      settled({ utilization: 10, rps: 1000 }, limits),
    );
  });

  it("has a lower and an upper limit, whatever the factor was", () => {
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

  it("is not affected by wrong reports while more than half of the servers report correctly", () => {
    for (const lie of [{ utilization: 1e9 }, { utilization: 0.1, rps: 1e9 }, { utilization: 0.001 }]) {
      const honest = [server({ rps: 100 }), server({ rps: 101 }), server({ rps: 102 })];
      settle([...servers(2, lie), ...honest]);
      for (const one of honest) expect_near(one.factor, 1, TOLERANCE);
    }
  });
});

describe("requests that are not reported", () => {
  it("are replaced by measured requests", () => {
    const all = [50, 100, 200].map((measured_rps) => server({ rps: -1, measured_rps }));
    settle(all);
    for (const [index, expected] of ipairs([0.5, 1, 2]))
      expect_near(all[index - 1].factor, expected, TOLERANCE);
  });

  it("are scaled by the ratio of reported and measured requests of other servers", () => {
    const one = server({ rps: -1, measured_rps: 30 });
    settle([one, ...servers(5, { rps: 90, measured_rps: 30 })]);
    expect(one.factor).equal(1);
    settle([one, ...servers(5, { rps: 90, measured_rps: 60 }), server({ rps: 1e9, measured_rps: 1 })]);
    expect_near(one.factor, 0.5, TOLERANCE);
  });
});

describe("a factor", () => {
  it("moves a sixth of the distance in a second, a tenth with measured requests, and at most a half", () => {
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

  it("changes by at most max_step", () => {
    for (const max_step of [0.1, 0.2]) {
      const limits = { ...LIMITS, max_step, update: 60 };
      const [up, down] = [server({ rps: 1e6 }), server({ rps: 1 })];
      balance_loads([up, down, ...servers(5)], limits, NOW);
      expect_near(up.factor, 1 + max_step, 1e-9);
      expect_near(down.factor, 1 / (1 + max_step), 1e-9);
    }
  });

  it("does not move for a difference of 3 %", () => {
    for (const rps of [97.1, 102.9]) {
      expect(settled({ rps })).equal(1);
    }
    for (const rps of [96.9, 103.1]) expect(settled({ rps }) === 1).equal(false);
  });

  it("has a reason in words", () => {
    const texts = new LuaSet<string>();
    for (const reason of $range(Reason.CONFIGURED, Reason.CEILING)) {
      const text = reason_text(reason);
      expect(type(text)).equal("string");
      expect(texts.has(text)).equal(false);
      texts.add(text);
    }
  });
});
