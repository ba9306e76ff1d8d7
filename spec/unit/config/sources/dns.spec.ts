import { expect } from "../../support/expect";
import { accept_each, DNS, expect_read, read_discovery, refuse_each } from "../../support/discovery";

const DNS_READ = { type: "A", min_ttl: "1s", max_ttl: "60s", ...DNS, resolvers: ["127.0.0.1:53"] };

describe("discovery.dns", () => {
  accept_each("dns", [
    [DNS, DNS_READ],
    [
      { ...DNS, type: "AAAA" },
      { ...DNS_READ, type: "AAAA" },
    ],
    [
      { ...DNS, min_ttl: "100ms", max_ttl: "1d" },
      { ...DNS_READ, min_ttl: "100ms", max_ttl: "1d" },
    ],
    [
      { ...DNS, min_ttl: "1m", max_ttl: "60s" },
      { ...DNS_READ, min_ttl: "1m", max_ttl: "60s" },
    ],
    [
      { name: "a", port: 80 },
      { name: "a", type: "A", port: 80, min_ttl: "1s", max_ttl: "60s" },
    ],
    [
      { ...DNS, resolvers: ["[::1]", "10.0.0.1:54"] },
      { ...DNS_READ, resolvers: ["[::1]:53", "10.0.0.1:54"] },
    ],
    [
      { ...DNS, resolvers: ["10.0.0.1:80"] },
      { ...DNS_READ, resolvers: ["10.0.0.1:80"] },
    ],
    [
      { ...DNS, name: "_http._tcp.app_1.example." },
      { ...DNS_READ, name: "_http._tcp.app_1.example." },
    ],
  ]);

  refuse_each("dns", [
    [{ port: 80, resolvers: DNS.resolvers }, 'invalid "discovery.dns.name": must be given'],
    [{ name: "a", resolvers: DNS.resolvers }, 'invalid "discovery.dns.port": must be given'],
    [
      { ...DNS, type: "SRV" },
      'invalid "discovery.dns.port": cannot be combined with the type "SRV", whose records contain the port',
    ],
    [{ ...DNS, type: "CNAME" }, 'invalid "discovery.dns.type": must be one of "A", "AAAA", "SRV"'],
    [{ ...DNS, port: 65536 }, 'invalid "discovery.dns.port": must be a whole number from 1 to 65535'],
    [{ ...DNS, resolvers: [] }, 'invalid "discovery.dns.resolvers": must be a list of 1 to 8 items'],
    [
      { ...DNS, name: "a b" },
      'invalid "discovery.dns.name": must be a name of letters, digits, ., - and _ of at most 253 bytes',
    ],
    [
      { ...DNS, name: string.rep("x", 254) },
      'invalid "discovery.dns.name": must be a name of letters, digits, ., - and _ of at most 253 bytes',
    ],
    [
      { ...DNS, resolvers: ["unix:/a"] },
      'invalid "discovery.dns.resolvers[0]": must be an IP address with or without a port, such as "10.0.0.2:53"',
    ],
    [{ ...DNS, min_ttl: "99ms" }, 'invalid "discovery.dns.min_ttl": must be a time from 100ms to 1h'],
    [{ ...DNS, max_ttl: "25h" }, 'invalid "discovery.dns.max_ttl": must be a time from 100ms to 1d'],
    [{ ...DNS, min_ttl: "2m" }, 'invalid "discovery.dns.min_ttl": must not be more than "max_ttl"'],
    [{ ...DNS, type: "MX" }, 'invalid "discovery.dns.type": must be one of "A", "AAAA", "SRV"'],
  ]);

  it("refuses a resolver with a name or an invalid port", () => {
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
