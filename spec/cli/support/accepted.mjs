/** Upstreams that the gateway accepts, which together have every option. */

const server = "127.0.0.1:9001";
const one = { servers: [{ server }] };

/** @type {object[]} */
export const acceptedUpstreams = [
  {},
  { servers: [] },
  one,
  { servers: [{ server: "10.0.0.1" }, { server: "[2001:db8::1]:8080" }, { server: "unix:/run/app.sock" }] },
  { servers: [{ server: "[::ffff:10.0.0.1]:80" }, { server: "[2001:DB8:0:0::1]" }, { server: "[::]:1" }] },
  {
    servers: [
      {
        server,
        weight: 5,
        max_conns: 100,
        max_fails: 3,
        fail_timeout: "30s",
        slow_start: "1m 30s",
        route: "a",
      },
      { server: "10.0.0.2:80", weight: "7", fail_timeout: 30, max_fails: "0", backup: true, down: true },
      { server: "10.0.0.3:80", drain: true },
      { server: "10.0.0.4:80", standby: true },
    ],
  },
  { method: "least_conn", ...one },
  { method: "least_time", least_time: { measure: "last_byte", inflight: true }, ...one },
  {
    method: "least_load",
    least_load: { hot_quantile: 0.4, report: { latency: "$upstream_http_x_ms" } },
    ...one,
  },
  { method: "random", random: { two: "least_time" }, ...one },
  {
    method: "hash",
    hash: { key: "$remote_addr${uri}", consistent: true, balance_factor: 150, balance_slack: 8 },
    ...one,
  },
  { method: "ip_hash", ...one },
  {
    sticky: {
      cookie: {
        name: "srv",
        path: "/",
        domain: ".$host",
        expires: "1h",
        httponly: true,
        secure: true,
        samesite: "none",
      },
    },
    ...one,
  },
  { sticky: { route: { variables: ["$cookie_route", "$arg_route"] } }, ...one },
  {
    health_check: {
      type: "https",
      uri: "/health?full=1",
      port: 8080,
      interval: "2s",
      jitter: "500ms",
      timeout: "1s",
      fails: 2,
      passes: 3,
      mandatory: true,
      persistent: true,
      match: { status: "200 204 300-399", headers: { "content-type": "json", "x-ready": "" }, body: "ok" },
      report: "load.utilization",
      agent: { port: 9999, send: "state\n" },
      keepalive_time: "30s",
    },
    ...one,
  },
  { health_check: { type: "tcp" }, ...one },
  {
    outlier_detection: {
      mode: "degrade",
      consecutive_5xx: 5,
      consecutive_gateway_failure: 3,
      interval: "10s",
      base_ejection_time: "30s",
      max_ejection_time: "300s",
      max_ejection_percent: 50,
      success_rate_minimum_hosts: 5,
      success_rate_request_volume: 100,
      success_rate_stdev_factor: 1900,
      anomaly_minimum_hosts: 3,
      anomaly_request_volume: 50,
      anomaly_error_percent: 10,
      anomaly_latency_percent: 200,
      step_down_percent: 20,
      step_up_percent: 5,
      min_weight_percent: 1,
    },
    ...one,
  },
  {
    panic_threshold: 50,
    retries: { tries: 3, timeout: "5s", budget: { percent: 20, min_concurrent: 3 } },
    ...one,
  },
  { queue: { size: 100, timeout: "30s" }, ...one },
  {
    load: {
      utilization: "$upstream_http_x_kv_cache_usage",
      target: 0.6,
      update: "1s",
      blackout: "10s",
      expiry: "3m",
      max_step_percent: 20,
      min_weight_percent: 5,
      error_penalty: 2,
    },
    ...one,
  },
  {
    autoscale: {
      high: 0.8,
      low: 0.3,
      for: "30s",
      cooldown: "2m",
      min: 1,
      max: 10,
      dry_run: true,
      webhook: { url: "http://127.0.0.1:9100", secret: "0123456789abcdef" },
    },
    ...one,
  },
  { discovery: { etcd: { endpoints: ["http://127.0.0.1:2379"], prefix: "/services/app/" } } },
  {
    discovery: {
      dns: {
        name: "app.example",
        type: "A",
        port: 80,
        resolvers: ["127.0.0.1:5353"],
        min_ttl: "1s",
        max_ttl: "60s",
      },
    },
  },
  { discovery: { consul: { address: "http://127.0.0.1:8500", service: "app", token: "secret" } } },
  {
    discovery: { file: { path: "/etc/sluice/app.json" }, max_removal_percent: 50, removal_confirmations: 3 },
  },
  {
    discovery: {
      consul_kv: { address: "https://127.0.0.1:8500", prefix: "upstreams/app/", tls: { verify: false } },
    },
  },
  { discovery: { docker: { network: "front", upstream: "shop" } } },
  { discovery: { kubernetes: { namespace: "shop", service: "app", port: "http", family: "ipv4" } } },
];
