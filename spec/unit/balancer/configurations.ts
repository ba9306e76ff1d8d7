import type { BalancingConfig } from "../../../src/resty/sluice/config/balancing";

const HASH = { key: "$uri", consistent: false };

/** All methods, with all parameters that change them. */
export const CONFIGURATIONS: BalancingConfig[] = [
  { method: "round_robin" },
  { method: "least_conn" },
  { method: "least_time", least_time: { measure: "header", inflight: false } },
  { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
  { method: "random" },
  { method: "random", random: { two: "least_conn" } },
  { method: "random", random: { two: "least_time" } },
  { method: "hash", hash: HASH },
  { method: "hash", hash: { ...HASH, consistent: true } },
  { method: "hash", hash: { ...HASH, consistent: true, balance_factor: 125 } },
  { method: "ip_hash" },
];
