import { compares_success_rates, type OutlierConfig } from "../config/outlier";
import { seconds_of } from "../config/time";
import { Row, UpstreamRow } from "../store/memory/cells";
import { fence } from "../store/memory/dict";
import { is_ejected } from "../store/memory/ejection";
import { use_rare_cells } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";
import { report_ejection } from "../store/memory/outlier";
import { conclude } from "../store/memory/state";
import type { Subject } from "../store/memory/subject";
import type { AnomalyLimits } from "./anomaly";

/**
 * Outlier detection, in Envoy's terms. A server with too many bad responses in a row, or clearly more of them
 * than the others, is ejected for `base_ejection_time` times the number of its ejections, at most for
 * `max_ejection_time`. Each `interval` without an ejection reduces that number by one.
 */

const PERCENT = 100;

/** The limits of an upstream. Times in seconds. */
export interface OutlierLimits {
  /** False: ejections are only reported. */
  ejects: boolean;
  /** The limits of anomalies; undefined: none are looked for. */
  anomalies: AnomalyLimits | undefined;
  consecutive_5xx: number;
  consecutive_gateway_failure: number;
  interval: number;
  base_ejection_time: number;
  max_ejection_time: number;
  max_ejection_percent: number;
  compares_success_rates: boolean;
  success_rate_minimum_hosts: number;
  success_rate_request_volume: number;
  success_rate_stdev_factor: number;
}

/** Returns the limits of anomalies; undefined: the mode does not look for them. */
function anomaly_limits_of(config: OutlierConfig): AnomalyLimits | undefined {
  const { mode } = config;
  if (mode !== "degrade" && mode !== "detect") return undefined;
  return {
    degrades: mode === "degrade",
    minimum_hosts: config.anomaly_minimum_hosts ?? 0,
    request_volume: config.anomaly_request_volume ?? 0,
    error_margin: (config.anomaly_error_percent ?? 0) / PERCENT,
    latency_ratio: (config.anomaly_latency_percent ?? 0) / PERCENT,
    step_down: (config.step_down_percent ?? 0) / PERCENT,
    step_up: (config.step_up_percent ?? 0) / PERCENT,
    min_part: (config.min_weight_percent ?? 0) / PERCENT,
  };
}

/** Converts the times of a configuration to seconds, and its percentages to parts of 1. */
export function limits_of(config: OutlierConfig): OutlierLimits {
  return {
    ejects: config.mode !== "detect",
    anomalies: anomaly_limits_of(config),
    consecutive_5xx: config.consecutive_5xx,
    consecutive_gateway_failure: config.consecutive_gateway_failure,
    interval: seconds_of(config.interval),
    base_ejection_time: seconds_of(config.base_ejection_time),
    max_ejection_time: seconds_of(config.max_ejection_time),
    max_ejection_percent: config.max_ejection_percent,
    compares_success_rates: compares_success_rates(config),
    success_rate_minimum_hosts: config.success_rate_minimum_hosts,
    success_rate_request_volume: config.success_rate_request_volume,
    success_rate_stdev_factor: config.success_rate_stdev_factor,
  };
}

function count(cell: number): number {
  const memory = shared_memory();
  memory[cell] = memory[cell] + 1;
  return memory[cell];
}

/**
 * Counts a bad response. Any phase.
 *
 * @param is_gateway_failure the status was 502, 503 or 504, or there was no response
 * @returns the reason to eject the server; undefined: there is none
 */
export function count_error(
  { row }: Subject,
  limits: OutlierLimits,
  is_gateway_failure: boolean,
): string | undefined {
  use_rare_cells(row);
  const errors = count(row + Row.ERRORS_5XX);
  const failures = is_gateway_failure ? count(row + Row.ERRORS_GATEWAY) : 0;
  if (!is_gateway_failure) shared_memory()[row + Row.ERRORS_GATEWAY] = 0;
  if (limits.consecutive_5xx > 0 && errors >= limits.consecutive_5xx)
    return `${errors} responses of 5xx in a row`;
  if (limits.consecutive_gateway_failure > 0 && failures >= limits.consecutive_gateway_failure)
    return `${failures} gateway failures in a row`;
  return undefined;
}

/** Forgets the bad responses after a good one. Any phase. */
export function clear_errors({ row }: Subject): void {
  const memory = shared_memory();
  memory[row + Row.ERRORS_5XX] = 0;
  memory[row + Row.ERRORS_GATEWAY] = 0;
}

/** Returns the number of other ejected servers of the upstream, and the number of all its servers. */
type CountOthers<S extends Subject> = (
  this: void,
  subject: S,
  now: number,
) => LuaMultiReturn<[number, number]>;

/**
 * Tells whether the limit allows one more ejection. As in Envoy, it always allows the first one. A worker
 * that has not yet followed the removal of outlier detection ejects none: the writer has ended the ejections
 * before.
 */
function may_eject<S extends Subject>(
  subject: S,
  { max_ejection_percent }: OutlierLimits,
  count_others: CountOthers<S>,
  now: number,
): boolean {
  if (shared_memory()[subject.upstream.row + UpstreamRow.EJECTS] === 0) return false;
  const [others, size] = count_others(subject, now);
  if (others === 0) return max_ejection_percent > 0;
  return (others + 1) * PERCENT <= max_ejection_percent * size;
}

/**
 * Ejects a server, unless it is ejected already or too many servers of its upstream are. With the mode
 * "detect" it only reports that. Workers that eject at the same time first write and then check. The fence
 * lets each see what the others wrote, so that at most one goes on. Any phase.
 */
export function eject<S extends Subject>(
  subject: S,
  limits: OutlierLimits,
  count_others: CountOthers<S>,
  now: number,
  reason: string,
): void {
  const memory = shared_memory();
  const { row } = subject;
  if (!limits.ejects) {
    clear_errors(subject);
    if (limits.max_ejection_percent > 0) report_ejection(subject, now, limits.base_ejection_time, reason);
    return;
  }
  if (memory[row + Row.STAMP] !== subject.incarnation || is_ejected(row, now)) return;
  if (!may_eject(subject, limits, count_others, now)) return;
  use_rare_cells(row);
  const ended = memory[row + Row.EJECTION_ENDED];
  const quiet = ended > 0 ? math.floor((now - ended) / limits.interval) : 0;
  const ejections = math.max(0, memory[row + Row.EJECTIONS] - quiet) + 1;
  const time = math.min(limits.base_ejection_time * ejections, limits.max_ejection_time);
  const before = memory[row + Row.EJECTED_UNTIL];
  // Another worker may have ejected it meanwhile. A second ejection would double the time.
  if (before > now) return;
  memory[row + Row.EJECTED_UNTIL] = now + time;
  fence();
  if (!may_eject(subject, limits, count_others, now)) {
    memory[row + Row.EJECTED_UNTIL] = before;
    return;
  }
  memory[row + Row.EJECTIONS] = ejections;
  memory[row + Row.ALL_EJECTIONS] = memory[row + Row.ALL_EJECTIONS] + 1;
  clear_errors(subject);
  conclude(subject, now, `${reason}: ejected for ${time} s`);
}
