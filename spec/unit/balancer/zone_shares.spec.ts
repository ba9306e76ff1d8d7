import {
  count_server,
  mean_utilization,
  new_zone_load,
  PROBE_SHARE,
  share_out,
  type ZoneLoad,
} from "../../../src/resty/sluice/balancer/zone_shares";
import { expect } from "../support/expect";

/** The assertions about shares are those of Envoy's tests of its load-aware locality load balancing. */

interface Given {
  servers: number;
  available?: number;
  /** Absent: not known. */
  utilization?: number;
}

function zone({ servers, available = servers, utilization = -1 }: Given): ZoneLoad {
  const load = new_zone_load();
  for (const number of $range(1, servers)) count_server(load, 1, number <= available, utilization);
  load.utilization = mean_utilization(load);
  return load;
}

/** Returns the shares of zones, the local one first. */
function shares(...given: Given[]): number[] {
  const zones: ZoneLoad[] = [];
  for (const one of given) zones.push(zone(one));
  share_out(zones[0], zones);
  const result: number[] = [];
  for (const { share } of zones) result.push(share);
  return result;
}

function near(actual: number, expected: number): void {
  if (math.abs(actual - expected) > 1e-9) error(`${actual} is not ${expected}`, 2);
}

describe("the shares of zones", () => {
  it("keep all requests but the probes in the local zone while loads are equal", () => {
    for (const utilization of [0, 0.5, 1]) {
      const [local, remote] = shares({ servers: 5, utilization }, { servers: 5, utilization });
      near(local, 1 - PROBE_SHARE);
      near(remote, PROBE_SHARE);
    }
  });

  it("let 60 of 100 requests leave at least when 0.9 of the local zone is used and 0.2 of the other", () => {
    const [, remote] = shares({ servers: 1, utilization: 0.9 }, { servers: 1, utilization: 0.2 });
    expect(remote >= 0.6).equal(true);
    near(remote, 0.8 / 0.9);
  });

  it("are as 0.4, 1.4 and 1.0 in zones of two servers that are used to 0.8, 0.3 and 0.5", () => {
    const found = shares(
      { servers: 2, utilization: 0.8 },
      { servers: 2, utilization: 0.3 },
      { servers: 2, utilization: 0.5 },
    );
    near(found[0], 0.4 / 2.8);
    near(found[1], 1.4 / 2.8);
    near(found[2], 1.0 / 2.8);
  });

  it("are 3, 7 and 6 of 16 in the example of Envoy's documentation", () => {
    const found = shares(
      { servers: 10, utilization: 0.7 },
      { servers: 10, utilization: 0.3 },
      { servers: 10, utilization: 0.4 },
    );
    near(found[0], 3 / 16);
    near(found[1], 7 / 16);
    near(found[2], 6 / 16);
  });

  it("compare the local zone with the mean of the servers of all others", () => {
    // The mean is (0.6 × 2 + 0.2 × 8) / 10 = 0.28, from which 0.35 differs by less than 0.1.
    const [local] = shares(
      { servers: 10, utilization: 0.35 },
      { servers: 2, utilization: 0.6 },
      { servers: 8, utilization: 0.2 },
    );
    near(local, 1 - PROBE_SHARE);
  });

  it("do not depend on loads while the local zone is less loaded than the others", () => {
    const [local] = shares({ servers: 1, utilization: 0.3 }, { servers: 9, utilization: 1 });
    near(local, 1 - PROBE_SHARE);
  });

  it("are in proportion to the servers when all are full", () => {
    const [, first, second] = shares(
      { servers: 3, available: 0 },
      { servers: 3, utilization: 1 },
      { servers: 1, utilization: 1 },
    );
    near(first, 0.75);
    near(second, 0.25);
  });

  it("give a full local zone almost nothing", () => {
    const [local] = shares({ servers: 1, utilization: 1 }, { servers: 1, utilization: 0.3 });
    expect(local < 0.02).equal(true);
    expect(local > 0).equal(true);
  });

  it("probe a full zone too", () => {
    const [, remote] = shares({ servers: 1, utilization: 0.3 }, { servers: 1, utilization: 1 });
    near(remote, PROBE_SHARE);
  });

  it("divide the probes by spare capacity", () => {
    const [, first, second] = shares({ servers: 1 }, { servers: 2 }, { servers: 4 });
    near(second / first, 2);
    near(first + second, PROBE_SHARE);
  });

  it("stay local until fewer than 1/1.4 of the local servers are available, and then fall with them", () => {
    const at = (available: number) => shares({ servers: 10, available }, { servers: 10 })[0];
    near(at(8), 1 - PROBE_SHARE);
    near(at(7), 0.98);
    near(at(5), 0.7);
    near(at(1), 0.14);
    near(at(0), 0);
  });

  it("change without a jump while the local load rises", () => {
    let before = 1 - PROBE_SHARE;
    for (const step of $range(0, 1000)) {
      const [local] = shares(
        { servers: 5, utilization: step / 1000 },
        { servers: 5, utilization: 0.2 },
        { servers: 5, utilization: 0.2 },
      );
      expect(local <= before).equal(true);
      expect(before - local < 0.01).equal(true);
      before = local;
    }
    expect(before < 0.01).equal(true);
  });

  it("add up to 1", () => {
    for (const _ of $range(1, 500)) {
      const given: Given[] = [];
      for (const _zone of $range(1, math.random(2, 6))) {
        const servers = math.random(1, 9);
        const utilization = math.random() < 0.3 ? -1 : math.random();
        given.push({ servers, available: math.random(0, servers), utilization });
      }
      let sum = 0;
      for (const share of shares(...given)) {
        expect(share >= 0 && share <= 1).equal(true);
        sum += share;
      }
      near(sum, 1);
    }
  });

  it("are those of the local zone alone when no other zone, or none at all, has an available server", () => {
    expect(shares({ servers: 2 }, { servers: 2, available: 0 })).same([1, 0]);
    expect(shares({ servers: 2, available: 0 }, { servers: 2, available: 0 })).same([1, 0]);
  });

  it("take a zone whose load is not known for one of the mean load", () => {
    const [local] = shares({ servers: 2, utilization: 0.9 }, { servers: 2 });
    near(local, 1 - PROBE_SHARE);
    const [, first, second] = shares(
      { servers: 2, utilization: 0.9 },
      { servers: 2, utilization: 0.1 },
      { servers: 2 },
    );
    near(first / second, 0.9 / 0.5);
  });

  it("count a utilization above 1 as 1", () => {
    const [local] = shares({ servers: 2, utilization: 9 }, { servers: 2, utilization: 1 });
    near(local, 1 - PROBE_SHARE);
  });
});
