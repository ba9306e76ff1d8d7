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

const LEAST_LOAD = { choices: 6, hot_quantile: 0.6 };
const LEAST_TIME = { measure: "last_byte", inflight: false } as const;

export const POLICIES: readonly Compared[] = [
  { name: "least request of two", policy: least_request_of_two, scenarios: ["published", "two sinkholes"] },
  { name: "peak EWMA of two", policy: peak_ewma_of_two },
  {
    name: "Prequal, 3 probes",
    policy: prequal({ probes: 3, removals: 1, hot_quantile: 0.84, uses_responses: false }),
    scenarios: ["published"],
  },
  {
    name: "Prequal, reports and 0.5 probes",
    policy: prequal({ probes: 0.5, removals: 1 / 3, hot_quantile: 0.6, uses_responses: true }),
  },
  { name: "round_robin", policy: method({ method: "round_robin" }), gateways: [1] },
  // Weights need some time until they fit.
  {
    name: "round_robin, load",
    policy: method({ method: "round_robin", follows_load: true }),
    gateways: [1],
    warm_up: 30,
  },
  { name: "random two least_conn", policy: method({ method: "random", random: { two: "least_conn" } }) },
  { name: "least_conn", policy: method({ method: "least_conn" }) },
  { name: "least_time", policy: method({ method: "least_time", least_time: LEAST_TIME }) },
  {
    name: "least_load, no reports",
    policy: method({ method: "least_load", least_load: LEAST_LOAD }),
    scenarios: ["published"],
  },
  {
    name: "least_load",
    policy: method({ method: "least_load", least_load: LEAST_LOAD, reports: true }),
  },
  {
    name: "least_load, 0.5 probes",
    policy: method({ method: "least_load", least_load: LEAST_LOAD, reports: true, probes: 0.5 }),
    scenarios: ["published"],
  },
];
