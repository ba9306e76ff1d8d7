import {
  address_rules_of,
  check_places,
  check_server_place,
  GUARD,
  PLACE_BLOCKS,
} from "../../../src/resty/sluice/config/address_rules";
import { DISCOVERY } from "../../../src/resty/sluice/config/discovery";
import { read_options } from "../../../src/resty/sluice/config/options";
import { read_upstream } from "../../../src/resty/sluice/config/upstream";
import type { AddressRules } from "../../../src/resty/sluice/lib/address_rules";
import { expect, expectError } from "../support/expect";

function rules_of(guard: object): AddressRules {
  const [config, problem] = GUARD.read("guard", guard);
  if (config === undefined) return error(problem?.text ?? "");
  return address_rules_of(config);
}

describe("guard", () => {
  const accepted: [given: object, kept: object][] = [
    [{}, {}],
    [
      { addresses: ["10.0.0.0/8", "fd00::/8", "unix:"], deny: ["169.254.0.0/16"], ports: "1024-65535" },
      { addresses: ["10.0.0.0/8", "fd00::/8", "unix:"], deny: ["169.254.0.0/16"], ports: "1024-65535" },
    ],
    [{ ports: [80, "443", "1024-65535"] }, { ports: "80,443,1024-65535" }],
    [{ ports: "80,443" }, { ports: "80,443" }],
  ];
  for (const [given, kept] of accepted) {
    it("keeps its options", () => {
      expect(GUARD.read("guard", given)[0]).same(kept);
    });
  }

  const refused: [given: unknown, says: string][] = [
    [1, 'invalid "guard": must be an object'],
    [{ allow: ["10.0.0.0/8"] }, 'unknown parameter "guard.allow"'],
    [{ addresses: "10.0.0.0/8" }, 'invalid "guard.addresses": must be a list'],
    [{ addresses: [] }, 'invalid "guard.addresses": must be a list of 1 to 1000 items'],
    [{ addresses: [10] }, 'invalid "guard.addresses[0]": must be a string'],
    [
      { addresses: ["10.0.0.0/8", "10.1/16"] },
      'invalid "guard.addresses[1]": "10.1/16" must be an IP address',
    ],
    [{ deny: ["metadata"] }, 'invalid "guard.deny[0]": "metadata" must be an IP address or a network'],
    [{ deny: ["unix:/run"] }, 'invalid "guard.deny[0]": "unix:/run" must be an IP address or a network'],
    [{ ports: [] }, 'invalid "guard.ports": must be ports and ranges of ports'],
    [{ ports: true }, 'invalid "guard.ports": must be a list'],
    [{ ports: [true] }, 'invalid "guard.ports": must be a string, or a list of strings and numbers'],
    [{ ports: 80 }, 'invalid "guard.ports": must be a list'],
    [{ ports: [0] }, 'invalid "guard.ports": must be ports'],
    [{ ports: [80.5] }, 'invalid "guard.ports": must be ports'],
    [{ ports: "80-" }, 'invalid "guard.ports": must be ports'],
  ];
  for (const [given, says] of refused) {
    it(`is refused: ${says}`, () => {
      const [config, problem] = GUARD.read("guard", given);
      expect(config).equal(undefined);
      expect(problem?.text).contains(says);
    });
  }
});

const RULES = rules_of({ addresses: ["10.0.0.0/8"], ports: "1024-65535" });
const CALL = { min: 1, max: 2, webhook: { url: "https://10.0.0.1:8443/scale?key=1", secret: "s" } };

/** An upstream whose places are all allowed. */
const ALLOWED = {
  servers: [{ server: "10.0.0.1:8080" }],
  health_check: { port: 8081, agent: { port: 9999 } },
  autoscale: CALL,
  load: {},
};

/** A registry of each kind at `host:port`. */
function registries(host: string, port: number): Record<string, object> {
  const url = `http://${host}:${port}`;
  return {
    etcd: { endpoints: ["http://10.0.0.1:2379", url], prefix: "/a/" },
    consul: { address: url, service: "a" },
    consul_kv: { address: url, prefix: "a/" },
    dns: { name: "a", port: 8080, resolvers: ["10.0.0.1:1053", `${host}:${port}`] },
    docker: { endpoint: url },
    kubernetes: { service: "a", api_server: url },
    file: { path: "/a" },
  };
}

const REGISTRY_FIELDS: Record<string, string> = {
  etcd: "discovery.etcd.endpoints[1]",
  consul: "discovery.consul.address",
  consul_kv: "discovery.consul_kv.address",
  dns: "discovery.dns.resolvers[1]",
  docker: "discovery.docker.endpoint",
  kubernetes: "discovery.kubernetes.api_server",
};

function problem_of(input: object): string | undefined {
  const [upstream, invalid] = read_upstream(input);
  if (upstream === undefined) return error(invalid?.text ?? "");
  const problem = check_places(RULES, upstream, upstream.servers);
  if (problem === undefined) return undefined;
  expect(problem.status).equal(403);
  expect(problem.code).equal("AddressNotAllowed");
  return problem.text;
}

