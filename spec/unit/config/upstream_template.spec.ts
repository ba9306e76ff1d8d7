import {
  settings_of_made,
  source_in,
  UPSTREAM_TEMPLATE,
  type UpstreamTemplate,
} from "../../../src/resty/sluice/config/upstream_template";
import { encode } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const ETCD = { endpoints: ["http://127.0.0.1:2379"], prefix: "/upstreams/{name}/" };
const CONSUL = { address: "http://127.0.0.1:8500", tag: "sluice" };

function read(input: unknown): UpstreamTemplate {
  const [template, problem] = UPSTREAM_TEMPLATE.read("discovery", input);
  return template ?? error(problem?.text ?? "");
}

describe("a registry that feeds many upstreams", () => {
  it("gives its upstreams their settings and limits", () => {
    const upstream = { method: "least_conn", queue: { size: 5 } };
    const template = read({ etcd: ETCD, upstream, max_removal_percent: 10 });
    expect(source_in(template)).equal("etcd");
    const settings = settings_of_made(template);
    expect(settings.method).equal("least_conn");
    expect(settings.queue?.timeout).equal("60s");
    expect(settings.discovery).same({
      template: { source: "etcd" },
      max_removal_percent: 10,
      removal_confirmations: 3,
    });
  });

  it("gives its upstreams the defaults without settings", () => {
    const template = read({ consul: CONSUL });
    expect(source_in(template)).equal("consul");
    expect(settings_of_made(template).method).equal("round_robin");
  });

  const refused: [input: unknown, text: string][] = [
    [7, 'invalid "discovery": must be an object'],
    [{}, 'invalid "discovery": must have "etcd", "consul" or "docker"'],
    [{ upstream: {} }, 'invalid "discovery": must have "etcd", "consul" or "docker"'],
    [{ etcd: ETCD, consul: CONSUL }, 'invalid "discovery": must not have both "etcd" and "consul"'],
    [{ dns: {} }, 'unknown parameter "discovery.dns"'],
    [
      { etcd: { ...ETCD, prefix: "/upstreams/" } },
      'invalid "discovery.etcd.prefix": must contain {name} exactly once',
    ],
    [
      { etcd: { ...ETCD, user: "u" } },
      'invalid "discovery.etcd": must have both "user" and "password", or neither',
    ],
    [
      { etcd: { ...ETCD, tls: {} } },
      'invalid "discovery.etcd.tls": requires https:// addresses, unlike "http://127.0.0.1:2379"',
    ],
    [{ consul: { address: CONSUL.address } }, 'invalid "discovery.consul.tag": must be given'],
    [{ etcd: ETCD, upstream: 7 }, 'invalid "discovery.upstream": must be an object'],
    [{ etcd: ETCD, upstream: { servers: [] } }, 'unknown parameter "discovery.upstream.servers"'],
    [{ etcd: ETCD, upstream: { discovery: {} } }, 'unknown parameter "discovery.upstream.discovery"'],
    [
      { etcd: ETCD, upstream: { panic_threshold: 101 } },
      'discovery.upstream: invalid "panic_threshold": must be a whole number from 0 to 100',
    ],
    [
      { etcd: ETCD, removal_confirmations: 0 },
      'invalid "discovery.removal_confirmations": must be a whole number from 1 to 1000',
    ],
  ];
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [template, problem] = UPSTREAM_TEMPLATE.read("discovery", input);
      expect(template).equal(undefined);
      expect(problem?.text).equal(text);
    });
  }
});
