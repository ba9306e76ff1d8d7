/** Temporary: the configuration branch has the real one. */
export interface MatchConfig {
  status: string;
  headers?: Record<string, string>;
  body?: string;
}
export interface HealthCheckConfig {
  type: "http" | "https" | "tcp";
  uri: string;
  port?: number;
  interval: string;
  jitter: string;
  timeout: string;
  fails: number;
  passes: number;
  mandatory: boolean;
  persistent: boolean;
  match?: MatchConfig;
  keepalive_time: string;
}
export interface OutlierConfig {
  consecutive_5xx: number;
  consecutive_gateway_failure: number;
  interval: string;
  base_ejection_time: string;
  max_ejection_time: string;
  max_ejection_percent: number;
  success_rate_minimum_hosts: number;
  success_rate_request_volume: number;
  success_rate_stdev_factor: number;
}
export interface HealthConfig {
  health_check?: HealthCheckConfig;
  outlier_detection?: OutlierConfig;
  panic_threshold?: number;
}
