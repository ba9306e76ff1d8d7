import { block, optional, with_default, type ConfigOf } from "./block";
import { read_source } from "./load_source";
import { missing_value } from "./problem";
import { number_from, whole_from } from "./values";

/** Where the load is in the responses of the servers. */
export const LOAD_REPORT = block(
  {
    /** The requests in flight at the server: `"named_metrics.…"` of ORCA, or `"$upstream_http_…"`. */
    in_flight: optional(read_source),
    /** The time that the server expects to take for one more request, in milliseconds, in the same way. */
    latency: optional(read_source),
  },
  (path, { in_flight, latency }) =>
    (in_flight ?? latency) === undefined ? missing_value(`${path}.in_flight`) : undefined,
);

/** Parameters of the method `least_load`: of some servers, the one that is expected to answer first. */
export const LEAST_LOAD = block({
  /** The number of servers that are drawn for each request, by their weights: 2 to 32. */
  choices: with_default(whole_from(2, 32), 6),
  /**
   * Servers with more requests in flight, for their weight, than this part of all servers are hot: they count
   * as four times slower.
   */
  hot_quantile: with_default(number_from(0.05, 0.99), 0.6),
  /** Where servers report their load in responses. Default: nowhere, only what the gateway counts matters. */
  report: optional(LOAD_REPORT),
});
export type LeastLoadConfig = ConfigOf<typeof LEAST_LOAD>;
