import type { BalancingConfig } from "../../../src/resty/sluice/config/balancing";

const HASH = { key: "$uri", consistent: false };

/** All methods, with all parameters that change them. */
export const CONFIGURATIONS: BalancingConfig[] = [
  { method: "round_robin" },
  { method: "least_conn" },
  { method: "least_time", least_time: { measure: "header", inflight: false } },
  { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
  { method: "least_load", least_load: { choices: 2, hot_quantile: 0.6 } },
  { method: "least_load", least_load: { choices: 6, hot_quantile: 0.6 } },
  { method: "random" },
  { method: "random", random: { two: "least_conn" } },
  { method: "random", random: { two: "least_time" } },
  { method: "hash", hash: HASH },
  { method: "hash", hash: { ...HASH, consistent: true } },
  { method: "hash", hash: { ...HASH, consistent: true, balance_factor: 125 } },
  { method: "hash", hash: { ...HASH, consistent: true, balance_factor: 125, balance_slack: 4 } },
  { method: "ip_hash" },
];

/** Tells whether the picks of a method are drawn, so that the next one is not known. */
export function is_drawn({ method }: BalancingConfig): boolean {
  return method === "random" || method === "least_load";
}
