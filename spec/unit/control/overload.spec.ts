import "../support/nginx_stub";

import { run_overload, type Outcome, type Setting } from "../../../bench/load/overload";
import { DEFAULT_BOUNDS } from "../../../src/resty/sluice/config/adaptive_limit";
import { expect } from "../support/expect";

/** A short form of the simulation of `npm run bench -- overload`. */

const SETTING: Setting = {
  max_conns: "adaptive",
  bounds: DEFAULT_BOUNDS,
  servers: 4,
  slots: 8,
  work: 0.04,
  load: () => 1,
  gateways: 1,
  seed: 1,
  deadline: 1,
  warm_up: 30,
  measured: 30,
};

function at(load: number, more: Partial<Setting> = {}): Outcome {
  return run_overload({ ...SETTING, load: () => load, ...more });
}

describe("adaptive limits in an overload", () => {
  it("keep the goodput of the capacity, and short times", () => {
    const [light, full, double] = [at(0.8), at(1), at(2)];
    expect(double.goodput >= 0.9 * full.goodput).equal(true);
    expect(double.p99 <= 2 * light.p99).equal(true);
    expect(light.refused < 0.01).equal(true);
    expect(double.failed < 0.01).equal(true);
  });

  it("make the difference: without them, no request is answered in time", () => {
    expect(at(2, { max_conns: 0 }).goodput < 0.1).equal(true);
  });

  it("are right for servers with one slot, and with several gateways", () => {
    const alone = at(2, { slots: 1, servers: 8 });
    expect(alone.goodput > 0.85).equal(true);
    expect(alone.limit < 3).equal(true);
    const shared = at(2, { gateways: 4, servers: 8 });
    expect(shared.goodput > 0.9).equal(true);
    expect(shared.limit < 24).equal(true);
  });

  it("fall at a server that fails fast or never answers", () => {
    for (const fault of ["fails at once", "never answers"] as const) {
      let lowest = 100;
      const { goodput } = at(0.7, {
        change: (servers) => {
          servers[0].fault = fault;
        },
        look: ([limit]) => {
          lowest = math.min(lowest, limit);
        },
      });
      expect(lowest).equal(1);
      if (fault === "never answers") expect(goodput > 0.65).equal(true);
    }
  });

  it("return after failures although few requests come", () => {
    const { refused, limit } = at(0.05, {
      warm_up: 40,
      change: (servers, passed) => {
        for (const server of servers) server.fault = passed < 20 ? "fails at once" : undefined;
      },
    });
    expect(refused < 0.001).equal(true);
    expect(limit > 10).equal(true);
  });

  it("allow most of what slower servers can do, and recover", () => {
    const { goodput } = at(0.3, {
      warm_up: 0,
      measured: 60,
      change: (servers, passed) => {
        for (const server of servers) server.base_speed = passed >= 20 && passed < 40 ? 0.4 : 1;
      },
    });
    expect(goodput > 0.27).equal(true);
  });
});
