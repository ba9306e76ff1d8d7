import { in_order } from "../../../src/resty/sluice/config/block";
import { DISCOVERY, source_of } from "../../../src/resty/sluice/config/discovery";
import type { Read } from "../../../src/resty/sluice/config/reader";
import { read_settings, type UpstreamSettings } from "../../../src/resty/sluice/config/settings";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const GUARD = { max_removal_percent: 50, removal_confirmations: 3 };
const ETCD = { endpoints: ["http://127.0.0.1:2379"], prefix: "/upstreams/app/" };
const CONSUL = { address: "http://127.0.0.1:8500", service: "app" };
const CONSUL_KV = { address: "http://127.0.0.1:8500", prefix: "upstreams/app/" };
const DNS = { name: "app.example", port: 80, resolvers: ["127.0.0.1"] };
const DNS_READ = { type: "A", min_ttl: "1s", max_ttl: "60s", ...DNS, resolvers: ["127.0.0.1:53"] };
const KUBERNETES = { service: "app", port: "http" };
const KUBERNETES_DEFAULTS = {
  namespace: "default",
  api_server: "https://kubernetes.default.svc",
  token_file: "/var/run/secrets/kubernetes.io/serviceaccount/token",
};
const KUBERNETES_READ = { ...KUBERNETES_DEFAULTS, ...KUBERNETES };

type DiscoveryConfig = Pick<UpstreamSettings, "discovery">;

function read_discovery(input: Record<string, unknown>, base?: DiscoveryConfig): Read<DiscoveryConfig> {
  const [settings, problem] = read_settings(
    input,
    base === undefined ? undefined : { method: "round_robin", ...base },
  );
  if (settings === undefined) return $multi(undefined, problem);
  const { discovery } = settings;
  return $multi(discovery === undefined ? {} : { discovery }, undefined);
}

function read(discovery: unknown, base?: DiscoveryConfig): DiscoveryConfig | undefined {
  return read_discovery({ discovery }, base)[0];
}

/** Checks that a registry's configuration is read as `wanted`, and that `wanted` is read unchanged. */
function expect_read(name: string, given: object, wanted: object): void {
  const config = { discovery: { ...GUARD, [name]: wanted } };
  expect(read({ [name]: given })).same(config);
  expect(read(config.discovery)).same(config);
}

function expect_refused(discovery: unknown, text: string): void {
  const [config, problem] = read_discovery({ discovery });
  expect(config).equal(undefined);
  expect(problem?.status).equal(400);
  expect(problem?.code).equal("UpstreamConfFormatError");
  expect(problem?.text).equal(text);
}

const long = (size: number) => string.rep("x", size);
const NO_TEXT = "must be a non-empty string";
const NO_URL = "must be http:// or https:// and a host, without a path";

