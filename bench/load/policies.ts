import type { BalancingConfig } from "../../src/resty/sluice/config/balancing";
import { read_settings } from "../../src/resty/sluice/config/settings";
import type { NewPolicy } from "./policy";
import { prequal } from "./prequal";
import { least_request_of_two, peak_ewma_of_two } from "./reference";
import { method } from "./sluice";

/** The policies that are compared. */

export interface Compared {
  name: string;
  policy: NewPolicy;
  /** The numbers of gateways with which it runs; undefined: with all of the scenario. */
  gateways?: readonly number[];
  /** The scenarios in which it runs; undefined: in all. */
  scenarios?: readonly string[];
  /** The shortest time before its measurement, in seconds. */
  warm_up?: number;
}

/** Completes a method with the defaults of its parameters. */
function with_defaults(config: Record<string, unknown>): BalancingConfig {
  const [settings] = read_settings(config);
  return settings ?? error("a policy is not valid", 0);
}

const LEAST_TIME = with_defaults({ method: "least_time", least_time: { measure: "last_byte" } });
const LEAST_LOAD = with_defaults({ method: "least_load", least_load: {} });

const RANDOM_TWO = { method: "random", random: { two: "least_conn" } } as const;
const BY_CONNECTIONS = { method: "least_conn" } as const;
const BY_LOAD = { ...LEAST_LOAD, reports: true };
/** The time in which weights come to fit the servers, in seconds. */
const SETTLING = 30;

export const POLICIES: readonly Compared[] = [
  { name: "round_robin", policy: method({ method: "round_robin" }), gateways: [1, 4] },
  {
    name: "round_robin, load",
    policy: method({ method: "round_robin", follows_load: true }),
    gateways: [1, 4],
    warm_up: SETTLING,
  },
  { name: "least_conn", policy: method(BY_CONNECTIONS) },
  { name: "random two least_conn", policy: method(RANDOM_TWO) },
  { name: "least_time", policy: method(LEAST_TIME) },
  { name: "least_load", policy: method(BY_LOAD) },
  {
    name: "least_load, no reports",
    policy: method({ ...BY_LOAD, reports: false }),
    scenarios: ["published"],
  },
  {
    name: "least_load, 0.5 probes",
    policy: method({ ...BY_LOAD, probes: 0.5 }),
    scenarios: ["published"],
  },
  {
    name: "least_conn, max_fails 1",
    policy: method({ ...BY_CONNECTIONS, max_fails: 1 }),
    scenarios: ["black hole"],
  },
  {
    name: "least_load, max_fails 1",
    policy: method({ ...BY_LOAD, max_fails: 1 }),
    scenarios: ["black hole"],
  },
  {
    name: "least_conn, slow_start 5s",
    policy: method({ ...BY_CONNECTIONS, slow_start: "5s" }),
    scenarios: ["rolling deploy"],
  },
  {
    name: "least_load, slow_start 5s",
    policy: method({ ...BY_LOAD, slow_start: "5s" }),
    scenarios: ["rolling deploy"],
  },
  { name: "least request of two", policy: least_request_of_two, gateways: [20], scenarios: ["published"] },
  { name: "peak EWMA of two", policy: peak_ewma_of_two },
  {
    name: "Prequal, reports and 0.5 probes",
    policy: prequal({ probes: 0.5, removals: 1 / 3, hot_quantile: 0.6, uses_responses: true }),
  },
  {
    name: "Prequal, 3 probes",
    policy: prequal({ probes: 3, removals: 1, hot_quantile: 0.84, uses_responses: false }),
    gateways: [20],
    scenarios: ["published"],
  },
];
