import { shape, shaped } from "../lib/json";
import { read_block, type Read, type ReadersOf } from "./fields";
import { invalid_value } from "./problem";
import { parse_time } from "./time";
import { time_from, whole_from } from "./values";

/**
 * When a server is kept out for what it answers, by Envoy's names. 0 switches a limit off. Times are nginx times, as they
 * were spelled.
 */
export interface OutlierConfig {
  /** So many responses of 5xx in a row, or, the other, of 502, 503 or 504. */
  consecutive_5xx: number;
  consecutive_gateway_failure: number;
  /** How often the success rates are compared, and ejections are ended. */
  interval: string;
  /** How long an ejection lasts: the one, times how often in a row, up to the other. */
  base_ejection_time: string;
  max_ejection_time: string;
  /** Of an upstream's servers, so many percent may be ejected at a time. */
  max_ejection_percent: number;
  /**
   * The success rates count while so many servers have had so many requests in an interval: one is ejected when its rate
   * is so many thousandths of the standard deviation below the mean. Off while any of the three is 0.
   */
  success_rate_minimum_hosts: number;
  success_rate_request_volume: number;
  success_rate_stdev_factor: number;
}

const LARGEST = 2147483647;
const LONGEST_TIME = "365d";

const READERS = {
  consecutive_5xx: whole_from(0, LARGEST),
  consecutive_gateway_failure: whole_from(0, LARGEST),
  interval: time_from("100ms", "1h"),
  base_ejection_time: time_from("1ms", LONGEST_TIME),
  max_ejection_time: time_from("1ms", LONGEST_TIME),
  max_ejection_percent: whole_from(0, 100),
  success_rate_minimum_hosts: whole_from(0, LARGEST),
  success_rate_request_volume: whole_from(0, LARGEST),
  success_rate_stdev_factor: whole_from(0, LARGEST),
} satisfies ReadersOf<OutlierConfig>;

/** Envoy's, but for what it counts without enforcing it: that is off. */
const DEFAULTS = {
  consecutive_5xx: 5,
  consecutive_gateway_failure: 0,
  interval: "10s",
  base_ejection_time: "30s",
  max_ejection_time: "300s",
  max_ejection_percent: 10,
};
const NO_SUCCESS_RATE = {
  success_rate_minimum_hosts: 0,
  success_rate_request_volume: 0,
  success_rate_stdev_factor: 0,
};
/** Envoy's, once one of them is given. */
const SUCCESS_RATE = {
  success_rate_minimum_hosts: 5,
  success_rate_request_volume: 100,
  success_rate_stdev_factor: 1900,
};

const SHAPE = shape([
  "consecutive_5xx",
  "consecutive_gateway_failure",
  "interval",
  "base_ejection_time",
  "max_ejection_time",
  "max_ejection_percent",
  "success_rate_minimum_hosts",
  "success_rate_request_volume",
  "success_rate_stdev_factor",
]);

function milliseconds(time: unknown): number {
  return parse_time(time as string) as number;
}

/** Reads the limits of outlier detection, with defaults. Any phase. */
export function read_outlier_detection(this: void, path: string, value: unknown): Read {
  const [given, problem] = read_block(path, value, READERS, {});
  if (given === undefined) return $multi(undefined, problem);
  const compares =
    given.success_rate_minimum_hosts !== undefined ||
    given.success_rate_request_volume !== undefined ||
    given.success_rate_stdev_factor !== undefined;
  const config = { ...DEFAULTS, ...(compares ? SUCCESS_RATE : NO_SUCCESS_RATE), ...given };
  if (milliseconds(config.max_ejection_time) < milliseconds(config.base_ejection_time)) {
    if (given.max_ejection_time !== undefined)
      return $multi(undefined, invalid_value(`${path}.max_ejection_time`, 'less than "base_ejection_time"'));
    // As Envoy: a longer base without a limit of its own is the limit.
    config.max_ejection_time = config.base_ejection_time;
  }
  return $multi(config, undefined);
}

/** Tells whether success rates are compared. Any phase. */
export function compares_success_rates(config: OutlierConfig): boolean {
  return (
    config.success_rate_minimum_hosts > 0 &&
    config.success_rate_request_volume > 0 &&
    config.success_rate_stdev_factor > 0
  );
}

/** Has its members written in their order. Returns it. */
export function shaped_outlier(config: OutlierConfig): OutlierConfig {
  return shaped(config, SHAPE);
}