describe("discovery", () => {
  const accepted: [name: string, given: object, read?: object][] = [
    ["etcd", ETCD],
    ["etcd", { ...ETCD, user: "u", password: "p" }],
    ["etcd", { ...ETCD, endpoints: ["https://a", "https://[::1]:1"], tls: {} }],
    ["consul", CONSUL],
    ["consul", { ...CONSUL, tags: ["a", "b"], datacenter: "dc1", token: "t" }],
    ["consul_kv", CONSUL_KV],
    ["consul_kv", { ...CONSUL_KV, datacenter: "dc1", token: "t" }],
    ["dns", DNS, DNS_READ],
    ["dns", { ...DNS, type: "AAAA" }, { ...DNS_READ, type: "AAAA" }],
    ["dns", { ...DNS, min_ttl: "100ms", max_ttl: "1d" }, { ...DNS_READ, min_ttl: "100ms", max_ttl: "1d" }],
    ["dns", { ...DNS, min_ttl: "1m", max_ttl: "60s" }, { ...DNS_READ, min_ttl: "1m", max_ttl: "60s" }],
    [
      "dns",
      { ...DNS, resolvers: ["[::1]", "10.0.0.1:54"] },
      { ...DNS_READ, resolvers: ["[::1]:53", "10.0.0.1:54"] },
    ],
    ["dns", { ...DNS, resolvers: ["10.0.0.1:80"] }, { ...DNS_READ, resolvers: ["10.0.0.1:80"] }],
    [
      "dns",
      { ...DNS, name: "_http._tcp.app_1.example." },
      { ...DNS_READ, name: "_http._tcp.app_1.example." },
    ],
    ["kubernetes", KUBERNETES, KUBERNETES_READ],
    ["kubernetes", { ...KUBERNETES, port: 8080 }, { ...KUBERNETES_READ, port: 8080 }],
    ["kubernetes", { service: "app" }, { ...KUBERNETES_DEFAULTS, service: "app" }],
    ["kubernetes", { ...KUBERNETES, family: "ipv6" }, { ...KUBERNETES_READ, family: "ipv6" }],
    [
      "kubernetes",
      { ...KUBERNETES, namespace: "n", api_server: "http://10.0.0.1:8001", token_file: "/t" },
      { ...KUBERNETES_READ, namespace: "n", api_server: "http://10.0.0.1:8001", token_file: "/t" },
    ],
    ["file", { path: "/etc/app.json" }],
  ];
  for (const [name, given, wanted] of accepted) {
    it(`may be ${name} ${encode(given)}`, () => {
      const has_tls = (given as { tls?: object }).tls !== undefined;
      expect_read(name, given, wanted ?? (has_tls ? { ...given, tls: { verify: true } } : given));
    });
  }

  it("may set the verification of certificates for https:// addresses", () => {
    for (const verify of [true, false]) {
      const tls = { verify };
      expect_read(
        "etcd",
        { ...ETCD, endpoints: ["https://a"], tls },
        { ...ETCD, endpoints: ["https://a"], tls },
      );
      expect_read(
        "consul",
        { ...CONSUL, address: "https://a", tls },
        { ...CONSUL, address: "https://a", tls },
      );
      expect_read("kubernetes", { ...KUBERNETES, tls }, { ...KUBERNETES_READ, tls });
    }
  });

  it("may contain each limit alone", () => {
    expect(read({})).same({ discovery: GUARD });
    expect(read({ max_removal_percent: 0, removal_confirmations: 1000 })).same({
      discovery: { max_removal_percent: 0, removal_confirmations: 1000 },
    });
    expect(
      read({ max_removal_percent: 100, removal_confirmations: 1 })?.discovery?.max_removal_percent,
    ).equal(100);
    expect(read({ file: { path: "/a" }, removal_confirmations: 5 })).same({
      discovery: { ...GUARD, removal_confirmations: 5, file: { path: "/a" } },
    });
  });

  it("is kept, replaced as a whole, or removed by a change", () => {
    const base = read({ etcd: ETCD, max_removal_percent: 10 });
    expect(read_discovery({}, base)[0]).same(base);
    expect(read({ consul: CONSUL }, base)).same({ discovery: { ...GUARD, consul: CONSUL } });
    expect(read_discovery({ discovery: json_null }, base)[0]).same({});
  });

  it("determines its registry", () => {
    expect(source_of(undefined)).equal(undefined);
    expect(source_of(read({})?.discovery)).equal(undefined);
    for (const [name, config] of pairs({ etcd: ETCD, consul: CONSUL, consul_kv: CONSUL_KV, dns: DNS })) {
      expect(source_of(read({ [name]: config })?.discovery)).equal(name);
    }
    expect(source_of(read({ kubernetes: KUBERNETES })?.discovery)).equal("kubernetes");
    expect(source_of(read({ file: { path: "/a" } })?.discovery)).equal("file");
  });

  it("is written in a fixed order", () => {
    const block = {
      removal_confirmations: 3,
      max_removal_percent: 50,
      etcd: { tls: { verify: false }, password: "p", user: "u", prefix: "/", endpoints: ["https://a"] },
    };
    expect(encode(in_order(DISCOVERY, block))).equal(
      '{"etcd":{"endpoints":["https:\\/\\/a"],"prefix":"\\/","user":"u","password":"p",' +
        '"tls":{"verify":false}},"max_removal_percent":50,"removal_confirmations":3}',
    );
  });

  it("must not have two registries", () => {
    expect_refused(
      { etcd: ETCD, consul: CONSUL },
      'invalid "discovery": must not have both "etcd" and "consul"',
    );
    expect_refused(
      { file: { path: "/a" }, dns: DNS },
      'invalid "discovery": must not have both "dns" and "file"',
    );
  });

  const blocks: [unknown, string][] = [
    [7, 'invalid "discovery": must be an object'],
    [[ETCD], 'invalid "discovery": must be an object'],
    [{ zookeeper: {} }, 'unknown parameter "discovery.zookeeper"'],
    [{ etcd: json_null }, 'invalid "discovery.etcd": must be an object'],
    [
      { max_removal_percent: 101 },
      'invalid "discovery.max_removal_percent": must be a whole number from 0 to 100',
    ],
    [
      { max_removal_percent: -1 },
      'invalid "discovery.max_removal_percent": must be a whole number from 0 to 100',
    ],
    [
      { max_removal_percent: "5" },
      'invalid "discovery.max_removal_percent": must be a whole number from 0 to 100',
    ],
    [
      { removal_confirmations: 0 },
      'invalid "discovery.removal_confirmations": must be a whole number from 1 to 1000',
    ],
    [
      { removal_confirmations: 1.5 },
      'invalid "discovery.removal_confirmations": must be a whole number from 1 to 1000',
    ],
  ];
  for (const [discovery, text] of blocks) {
    it(`is not ${encode(discovery)}`, () => {
      expect_refused(discovery, text);
    });
  }

  for (const name of ["etcd", "consul", "consul_kv", "dns", "kubernetes", "file"]) {
    it(`refuses ${name} if it is not an object or has an unknown member`, () => {
      for (const value of [7, "x", true, ["x"], json_null]) {
        expect_refused({ [name]: value }, `invalid "discovery.${name}": must be an object`);
      }
      expect_refused({ [name]: { colour: 1 } }, `unknown parameter "discovery.${name}.colour"`);
    });
  }

  for (const [name, given] of pairs({ etcd: ETCD, consul: CONSUL, consul_kv: CONSUL_KV })) {
    it(`refuses ${name} with invalid TLS options`, () => {
      const path = `discovery.${name}.tls`;
      const of = (tls: unknown) => ({ [name]: { ...given, tls } });
      const url = name === "etcd" ? "http://127.0.0.1:2379" : "http://127.0.0.1:8500";
      expect_refused(of(true), `invalid "${path}": must be an object`);
      expect_refused(of({ verify: "yes" }), `invalid "${path}.verify": must be true or false`);
      expect_refused(of({ cert: "/a" }), `unknown parameter "${path}.cert"`);
      expect_refused(
        of({ ca: "/a" }),
        `invalid "${path}.ca": is not supported: set the file by nginx's directive lua_ssl_trusted_certificate`,
      );
      expect_refused(of({}), `invalid "${path}": requires https:// addresses, unlike "${url}"`);
    });
  }

  const refused: [name: string, given: object, text: string][] = [
    ["etcd", { prefix: "/" }, 'invalid "discovery.etcd.endpoints": must be given'],
    ["etcd", { endpoints: ETCD.endpoints }, 'invalid "discovery.etcd.prefix": must be given'],
    ["etcd", { ...ETCD, endpoints: "http://a" }, 'invalid "discovery.etcd.endpoints": must be a list'],
    [
      "etcd",
      { ...ETCD, endpoints: [] },
      'invalid "discovery.etcd.endpoints": must be a list of 1 to 16 items',
    ],
    ["etcd", { ...ETCD, endpoints: ["a"] }, `invalid "discovery.etcd.endpoints[0]": ${NO_URL}`],
    ["etcd", { ...ETCD, endpoints: ["http://a", 7] }, `invalid "discovery.etcd.endpoints[1]": ${NO_TEXT}`],
    [
      "etcd",
      { ...ETCD, endpoints: [`http://${long(506)}`] },
      'invalid "discovery.etcd.endpoints[0]": must not be longer than 512 bytes',
    ],
    [
      "etcd",
      { ...ETCD, endpoints: ["http://a:0"] },
      'invalid "discovery.etcd.endpoints[0]": the port must be a number from 1 to 65535',
    ],
    ["etcd", { ...ETCD, prefix: "" }, `invalid "discovery.etcd.prefix": ${NO_TEXT}`],
    [
      "etcd",
      { ...ETCD, prefix: long(513) },
      'invalid "discovery.etcd.prefix": must not be longer than 512 bytes',
    ],
    [
      "etcd",
      { ...ETCD, user: "u" },
      'invalid "discovery.etcd": must have both "user" and "password", or neither',
    ],
    [
      "etcd",
      { ...ETCD, password: "p" },
      'invalid "discovery.etcd": must have both "user" and "password", or neither',
    ],
    ["etcd", { ...ETCD, user: "u", password: "" }, `invalid "discovery.etcd.password": ${NO_TEXT}`],
    [
      "etcd",
      { ...ETCD, user: "a\r\nb", password: "p" },
      'invalid "discovery.etcd.user": must not contain control characters',
    ],
    [
      "etcd",
      { ...ETCD, endpoints: ["https://a", "http://b"], tls: { verify: true } },
      'invalid "discovery.etcd.tls": requires https:// addresses, unlike "http://b"',
    ],
    ["consul", { service: "app" }, 'invalid "discovery.consul.address": must be given'],
    ["consul", { address: CONSUL.address }, 'invalid "discovery.consul.service": must be given'],
    ["consul", { ...CONSUL, prefix: "a" }, 'unknown parameter "discovery.consul.prefix"'],
    ["consul", { ...CONSUL, address: "a:8500" }, `invalid "discovery.consul.address": ${NO_URL}`],
    [
      "consul",
      { ...CONSUL, service: long(257) },
      'invalid "discovery.consul.service": must not be longer than 256 bytes',
    ],
    ["consul", { ...CONSUL, tags: "a" }, 'invalid "discovery.consul.tags": must be a list'],
    ["consul", { ...CONSUL, tags: [] }, 'invalid "discovery.consul.tags": must be a list of 1 to 16 items'],
    ["consul", { ...CONSUL, tags: ["a", ""] }, `invalid "discovery.consul.tags[1]": ${NO_TEXT}`],
    [
      "consul",
      { ...CONSUL, token: "a\nb" },
      'invalid "discovery.consul.token": must not contain control characters',
    ],
    ["consul", { ...CONSUL, datacenter: 1 }, `invalid "discovery.consul.datacenter": ${NO_TEXT}`],
    ["consul_kv", { prefix: "a/" }, 'invalid "discovery.consul_kv.address": must be given'],
    ["consul_kv", { address: CONSUL.address }, 'invalid "discovery.consul_kv.prefix": must be given'],
    ["consul_kv", { ...CONSUL_KV, service: "a" }, 'unknown parameter "discovery.consul_kv.service"'],
    ["dns", { port: 80, resolvers: DNS.resolvers }, 'invalid "discovery.dns.name": must be given'],
    ["dns", { name: "a", port: 80 }, 'invalid "discovery.dns.resolvers": must be given'],
    ["dns", { name: "a", resolvers: DNS.resolvers }, 'invalid "discovery.dns.port": must be given'],
    [
      "dns",
      { ...DNS, type: "SRV" },
      'invalid "discovery.dns.port": cannot be combined with the type "SRV", whose records contain the port',
    ],
    ["dns", { ...DNS, type: "CNAME" }, 'invalid "discovery.dns.type": must be one of "A", "AAAA", "SRV"'],
    ["dns", { ...DNS, port: 65536 }, 'invalid "discovery.dns.port": must be a whole number from 1 to 65535'],
    ["dns", { ...DNS, resolvers: [] }, 'invalid "discovery.dns.resolvers": must be a list of 1 to 8 items'],
    [
      "dns",
      { ...DNS, name: "a b" },
      'invalid "discovery.dns.name": must be a name of letters, digits, ., - and _ of at most 253 bytes',
    ],
    [
      "dns",
      { ...DNS, name: long(254) },
      'invalid "discovery.dns.name": must be a name of letters, digits, ., - and _ of at most 253 bytes',
    ],
    [
      "dns",
      { ...DNS, resolvers: ["unix:/a"] },
      'invalid "discovery.dns.resolvers[0]": must be an IP address with or without a port, such as "10.0.0.2:53"',
    ],
    ["dns", { ...DNS, min_ttl: "99ms" }, 'invalid "discovery.dns.min_ttl": must be a time from 100ms to 1h'],
    ["dns", { ...DNS, max_ttl: "25h" }, 'invalid "discovery.dns.max_ttl": must be a time from 100ms to 1d'],
    ["dns", { ...DNS, min_ttl: "2m" }, 'invalid "discovery.dns.min_ttl": must not be more than "max_ttl"'],
    ["kubernetes", { port: 80 }, 'invalid "discovery.kubernetes.service": must be given'],
    [
      "kubernetes",
      { ...KUBERNETES, port: 0 },
      'invalid "discovery.kubernetes.port": must be the name of a port or a whole number from 1 to 65535',
    ],
    [
      "kubernetes",
      { ...KUBERNETES, port: true },
      'invalid "discovery.kubernetes.port": must be the name of a port or a whole number from 1 to 65535',
    ],
    [
      "kubernetes",
      { ...KUBERNETES, service: "a/b" },
      'invalid "discovery.kubernetes.service": must be a name of letters, digits, - and . of at most 63 bytes',
    ],
    [
      "kubernetes",
      { ...KUBERNETES, namespace: long(64) },
      'invalid "discovery.kubernetes.namespace": must be a name of letters, digits, - and . of at most 63 bytes',
    ],
    [
      "kubernetes",
      { ...KUBERNETES, api_server: "a" },
      `invalid "discovery.kubernetes.api_server": ${NO_URL}`,
    ],
    [
      "kubernetes",
      { ...KUBERNETES, token_file: "" },
      `invalid "discovery.kubernetes.token_file": ${NO_TEXT}`,
    ],
    [
      "kubernetes",
      { ...KUBERNETES, tls: { ca: "/a" } },
      'invalid "discovery.kubernetes.tls.ca": is not supported: set the file by nginx\'s directive ' +
        "lua_ssl_trusted_certificate",
    ],
    [
      "kubernetes",
      { ...KUBERNETES, api_server: "http://a", tls: {} },
      'invalid "discovery.kubernetes.tls": requires https:// addresses, unlike "http://a"',
    ],
    ["file", {}, 'invalid "discovery.file.path": must be given'],
    ["file", { path: "a.json" }, 'invalid "discovery.file.path": must begin with "/"'],
    ["file", { path: 7 }, 'invalid "discovery.file.path": must begin with "/"'],
    ["file", { path: `/${long(1024)}` }, 'invalid "discovery.file.path": must not be longer than 1024 bytes'],
  ];
  for (const [name, given, text] of refused) {
    it(`is not ${name} ${string.sub(encode(given), 1, 120)}`, () => {
      expect_refused({ [name]: given }, text);
    });
  }

  it("refuses a DNS resolver with a name or an invalid port", () => {
    for (const resolver of ["localhost", "10.0.0.1:0", ""]) {
      const [config, problem] = read_discovery({ discovery: { dns: { ...DNS, resolvers: [resolver] } } });
      expect(config).equal(undefined);
      expect(problem?.text).contains('invalid "discovery.dns.resolvers[0]": ');
    }
  });

  it("needs no port with SRV records", () => {
    const { name, resolvers } = DNS;
    const { port: _, ...read_without } = DNS_READ;
    expect_read("dns", { name, resolvers, type: "SRV" }, { ...read_without, type: "SRV" });
  });
});
