/** Upstreams with each option of load: adaptive limits, probes, reports, degrading and bounded hashing. */
import { someAddress } from "./upstreams.mjs";

/** Values that differ from the defaults, so that a lost option is seen. */
export const LOAD_OPTIONS = {
  limits: {
    adaptive_limit: { min: 2, max: 77, tolerance: 2.5 },
    queue: { size: 7, timeout: "3s" },
    servers: [
      { server: someAddress(1), max_conns: "adaptive", slow_start: "9s" },
      { server: someAddress(2), max_conns: 5 },
    ],
  },
  least: {
    method: "least_load",
    least_load: {
      choices: 9,
      hot_quantile: 0.75,
      report: { in_flight: "named_metrics.rif", latency: "$upstream_http_x_latency" },
      probe: { uri: "/load?of=all", per_request: 0.25, host: "app.example", timeout: "150ms" },
    },
    // Nothing is asked of a server that is down.
    servers: [{ server: someAddress(3), down: true, max_conns: "adaptive", zone: "a" }],
    zones: { prefer: true, min_servers: 2 },
  },
  degraded: {
    outlier_detection: {
      mode: "degrade",
      interval: "7s",
      anomaly_minimum_hosts: 4,
      anomaly_request_volume: 60,
      anomaly_error_percent: 12,
      anomaly_latency_percent: 300,
      step_down_percent: 25,
      step_up_percent: 6,
      min_weight_percent: 2,
    },
    load: { utilization: "named_metrics.kv_cache_usage", target: 0.6 },
    servers: [{ server: someAddress(4) }, { server: someAddress(5), max_conns: "adaptive" }],
  },
  reported: { load: { utilization: "$upstream_http_x_load" }, servers: [{ server: someAddress(7) }] },
  detected: { outlier_detection: { mode: "detect", consecutive_5xx: 9 }, servers: [] },
  bounded: {
    method: "hash",
    hash: { key: "$uri", consistent: true, balance_factor: 150, balance_slack: 64 },
    servers: [{ server: someAddress(6), max_conns: "adaptive" }],
  },
};

/**
 * Returns the parts of an object that another one has, too, at each depth; lists are compared by position.
 * @param {any} found
 * @param {any} wanted
 * @returns {any}
 */
export function partsOf(found, wanted) {
  if (found === null || typeof found !== "object" || wanted === null || typeof wanted !== "object")
    return found;
  if (Array.isArray(wanted)) return found.map((each, index) => partsOf(each, wanted[index]));
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, partsOf(found[name], wanted[name])]));
}
