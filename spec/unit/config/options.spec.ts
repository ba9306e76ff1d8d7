import { read_options } from "../../../src/resty/sluice/config/options";
import { expect, expectError } from "../support/expect";

describe("the options of setup", () => {
  it("have defaults", () => {
    expect(read_options({})).same({
      fsync: false,
      history: { changes: 1000, max_size: "16m" },
      shared_dict: "sluice",
      api: {
        prefix: "/api",
        write: true,
        write_tokens: [],
        read_tokens: [],
        hosts: [],
        origins: [],
        metrics: { per_server: true, codes: false },
        streams: 64,
        dashboard: true,
      },
      upstreams: {},
    });
  });

  it("end the prefix of a cluster with a slash, so that it is not the beginning of another prefix", () => {
    const endpoints = ["http://127.0.0.1:2379"];
    for (const prefix of ["/pp", "/pp/"]) {
      expect(read_options({ cluster: { etcd: { endpoints, prefix } } }).cluster?.prefix).equal("/pp/");
    }
    expect(read_options({ cluster: { etcd: { endpoints, prefix: "pp:" } } }).cluster?.prefix).equal("pp:/");
  });

  it("refuse a registry that each gateway of a cluster would find elsewhere", () => {
    const cluster = { etcd: { endpoints: ["http://127.0.0.1:2379"], prefix: "/pp/" } };
    expectError(
      () => read_options({ cluster, discovery: { docker: {} } }),
      'invalid "discovery.docker.endpoint": must not be a unix socket together with "cluster"',
    );
    const docker = { endpoint: "http://127.0.0.1:2375" };
    expect(read_options({ cluster, discovery: { docker } }).discovery?.docker?.endpoint).equal(
      docker.endpoint,
    );
    expect(read_options({ discovery: { docker: {} } }).cluster).equal(undefined);
  });

  const refused: [string, unknown, string][] = [
    ["no table", 1, "table of options"],
    ["an unknown name", { state_directory: "/x" }, '"state_directory"'],
    ["an empty state_dir", { state_dir: "" }, '"state_dir"'],
    ["a state_dir that is no string", { state_dir: 1 }, '"state_dir"'],
    ["a fsync that is no boolean", { fsync: "on" }, '"fsync"'],
    ["a history of too many changes", { history: { changes: 100001 } }, '"history.changes"'],
    ["a history without a unit", { history: { max_size: 16 } }, '"history.max_size"'],
    ["an unknown name in api", { api: { token: "x" } }, '"api.token"'],
    ["tokens that are no list", { api: { write_tokens: "x" } }, '"api.write_tokens"'],
    ["an empty token", { api: { read_tokens: [""] } }, '"api.read_tokens[0]"'],
    ["a token that no header can carry", { api: { write_tokens: ["two words"] } }, '"api.write_tokens[0]"'],
    ["a file of tokens that is no path", { api: { write_tokens_file: 1 } }, '"api.write_tokens_file"'],
    ["metrics that are no object", { api: { metrics: true } }, '"api.metrics"'],
    ["an unknown metric", { api: { metrics: { servers: true } } }, '"api.metrics.servers"'],
    ["too many streams", { api: { streams: 10001 } }, '"api.streams"'],
    ["a dashboard that is no boolean", { api: { dashboard: "on" } }, '"api.dashboard"'],
    ["any origin", { api: { origins: ["*"] } }, '"api.origins[0]": must be an origin'],
    ["no origin", { api: { origins: ["null"] } }, '"api.origins[0]": must be an origin'],
    [
      "an origin without a scheme",
      { api: { origins: ["example.com"] } },
      '"api.origins[0]": must be an origin',
    ],
    [
      "an origin with a path",
      { api: { origins: ["https://example.com/"] } },
      '"api.origins[0]": must be an origin',
    ],
    [
      "an origin with a user",
      { api: { origins: ["https://me@example.com"] } },
      '"api.origins[0]": must be an origin',
    ],
    [
      "two origins in one text",
      { api: { origins: ["https://a.example,https://b.example"] } },
      '"api.origins[0]": must be an origin',
    ],
    [
      "the default port of the scheme, which no browser sends",
      { api: { origins: ["https://a:443"] } },
      '"api.origins[0]": must be an origin',
    ],
    ["a prefix that is not a path", { api: { prefix: "api" } }, '"api.prefix"'],
    ["a bad name of an upstream", { upstreams: { "a b": {} } }, "upstreams.a b"],
    [
      "a bad method",
      { upstreams: { app: { method: "hash", hash: { key: "$" } } } },
      'upstreams.app: invalid "hash.key"',
    ],
    [
      "an upstream without a name",
      { upstreams: { "": {} } },
      "upstreams.: invalid upstream name: must be a non-empty string",
    ],
    [
      "an unknown method",
      { upstreams: { app: { method: "best" } } },
      'upstreams.app: invalid "method": must be one of "round_robin"',
    ],
    [
      "a block that is none",
      { upstreams: { app: { method: "hash", hash: 1 } } },
      'upstreams.app: invalid "hash": must be an object',
    ],
    [
      "a server without an address",
      { upstreams: { app: { servers: [{ weight: 1 }] } } },
      'upstreams.app: servers[0]: invalid "server": must be given',
    ],
    [
      "a bad weight",
      { upstreams: { app: { servers: [{ server: "127.0.0.1:9", weight: 0 }] } } },
      'upstreams.app: servers[0]: invalid "weight": must be a whole number from 1 to 2147483647',
    ],
    [
      "a parameter that is not supported",
      { upstreams: { app: { servers: [{ server: "127.0.0.1:9", service: "http" }] } } },
      'upstreams.app: servers[0]: invalid "server": "127.0.0.1:9" must be a host name because of "service"',
    ],
    [
      "a bad block of a block",
      { upstreams: { app: { health_check: { match: { status: "2xx" } } } } },
      'upstreams.app: invalid "health_check.match.status": "2xx" is not a status code',
    ],
    [
      "slow_start with a method that does not know it",
      { upstreams: { app: { method: "ip_hash", servers: [{ server: "127.0.0.1:9", slow_start: "1s" }] } } },
      'upstreams.app: servers[0]: invalid "slow_start": cannot be combined with the method "ip_hash"',
    ],
    [
      "one server twice",
      { upstreams: { app: { servers: [{ server: "127.0.0.1:9" }, { server: "127.0.0.1:9" }] } } },
      'upstreams.app: servers[1]: duplicate server "127.0.0.1:9"',
    ],
    ["a bad upstream", { upstreams: { app: { servers: [{ server: "x y" }] } } }, "upstreams.app: servers[0]"],
  ];
  for (const [what, input, text] of refused) {
    it(`refuse ${what}`, () => {
      expectError(() => {
        read_options(input);
      }, text);
    });
  }
});
