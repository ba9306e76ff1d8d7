import { in_order } from "../../../src/resty/sluice/config/block";
import { DISCOVERY, is_made, registry_of, source_of } from "../../../src/resty/sluice/config/discovery";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import {
  ETCD,
  CONSUL,
  CONSUL_KV,
  DNS,
  KUBERNETES,
  GUARD,
  read_discovery,
  expect_refused,
  read,
} from "../support/discovery";
import { expect } from "../support/expect";

describe("discovery", () => {
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

  it("names the registry that feeds the upstreams of a template", () => {
    const made = read({ template: { source: "consul" } })?.discovery;
    expect(source_of(made)).equal("template");
    expect(registry_of(made)).equal("consul");
    expect(is_made(made)).equal(true);
    expect(registry_of(read({ etcd: ETCD })?.discovery)).equal("etcd");
    expect(is_made(read({ etcd: ETCD })?.discovery)).equal(false);
    expect(is_made(undefined)).equal(false);
    expect_refused(
      { template: { source: "zookeeper" } },
      'invalid "discovery.template.source": must be one of "etcd", "consul", "docker"',
    );
  });

  it("is written in a fixed order", () => {
    const block = {
      removal_confirmations: 3,
      max_removal_percent: 50,
      etcd: { tls: { verify: false }, password: "p", user: "u", prefix: "/", endpoints: ["https://a"] },
    };
    expect(encode(in_order(DISCOVERY, block))).equal(
      '{"etcd":{"endpoints":["https:\\/\\/a"],"user":"u","password":"p",' +
        '"tls":{"verify":false},"prefix":"\\/"},"max_removal_percent":50,"removal_confirmations":3}',
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
    ["etcd", 'invalid "discovery": must be an object'],
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

  for (const name of ["etcd", "consul", "consul_kv", "dns", "docker", "kubernetes", "file", "template"]) {
    it(`refuses ${name} if it is not an object or has an unknown member`, () => {
      for (const value of [7, "x", true, ["x"], json_null]) {
        expect_refused({ [name]: value }, `invalid "discovery.${name}": must be an object`);
      }
      expect_refused({ [name]: { colour: 1 } }, `unknown parameter "discovery.${name}.colour"`);
    });
  }
});
