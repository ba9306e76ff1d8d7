/** Options of setup. Together they contain every field of declarations/ and every allowed text. */

const tls = { verify: true };
const upstream = (fields) => ({ upstreams: { app: fields } });
const discovery = (source) => upstream({ discovery: source });
const servers = [{ server: "127.0.0.1:9001" }];

/** @type {object[]} */
export const examples = [
  {
    state_dir: "/var/lib/sluice",
    fsync: true,
    history: { changes: 10, max_size: "64k" },
    shared_dict: "sluice",
    api: {
      prefix: "/api",
      write: true,
      write_tokens: ["w"],
      write_tokens_file: "/run/secrets/write",
      read_tokens: ["r"],
      read_tokens_file: "/run/secrets/read",
      tokens_file: "/run/secrets/tokens.json",
      certificates: {
        "CN=deploy,O=Example": { role: "write", upstreams: ["app", "shop-*"] },
        "CN=probe": { role: "read", upstreams: ["app"] },
        "CN=node": { role: "report", upstreams: ["app"] },
        "CN=duty": { role: "operate", upstreams: ["app"] },
        "CN=root": { role: "admin", upstreams: ["app"] },
      },
      audit_log: "/var/log/nginx/sluice_audit.log",
      hosts: ["gateway"],
      origins: ["https://example.com"],
      metrics: { per_server: true, codes: true },
      streams: 8,
      dashboard: true,
    },
    cluster: {
      etcd: { endpoints: ["https://127.0.0.1:2379"], prefix: "/s/", user: "u", password: "p", tls },
    },
  },
  { guard: { addresses: ["10.0.0.0/8", "unix:"], deny: ["10.9.0.0/16"], ports: "1024-65535" } },
  { guard: { ports: [80, "443-500"] } },
  { zone: "eu-1a" },
  { resolver: { addresses: ["10.0.0.2"], valid: "10s", ipv4: true, ipv6: false, timeout: "5s" } },
  upstream({
    resolver: { addresses: ["10.0.0.2:53"], valid: "10s", ipv4: true, ipv6: true, timeout: "5s" },
    servers: [{ server: "app.internal", service: "http", resolve: true }],
  }),
  upstream({
    method: "round_robin",
    zones: { prefer: true, min_servers: 2 },
    panic_threshold: 50,
    owner: "team-a",
    retries: { tries: 3, timeout: "10s", budget: { percent: 20, min_concurrent: 3 } },
    queue: { size: 100, timeout: "60s" },
    outlier_detection: {
      consecutive_5xx: 5,
      consecutive_gateway_failure: 5,
      interval: "10s",
      base_ejection_time: "30s",
      max_ejection_time: "300s",
      max_ejection_percent: 10,
      success_rate_minimum_hosts: 5,
      success_rate_request_volume: 100,
      success_rate_stdev_factor: 1900,
    },
    servers: [
      {
        server: "127.0.0.1:9001",
        weight: 2,
        backup: true,
        down: true,
        drain: true,
        standby: false,
        route: "a",
        zone: "eu-1a",
        max_conns: 10,
        max_fails: 2,
        fail_timeout: "5s",
        slow_start: "1s",
      },
    ],
  }),
  upstream({ method: "least_conn", servers }),
  upstream({
    split: {
      by: "$cookie_user",
      members: [{ upstream: "app-v2", weight: 0.01, match: { $http_x_canary: "always" } }],
    },
  }),
  upstream({ method: "ip_hash", servers }),
  upstream({ method: "least_time", least_time: { measure: "header", inflight: true } }),
  upstream({ method: "least_time", least_time: { measure: "last_byte" } }),
  upstream({ method: "random", random: { two: "least_conn" } }),
  upstream({ method: "random", random: { two: "least_time" } }),
  upstream({
    method: "least_load",
    least_load: {
      choices: 4,
      hot_quantile: 0.5,
      report: { in_flight: "named_metrics.rif", latency: "$upstream_http_x_latency" },
    },
  }),
  upstream({ method: "hash", hash: { key: "$uri", consistent: true, balance_factor: 150 } }),
  upstream({ sticky: { route: { variables: ["$cookie_route"] } } }),
  ...["strict", "lax", "none"].map((samesite) =>
    upstream({
      sticky: {
        cookie: {
          name: "srv",
          path: "/",
          domain: "example.com",
          expires: "1h",
          httponly: true,
          secure: true,
          samesite,
        },
      },
    }),
  ),
  ...["http", "https"].map((type) =>
    upstream({
      health_check: {
        type,
        uri: "/health",
        host: "app.example:8080",
        headers: { accept: "text/plain" },
        method: "POST",
        body: "ping",
        ...(type === "https" ? { verify: true } : {}),
        port: 8080,
        interval: "5s",
        jitter: "1s",
        timeout: "1s",
        fails: 3,
        passes: 2,
        mandatory: true,
        persistent: true,
        match: { status: "200", headers: { server: "nginx" }, body: "ok" },
        report: "load",
        agent: { port: 9999, send: "hello\n" },
        keepalive_time: "60s",
      },
    }),
  ),
  ...["GET", "HEAD", "OPTIONS"].map((method) => upstream({ health_check: { method } })),
  upstream({ health_check: { type: "tcp" } }),
  upstream({ health_check: { type: "grpc", host: "app", headers: { a: "b" }, grpc_service: "app.App" } }),
  upstream({ health_check: { type: "grpc", grpc_status: 12 } }),
  upstream({
    load: {
      target: 0.7,
      update: "1s",
      blackout: "10s",
      expiry: "3m",
      max_step_percent: 20,
      min_weight_percent: 5,
      error_penalty: 1,
    },
    autoscale: {
      high: 0.8,
      low: 0.3,
      for: "30s",
      cooldown: "60s",
      min: 2,
      max: 10,
      webhook: { url: "http://127.0.0.1/", secret: "s" },
      dry_run: true,
    },
  }),
  discovery({
    etcd: { endpoints: ["https://127.0.0.1:2379"], prefix: "/app/", user: "u", password: "p", tls },
    max_removal_percent: 50,
    removal_confirmations: 3,
  }),
  discovery({
    consul: {
      address: "https://127.0.0.1:8501",
      service: "app",
      tags: ["v1"],
      datacenter: "dc1",
      token: "t",
      tls,
    },
  }),
  discovery({
    consul_kv: { address: "https://127.0.0.1:8501", prefix: "app/", datacenter: "dc1", token: "t", tls },
  }),
  ...["A", "AAAA"].map((type) =>
    discovery({
      dns: { name: "app", type, port: 80, resolvers: ["127.0.0.1:53"], min_ttl: "1s", max_ttl: "60s" },
    }),
  ),
  discovery({ dns: { name: "app", type: "SRV", resolvers: ["127.0.0.1"] } }),
  discovery({
    kubernetes: {
      namespace: "default",
      service: "app",
      port: "http",
      family: "ipv6",
      api_server: "https://127.0.0.1:6443",
      token_file: "/token",
      tls,
    },
  }),
  discovery({ kubernetes: { service: "app", port: 80 } }),
  discovery({ file: { path: "/servers.json" } }),
];

/** Options that fit their types, but that setup refuses because of dependencies between fields. */
export const beyondTypes = [
  "without upstreams.app.method",
  "without upstreams.app.hash",
  "without upstreams.app.hash.consistent",
  "without upstreams.app.split.members.0.match.$http_x_canary",
  "without upstreams.app.sticky.route",
  "without upstreams.app.servers.0.resolve",
  "without upstreams.app.sticky.cookie",
  "without upstreams.app.sticky.cookie.secure",
  "without upstreams.app.health_check.mandatory",
  "without upstreams.app.health_check.method",
  "without upstreams.app.health_check.type",
  "without upstreams.app.discovery.etcd.user",
  "without upstreams.app.discovery.etcd.password",
  "without upstreams.app.discovery.dns.port",
  "without upstreams.app.discovery.dns.type",
  "without cluster.etcd.user",
  "without cluster.etcd.password",
];
