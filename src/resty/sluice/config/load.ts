import { block, optional, with_default, type ConfigOf } from "./block";
import { read_utilization_source } from "./load_source";
import { number_from, time_from, whole_from } from "./values";

/**
 * How the loads that servers report change their weights. The defaults are Envoy's where Envoy has such an
 * option.
 */
export const LOAD = block({
  /**
   * The metric of the reports that is the utilization, such as `"named_metrics.kv_cache_usage"`, or a header,
   * `"$upstream_http_…"`. Default: `application_utilization`, else `cpu_utilization`.
   */
  utilization: optional(read_utilization_source),
  /** Utilization above which the excess counts twice. */
  target: with_default(number_from(0.01, 1), 0.7),
  /** Interval between two changes of the weights. */
  update: with_default(time_from("100ms", "1h"), "1s"),
  /** How long a server that begins to report keeps its configured weight. */
  blackout: with_default(time_from("0s", "1h"), "10s"),
  /** How long a report is valid. */
  expiry: with_default(time_from("1s", "1d"), "3m"),
  /** Largest change of a weight in one step, in percent. */
  max_step_percent: with_default(whole_from(1, 100), 20),
  /** Lower bound of a weight, in percent of the configured weight. */
  min_weight_percent: with_default(whole_from(1, 100), 5),
  /** How much the share of requests that end in errors adds to the utilization. */
  error_penalty: with_default(number_from(0, 1000), 1),
});
export type LoadConfig = ConfigOf<typeof LOAD>;
