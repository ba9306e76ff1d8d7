import "../../spec/unit/support/nginx_stub";

import type { NewPolicy } from "./policy";
import { least_request_of_two, peak_ewma_of_two } from "./reference";
import { method } from "./sluice";
import { run } from "./testbed";

/**
 * Simulates how policies distribute requests, in virtual time.
 *
 *   luajit simulation.lua
 *
 * Prints a line of tab-separated fields for each run: policy, gateways, load, seed, p50, p99 and p99.9 in
 * milliseconds, failures, late requests and imbalance.
 */

const SEEDS = 5;
const DEADLINE = 5;
const LOADS = [0.7, 0.9, 1.05] as const;

/** The policies, and the numbers of clients or gateways that they run with. */
const POLICIES: readonly { name: string; policy: NewPolicy; gateways: readonly number[] }[] = [
  { name: "least request of two", policy: least_request_of_two, gateways: [20] },
  { name: "peak EWMA of two", policy: peak_ewma_of_two, gateways: [20] },
  { name: "round_robin", policy: method({ method: "round_robin" }), gateways: [1] },
  { name: "least_conn", policy: method({ method: "least_conn" }), gateways: [1, 4, 20] },
  {
    name: "least_time",
    policy: method({ method: "least_time", least_time: { measure: "last_byte", inflight: false } }),
    gateways: [1, 4, 20],
  },
  {
    name: "least_load",
    policy: method({ method: "least_load", least_load: { choices: 6, hot_quantile: 0.6 } }),
    gateways: [1, 4, 20],
  },
  {
    name: "least_load q.5",
    policy: method({ method: "least_load", least_load: { choices: 6, hot_quantile: 0.5 } }),
    gateways: [1, 4, 20],
  },
  {
    name: "least_load 5",
    policy: method({ method: "least_load", least_load: { choices: 5, hot_quantile: 0.6 } }),
    gateways: [1, 4, 20],
  },
  {
    name: "least_load 8",
    policy: method({ method: "least_load", least_load: { choices: 8, hot_quantile: 0.6 } }),
    gateways: [1, 4, 20],
  },
];

function quantile(sorted: readonly number[], share: number): number {
  return (sorted[math.floor(sorted.length * share)] ?? 0) * 1000;
}

for (const { name, policy, gateways } of POLICIES) {
  for (const count of gateways) {
    for (const load of LOADS) {
      for (const seed of $range(1, SEEDS)) {
        const { latencies, failures, late, imbalance } = run({
          load,
          seed,
          gateways: count,
          policy,
          deadline: DEADLINE,
        });
        const times = string.format(
          "%.1f\t%.1f\t%.1f",
          quantile(latencies, 0.5),
          quantile(latencies, 0.99),
          quantile(latencies, 0.999),
        );
        print(
          `${name}\t${count}\t${load}\t${seed}\t${times}\t${failures}\t${late}\t${string.format("%.3f", imbalance)}`,
        );
      }
    }
  }
}
