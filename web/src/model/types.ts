/** What the gateway answers, as far as the dashboard uses it. */

export type ServerState = "up" | "draining" | "down" | "unavail" | "checking" | "unhealthy";

/** The counts of some adjacent buckets of a histogram. */
export interface SparseCounts {
  /** The index of the first of them, from 0. */
  first: number;
  counts: number[];
}

export interface Problem {
  problem: string;
  reason: string;
}

/** Numbers of responses by class, such as `2xx`. */
export type Responses = Record<string, number>;

export interface Queue {
  size: number;
  max_size: number;
  overflows: number;
}

export interface DiscoverySummary {
  state: "ok" | "starting" | "failing";
  error?: string;
}

/** A member of a split, with its share in effect. */
export interface SplitMember {
  upstream: string;
  weight: number;
  share_percent: number;
  available: boolean;
}

/** A server that is not up. */
export interface WorstServer {
  id: number;
  server: string;
  state: ServerState;
  since?: string;
  reason: string;
}

/** What the status of an upstream and the list of all upstreams have in common. */
export interface SummaryFields {
  name: string;
  revision: number;
  method: string;
  states: Partial<Record<ServerState, number>>;
  active: number;
  requests: number;
  responses: Responses;
  fails: number;
  times?: SparseCounts;
  queue?: Queue;
  /** Its members, if it is a split. */
  split?: SplitMember[];
  panic?: boolean;
  discovery?: DiscoverySummary;
  problems?: Problem[];
  worst?: WorstServer;
}

export interface UpstreamSummary extends SummaryFields {
  /** The number of servers. */
  servers: number;
}

/** What each status says of its time and of its client. */
export interface StatusFields {
  /** The gateway's clock, in ISO 8601. */
  time: string;
  /** The gateway's monotonic clock, in seconds. */
  now: number;
  /** Seconds that a client should wait before it asks again. */
  interval: number;
}

export interface GatewayStatus extends StatusFields {
  version: string;
  revision: number;
  event?: string;
  /** The role of this page's credentials. */
  role: "read" | "report" | "operate" | "write" | "admin";
  may_write: boolean;
  write_needs_token: boolean;
  time_bounds: number[];
  workers: number;
  cluster?: { state: string; error?: string; problem_count: number };
  problems: Problem[];
  upstream_count: number;
  upstreams: UpstreamSummary[];
}

export interface Weight {
  effective: number;
  configured: number;
  slow_start: number;
  load: number;
  /** The part that outlier detection leaves. */
  outlier?: number;
  capacity?: number;
  median_capacity?: number;
  reason: string;
}

export interface Times extends Partial<SparseCounts> {
  count: number;
  p50?: number;
  p90?: number;
  p99?: number;
}

export interface Report {
  utilization?: number;
  connections?: number;
  rps?: number;
  eps?: number;
  state?: string;
  accepted: number;
  refused: number;
}

export interface ServerStatus {
  id: number;
  server: string;
  node?: string;
  /** The host name that the server belongs to. */
  host?: string;
  zone?: string;
  /** `hand`, `register`, `resolve` or the name of a registry. */
  origin: string;
  backup: boolean;
  down?: boolean;
  drain?: boolean;
  standby?: boolean;
  /** A job removes the server when it is idle. */
  drain_job?: boolean;
  drain_deadline?: string;
  state: ServerState;
  reason: string;
  since?: string;
  weight: Weight;
  picks: number;
  picks_percent: number;
  active: number;
  /** The present limit; 0: none. */
  max_conns: number;
  /** Present if the limit is adaptive. Times in milliseconds. */
  limit?: { max_conns: number; light_time?: number; response_time?: number };
  requests: number;
  responses: Responses;
  fails: number;
  unanswered: number;
  sent: number;
  received: number;
  header_time?: Times;
  response_time?: Times;
  check?: { status: string; checks: number; fails: number };
  report?: Report;
  report_age?: number;
  /** What the method `least_load` compares. */
  load?: ComparedLoad;
}

export interface ComparedLoad {
  /** The requests of this gateway, and those of others by the last report. */
  in_flight: number;
  elsewhere: number;
  /** In milliseconds; absent until the server has answered. */
  expected_time?: number;
  /** In seconds. */
  report_age?: number;
  /** The requests in flight above which the server is hot. */
  hot_from: number;
  hot: boolean;
}

export interface UpstreamStatus extends SummaryFields, StatusFields {
  time_bounds: number[];
  servers: ServerStatus[];
}

/** The parameters of a server, as they are configured. */
export interface ServerConfig {
  id: number;
  server: string;
  weight: number;
  max_conns: number | "adaptive";
  max_fails: number;
  fail_timeout: string;
  slow_start: string;
  route: string;
  zone?: string;
  backup: boolean;
  down: boolean;
  drain?: boolean;
  standby?: boolean;
  in_service?: boolean;
  source?: string;
  node?: string;
}

export interface DiscoveryStatus {
  source: string;
  state: string;
  last_success?: string;
  error?: string;
  revision?: string;
  servers: number;
  skipped: { entry: string; reason: string }[];
  skipped_count: number;
  pending?: { reason: string; count: number; confirmations: number; servers: string[] };
  expired?: { node: string; server: string; expires: string }[];
}

export interface ExplainedZone {
  zone: string;
  local: boolean;
  share_percent?: number;
  servers: number;
  available: number;
  utilization?: number;
}

export interface Explanation {
  method: string;
  problems: Problem[];
  zones?: { own?: string; in_effect: boolean; reason: string; zones: ExplainedZone[] };
  autoscale?: { high_since?: string; low_since?: string; scaled_at?: string; call?: string };
  next: { id?: number; server?: string; reason: string };
}
