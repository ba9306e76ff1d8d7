import { Reason, type LoadedServer } from "../../../src/resty/sluice/control/load";
import { balance_loads, reason_text } from "../../../src/resty/sluice/control/weights";
import { expect } from "../support/expect";
import { expect_near, LIMITS, NAN, NOW, server, servers, settle, settled, TOLERANCE } from "./loaded_servers";

/** Numbers that a report cannot contain. */
const NONSENSE = [NAN, -1, -math.huge, math.huge];

describe("the weight of a server whose load is not known", () => {
  const unknown: [reason: Reason, differences: Partial<LoadedServer>][] = [
    [Reason.CONFIGURED, { reported_at: 0 }],
    [Reason.BLACKOUT, { reporting_since: NOW - 9.9 }],
    [Reason.EXPIRED, { reported_at: NOW - 180.1 }],
    [Reason.EXPIRED, { reported_at: NOW + 180.1 }],
    [Reason.NO_UTILIZATION, { utilization: -1 }],
    [Reason.IDLE, { utilization: 0 }],
  ];
  for (const [reason, differences] of unknown) {
    it(`returns to the configured weight: ${reason_text(reason)}`, () => {
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

  it("follows the load again as soon as it is known", () => {
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

  it("does not contribute to the median", () => {
    const all = [server(), ...servers(5, { reported_at: 0, rps: 1 }), ...servers(5, { utilization: 0 })];
    settle(all);
    for (const one of all) expect(one.factor).equal(1);
  });

  it("is kept while there are no requests", () => {
    for (const none of [{ rps: 0 }, { rps: -1, measured_rps: 0 }]) {
      expect(settled({ ...none, factor: 0.3 })).equal(0.3);
      const one = server({ ...none, factor: 0.3 });
      balance_loads([one, ...servers(2)], LIMITS, NOW);
      expect(one.reason).equal(Reason.NO_REQUESTS);
    }
  });

  it("depends little on the load of an idle server, without a jump", () => {
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

  it("is the same for invalid values and for missing ones", () => {
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

  it("is the configured weight when the factor was invalid", () => {
    for (const factor of [NAN, math.huge, -1, 0]) {
      const one = server({ factor });
      balance_loads([one, ...servers(2)], LIMITS, NOW);
      expect(one.factor).equal(1);
    }
  });

  it("stays a number, whatever most servers report", () => {
    for (const rps of [1e308, 1e-308]) {
      for (const utilization of [1e308, 0.06]) {
        const most = servers(5, { rps, utilization });
        settle([server(), ...most]);
        for (const one of most) expect(one.factor).equal(1);
      }
    }
  });

  it("works with no server and with one", () => {
    balance_loads([], LIMITS, NOW);
    const one = server({ utilization: 3 });
    settle([one]);
    expect(one.factor).equal(1);
  });
});
