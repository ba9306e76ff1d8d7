import "../support/nginx_stub";

import { POLICIES } from "../../../bench/load/policies";
import type { Place, Policy, Probed } from "../../../bench/load/policy";
import { prequal } from "../../../bench/load/prequal";
import { new_random } from "../../../bench/load/random";
import { least_request_of_two, peak_ewma_of_two } from "../../../bench/load/reference";
import { run, type Outcome, type Setting } from "../../../bench/load/run";
import { SCENARIOS } from "../../../bench/load/scenarios";
import { expect } from "../support/expect";

/** The simulation of bench/load. */

const NOW = 1000;

function policy_named(name: string): Setting["policy"] {
  for (const one of POLICIES) if (one.name === name) return one.policy;
  return error(`there is no policy "${name}"`, 0);
}

function outcome_of(scenario_name: string, changes: Partial<Setting>): Outcome {
  for (const scenario of SCENARIOS) {
    if (scenario.name === scenario_name) {
      const seed = changes.seed ?? 1;
      const servers = scenario.fleet(seed);
      const policy = least_request_of_two;
      return run({ ...scenario, servers, seed, load: 0.7, gateways: 1, policy, deadline: 5, ...changes });
    }
  }
  return error(`there is no scenario "${scenario_name}"`, 0);
}

/** Returns the mean of the 99th percentiles over the published seeds, in milliseconds. */
function published_tail(policy: Setting["policy"], load: number): number {
  let sum = 0;
  for (const seed of $range(1, 5)) {
    const { latencies } = outcome_of("published", { policy, load, seed, gateways: 20 });
    sum += latencies[math.floor(latencies.length * 0.99)] * 1000;
  }
  return sum / 5;
}

/** A place with a few servers, whose probes are answered with these loads before the next request. */
function place_of(loads: readonly { in_flight: number; latency: number }[], asked: number[] = []): Place {
  return {
    servers: loads.length,
    gateway: 0,
    random: new_random(1),
    probe: (index: number, answered: Probed) => {
      asked.push(index);
      answered(index, loads[index].in_flight, loads[index].latency, NOW);
    },
    every: () => {
      // No policy of these specs needs a timer to choose.
    },
  };
}

/** Counts how often a policy chooses each server. */
function choices(policy: Policy, servers: number, requests: number): number[] {
  const counts: number[] = [];
  for (const _ of $range(1, servers)) counts.push(0);
  for (const _ of $range(1, requests)) counts[policy.choose(NOW) ?? error("no server", 0)] += 1;
  return counts;
}

describe("the simulation", () => {
  it("has the same outcome with the same seed, and another one with another seed", () => {
    const changes = { policy: policy_named("least_load"), gateways: 4, load: 0.9, measured: 2 };
    const first = outcome_of("published", changes);
    outcome_of("rolling deploy", { policy: policy_named("least_conn"), measured: 3 });
    expect(outcome_of("published", changes)).same(first);
    const other = outcome_of("published", { ...changes, seed: 2 });
    expect(other.latencies[0] === first.latencies[0]).equal(false);
    expect(first.latencies.length > 2000).equal(true);
  });

  it("reproduces the published 99th percentiles within 15 %", () => {
    const least_request = published_tail(least_request_of_two, 0.9) / 1038;
    const peak_ewma = published_tail(peak_ewma_of_two, 0.9) / 447;
    expect(math.abs(least_request - 1) < 0.15).equal(true);
    expect(math.abs(peak_ewma - 1) < 0.15).equal(true);
  });

  it("counts requests that fail at once, and those that are not answered before the deadline", () => {
    const sinkholes = outcome_of("two sinkholes", { measured: 4 });
    expect(sinkholes.failures > 100).equal(true);
    expect(sinkholes.late).equal(0);
    const black_hole = outcome_of("black hole", { measured: 8 });
    expect(black_hole.failures).equal(0);
    expect(black_hole.late > 0).equal(true);
    expect(black_hole.latencies[black_hole.latencies.length - 1]).equal(5);
  });

  it("has late requests with round robin above the allocation, where least_conn has none", () => {
    const changes = { load: 1.14, measured: 30 };
    expect(outcome_of("ramp", { ...changes, policy: policy_named("round_robin") }).late > 0).equal(true);
    expect(outcome_of("ramp", { ...changes, policy: policy_named("least_conn") }).late).equal(0);
  });
});

describe("each policy", () => {
  const loads = [1, 2, 3, 4, 5, 6].map(() => ({ in_flight: 0, latency: 0.01 }));

  for (const { name, policy: new_policy } of POLICIES) {
    it(`sends a server no request while it is away, and requests when it is back: ${name}`, () => {
      const policy = new_policy(place_of(loads));
      choices(policy, loads.length, 12);
      policy.leave(2, NOW);
      expect(choices(policy, loads.length, 100)[2]).equal(0);
      policy.enter(2, NOW);
      expect(choices(policy, loads.length, 100)[2] > 0).equal(true);
    });
  }
});

describe("Prequal's rule", () => {
  const config = { probes: 3, removals: 0, hot_quantile: 0.6, uses_responses: false };

  it("takes the report with the least latency of those that are not hot", () => {
    const loads = [
      { in_flight: 9, latency: 0.001 },
      { in_flight: 1, latency: 0.03 },
      { in_flight: 1, latency: 0.02 },
      { in_flight: 1, latency: 0.05 },
    ];
    const policy = prequal(config)(place_of(loads));
    for (const _ of $range(1, 20)) policy.choose(NOW);
    expect(policy.choose(NOW)).equal(2);
  });

  it("sends the configured number of probes for each request", () => {
    const asked: number[] = [];
    const loads = [1, 2, 3].map(() => ({ in_flight: 0, latency: 0.01 }));
    const policy = prequal({ ...config, probes: 0.5 })(place_of(loads, asked));
    choices(policy, 3, 100);
    expect(asked.length).equal(50);
  });
});
