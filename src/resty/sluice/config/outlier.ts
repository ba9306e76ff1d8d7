import { block, with_default, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { seconds_of } from "./time";
import { time_from, whole_from } from "./values";

const LARGEST = 2147483647;
const LONGEST_TIME = "365d";

/** Values of the success rate's options when at least one of them is given. They are Envoy's. */
const SUCCESS_RATE = [
  ["success_rate_minimum_hosts", 5],
  ["success_rate_request_volume", 100],
  ["success_rate_stdev_factor", 1900],
] as const;

/**
 * When a server is ejected because of its responses, by Envoy's names and with Envoy's defaults. What Envoy
 * counts without enforcing it is off. 0 switches a limit off.
 */
export const OUTLIER_DETECTION = block(
  {
    /** Number of consecutive responses with a status of 500 to 599. */
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
  },
  (path, config, given) => {
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
