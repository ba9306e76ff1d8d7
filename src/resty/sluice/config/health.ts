/** What an answer to a probe must be like. */
export interface MatchConfig {
  /** Codes and ranges of codes: `200-399`. */
  status: string;
  /** By name in lower case: a regular expression that the value matches; empty: the header is there. */
  headers?: Record<string, string>;
  /** A regular expression that is found in the body. */
  body?: string;
}

/** How the servers of an upstream are probed. Times are nginx's. */
export interface HealthCheckConfig {
  type: "http" | "https" | "tcp";
  uri: string;
  /** Instead of the server's own. */
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

/** What an upstream has of it. */
export interface HealthConfig {
  health_check?: HealthCheckConfig;
}