describe("the places of an upstream", () => {
  it("may be allowed", () => {
    expect(problem_of({})).equal(undefined);
    expect(problem_of(ALLOWED)).equal(undefined);
    for (const [name, registry] of pairs(registries("10.0.0.2", 2000)))
      expect(problem_of({ ...ALLOWED, discovery: { [name]: registry } })).equal(undefined);
  });

  it("include every registry of discovery", () => {
    for (const [name] of pairs(registries("10.0.0.2", 2000))) expect(name in DISCOVERY.options).equal(true);
    for (const [name, its_block] of DISCOVERY.blocks) {
      const field = REGISTRY_FIELDS[name] as string | undefined;
      const has_no_place = name === "file" || name === "template";
      expect(field !== undefined || has_no_place).equal(true);
      if (field !== undefined) {
        const outside = { discovery: { [name]: registries("192.0.2.1", 2000)[name] } };
        expect(problem_of(outside)).contains(`invalid "${field}": "`);
        expect(problem_of(outside)).contains(
          '192.0.2.1:2000" is not allowed: guard.addresses does not have it',
        );
        const port = { discovery: { [name]: registries("10.0.0.2", 443)[name] } };
        expect(problem_of(port)).contains('10.0.0.2:443" is not allowed: guard.ports is 1024-65535');
      }
      expect(its_block.names.length > 0).equal(true);
    }
  });

  const refused: [change: object, text: string][] = [
    [
      { discovery: { docker: {} } },
      'invalid "discovery.docker.endpoint": "unix:/var/run/docker.sock" is not allowed: guard.addresses does not have "unix:"',
    ],
    [
      { servers: [{ server: "10.0.0.1:8080" }, { server: "192.0.2.1:8080" }] },
      'servers[1]: invalid "server": "192.0.2.1:8080" is not allowed: guard.addresses does not have it',
    ],
    [
      { servers: [{ server: "10.0.0.1" }] },
      'servers[0]: invalid "server": "10.0.0.1:80" is not allowed: guard.ports is 1024-65535',
    ],
    [
      { servers: [{ server: "unix:/run/docker.sock" }] },
      'servers[0]: invalid "server": "unix:/run/docker.sock" is not allowed: guard.addresses does not have "unix:"',
    ],
    [
      { health_check: { port: 22 } },
      'invalid "health_check.port": "22" is not allowed: guard.ports is 1024-65535',
    ],
    [
      { health_check: { agent: { port: 22 } } },
      'invalid "health_check.agent.port": "22" is not allowed: guard.ports is 1024-65535',
    ],
    [
      { discovery: { dns: { name: "a", port: 80, resolvers: ["10.0.0.1:1053"] } } },
      'invalid "discovery.dns.port": "80" is not allowed: guard.ports is 1024-65535',
    ],
    [
      { autoscale: { ...CALL, webhook: { url: "http://192.0.2.1:8080/a?key=secret", secret: "s" } } },
      'invalid "autoscale.webhook.url": "http://192.0.2.1:8080" is not allowed: guard.addresses does not have it',
    ],
    [
      { autoscale: { ...CALL, webhook: { url: "http://127.1:8080?a", secret: "s" } } },
      'invalid "autoscale.webhook.url": "http://127.1:8080" is not allowed: its host is neither a name',
    ],
  ];
  for (const [change, text] of refused) {
    it(`may be refused: ${text.substring(0, 70)}`, () => {
      expect(problem_of({ ...ALLOWED, ...change })).contains(text);
    });
  }

  it("are found in three blocks and in servers", () => {
    expect(PLACE_BLOCKS).same(["discovery", "health_check", "autoscale", "resolver"]);
    expect(check_server_place(RULES, "10.0.0.1:8080")).equal(undefined);
  });
});

describe("setup", () => {
  it("refuses a seed and a cluster that guard does not allow", () => {
    const guard = { addresses: ["10.0.0.0/8"] };
    const app = { servers: [{ server: "192.0.2.1:80" }] };
    const text = 'invalid "server": "192.0.2.1:80" is not allowed: guard.addresses does not have it';
    expectError(() => read_options({ guard, upstreams: { app } }), `upstreams.app: servers[0]: ${text}`);
    const cluster = { etcd: { endpoints: ["http://192.0.2.1:2379"], prefix: "/a/" } };
    expectError(
      () => read_options({ guard, cluster }),
      'invalid "cluster.etcd.endpoints[0]": "http://192.0.2.1:2379" is not allowed: guard.addresses does not have it',
    );
    expect(read_options({ upstreams: { app }, cluster }).guard).equal(undefined);
  });

  it("refuses link-local registries and webhooks without a guard", () => {
    const consul = { address: "http://169.254.169.254", service: "a" };
    expectError(
      () => read_options({ upstreams: { app: { discovery: { consul } } } }),
      'upstreams.app: invalid "discovery.consul.address": "http://169.254.169.254" is not allowed: registries and webhooks',
    );
    read_options({
      guard: { addresses: ["169.254.169.254"] },
      upstreams: { app: { discovery: { consul } } },
    });
  });
});
