import { block, optional, with_default, type ConfigOf } from "./block";
import { invalid_value, type Problem } from "./problem";
import { seconds_of } from "./time";
import { one_of, time_from, whole_from } from "./values";

const LARGEST = 2147483647;
const LONGEST_TIME = "365d";

/** Values of the success rate's options when at least one of them is given. They are Envoy's. */
const SUCCESS_RATE = [
  ["success_rate_minimum_hosts", 5],
  ["success_rate_request_volume", 100],
  ["success_rate_stdev_factor", 1900],
] as const;

/** Values of the options of anomalies with the modes that look for them. */
const ANOMALIES = [
  ["anomaly_minimum_hosts", 3],
  ["anomaly_request_volume", 50],
  ["anomaly_error_percent", 10],
  ["anomaly_latency_percent", 200],
  ["step_down_percent", 20],
  ["step_up_percent", 5],
  ["min_weight_percent", 1],
] as const;

const PERCENT = 100;

/** Completes the options of anomalies, which only two of the modes have. */
function read_anomalies(
  path: string,
  config: Record<string, unknown>,
  given: Record<string, unknown>,
): Problem | undefined {
  const has_anomalies = config.mode === "degrade" || config.mode === "detect";
  for (const [name, value] of ANOMALIES) {
    if (given[name] === undefined) config[name] = has_anomalies ? value : undefined;
    else if (!has_anomalies)
      return invalid_value(`${path}.${name}`, 'needs the "mode" "degrade" or "detect"');
  }
  const latency = config.anomaly_latency_percent as number | undefined;
  if (latency !== undefined && latency > 0 && latency <= PERCENT)
    return invalid_value(`${path}.anomaly_latency_percent`, "must be 0 or above 100");
  if (config.mode === "degrade" && given.consecutive_5xx === undefined) config.consecutive_5xx = 0;
  return undefined;
}

/**
 * When a server is ejected because of its responses, by Envoy's names and with Envoy's defaults. What Envoy
 * counts without enforcing it is off. 0 switches a limit off.
 */
export const OUTLIER_DETECTION = block(
  {
    /**
     * What happens to outliers: `eject` ejects them. `degrade` takes weight from servers with anomalous error
     * rates or latencies, step by step. `detect` only reports what these two would do. Default: `eject`.
     */
    mode: optional(one_of(["eject", "degrade", "detect"])),
    /**
     * Number of consecutive responses with a status of 500 to 599. With the mode `degrade`, the default is 0.
     */
    consecutive_5xx: with_default(whole_from(0, LARGEST), 5),
    /**
     * Number of consecutive responses with the status 502, 503 or 504, and of requests without a response.
     */
    consecutive_gateway_failure: with_default(whole_from(0, LARGEST), 0),
    /** Interval at which success rates are compared and ejections are ended. */
    interval: with_default(time_from("100ms", "1h"), "10s"),
    /** Duration of an ejection, multiplied by the number of ejections in a row. */
    base_ejection_time: with_default(time_from("1ms", LONGEST_TIME), "30s"),
    /** Longest duration of an ejection. */
    max_ejection_time: with_default(time_from("1ms", LONGEST_TIME), "300s"),
    /** Most servers that are ejected at a time, in percent; one server always may be. */
    max_ejection_percent: with_default(whole_from(0, 100), 10),
    /**
     * Success rates are compared while at least this many servers have had enough requests. Default: 0; 5 if
     * another option of the success rate is given.
     */
    success_rate_minimum_hosts: with_default(whole_from(0, LARGEST), 0),
    /**
     * Number of requests in an interval that are enough. Default: 0; 100 if another option of the success
     * rate is given.
     */
    success_rate_request_volume: with_default(whole_from(0, LARGEST), 0),
    /**
     * How far below the mean a success rate must be, in thousandths of the standard deviation. Default: 0;
     * 1900 if another option of the success rate is given.
     */
    success_rate_stdev_factor: with_default(whole_from(0, LARGEST), 0),
    /**
     * Anomalies are looked for while at least this many servers are healthy. Only with the modes `degrade`
     * and `detect`, as the options below. Default: 3.
     */
    anomaly_minimum_hosts: optional(whole_from(3, LARGEST)),
    /** Number of requests in an interval that are enough to judge a server. Default: 50. */
    anomaly_request_volume: optional(whole_from(1, LARGEST)),
    /**
     * How far above that of the other servers an error rate is anomalous, in percentage points; 0: it never
     * is. Default: 10.
     */
    anomaly_error_percent: optional(whole_from(0, PERCENT)),
    /**
     * From where on the mean time to the response header is anomalous, in percent of that of the other
     * servers; 0: it never is. Default: 200.
     */
    anomaly_latency_percent: optional(whole_from(0, 10000)),
    /** Part of its weight that an anomalous server loses in each interval, in percent. Default: 20. */
    step_down_percent: optional(whole_from(1, PERCENT)),
    /** Part of its weight that a server regains in each interval, in percent. Default: 5. */
    step_up_percent: optional(whole_from(1, PERCENT)),
    /** Smallest part of its weight that a server keeps, in percent. Default: 1. */
    min_weight_percent: optional(whole_from(1, PERCENT)),
  },
  (path, config, given) => {
    const wrong = read_anomalies(path, config, given);
    if (wrong !== undefined) return wrong;
    let compares = false;
    for (const [name] of SUCCESS_RATE) compares ||= given[name] !== undefined;
    for (const [name, value] of SUCCESS_RATE) {
      if (compares && given[name] === undefined) config[name] = value;
    }
    if (seconds_of(config.max_ejection_time) < seconds_of(config.base_ejection_time)) {
      if (given.max_ejection_time !== undefined)
        return invalid_value(`${path}.max_ejection_time`, 'must not be less than "base_ejection_time"');
      // As in Envoy, a longer base without a limit of its own is the limit.
      config.max_ejection_time = config.base_ejection_time;
    }
    return undefined;
  },
);
export type OutlierConfig = ConfigOf<typeof OUTLIER_DETECTION>;

/** Tells whether success rates are compared. Any phase. */
export function compares_success_rates(config: OutlierConfig): boolean {
  return (
    config.success_rate_minimum_hosts > 0 &&
    config.success_rate_request_volume > 0 &&
    config.success_rate_stdev_factor > 0
  );
}
