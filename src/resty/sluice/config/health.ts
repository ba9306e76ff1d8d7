import { read_members, type Read, type Reader } from "./fields";
import { read_health_check, shaped_health_check, type HealthCheckConfig } from "./health_check";
import { read_outlier_detection, shaped_outlier, type OutlierConfig } from "./outlier";
import { whole_from } from "./values";

export type { HealthCheckConfig } from "./health_check";
export type { MatchConfig } from "./match";
export { compares_success_rates, type OutlierConfig } from "./outlier";

/** How it is told which servers of an upstream are in order, beside nginx's `max_fails`. What is absent is off. */
export interface HealthConfig {
  health_check?: HealthCheckConfig;
  outlier_detection?: OutlierConfig;
  /** When fewer percent of the servers are in order, requests go to all; 0: never. */
  panic_threshold?: number;
}

/** Its members, in the order in which they are shown and stored. */
export const HEALTH_FIELDS = ["health_check", "outlier_detection", "panic_threshold"] as const;

/** Copies what is of health, and nothing else, so that equals have equal JSON texts. Any phase. */
export function health_of(from: HealthConfig): HealthConfig {
  const copy: HealthConfig = {};
  const { health_check, outlier_detection, panic_threshold } = from;
  if (health_check !== undefined) copy.health_check = shaped_health_check(health_check);
  if (outlier_detection !== undefined) copy.outlier_detection = shaped_outlier(outlier_detection);
  if (panic_threshold !== undefined) copy.panic_threshold = panic_threshold;
  return copy;
}

const READERS: [name: string, read: Reader][] = [
  ["health_check", read_health_check],
  ["outlier_detection", read_outlier_detection],
  ["panic_threshold", whole_from(0, 100)],
];

/**
 * Reads what is of health, with defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object; members that are not in `HEALTH_FIELDS` are left to the caller
 * @returns the configuration, or undefined and the problem
 */
export function read_health(input: Record<string, unknown>, base?: HealthConfig): Read<HealthConfig> {
  const [members, problem] = read_members(input, base, READERS);
  return $multi(members as HealthConfig | undefined, problem);
}
