import "../../spec/unit/support/nginx_stub";

import type { ModelServer } from "./fleet";
import type { NewPolicy } from "./policy";
import { least_request_of_two, peak_ewma_of_two } from "./reference";
import { method } from "./sluice";
import { run } from "./testbed";

/**
 * Simulates how policies distribute requests, in virtual time.
 *
 *   luajit simulation.lua
 *
 * Prints a line of tab-separated fields for each run: situation, policy, gateways, load, seed, p50, p99 and
 * p99.9 in milliseconds, failures, late requests and imbalance.
 */

function nothing(this: void): void {
  // Servers are as they are.
}

const SEEDS = 5;
const DEADLINE = 5;

/** A situation in which the policies are compared. */
interface Situation {
  name: string;
  loads: readonly number[];
  prepare: (this: void, servers: readonly ModelServer[]) => void;
}

const SITUATIONS: readonly Situation[] = [
  { name: "published", loads: [0.7, 0.9, 1.05], prepare: nothing },
  {
    name: "two sinkholes",
    loads: [0.7],
    prepare: (servers) => {
      for (const index of $range(servers.length - 2, servers.length - 1))
        servers[index].fault = "fails at once";
    },
  },
];

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
];

function quantile(sorted: readonly number[], share: number): number {
  return (sorted[math.floor(sorted.length * share)] ?? 0) * 1000;
}

/** Runs a policy in a situation, and prints the outcome of each seed. */
function compare(
  { name: situation, loads, prepare }: Situation,
  name: string,
  policy: NewPolicy,
  gateways: number,
): void {
  for (const load of loads) {
    for (const seed of $range(1, SEEDS)) {
      const { latencies, failures, late, imbalance } = run({
        load,
        seed,
        gateways,
        policy,
        deadline: DEADLINE,
        prepare,
      });
      const numbers = [0.5, 0.99, 0.999].map((share) => string.format("%.2f", quantile(latencies, share)));
      numbers.push(tostring(failures), tostring(late), string.format("%.3f", imbalance));
      print(`${situation}\t${name}\t${gateways}\t${load}\t${seed}\t${table.concat(numbers, "\t")}`);
    }
  }
}

for (const situation of SITUATIONS) {
  for (const { name, policy, gateways } of POLICIES) {
    for (const count of gateways) compare(situation, name, policy, count);
  }
}
