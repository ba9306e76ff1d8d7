import {
  DEFAULT_RULES,
  limits_servers,
  new_address_rules,
  refusal_of,
  type Pointer,
} from "../../../src/resty/sluice/lib/address_rules";
import { expect } from "../support/expect";

const RULES = new_address_rules(
  ["10.0.0.0/8", "fd00::/8", "198.51.100.7"],
  ["10.9.0.0/16", "fd00:9::/32"],
  "80,1024-65535",
);

/** The reason of a refusal; undefined: none. */
type Expected = string | undefined;

describe("the rules of guard", () => {
  const places: [host: string, port: number, refusal: Expected][] = [
    ["10.0.0.1", 80, undefined],
    ["10.0.0.1", 1024, undefined],
    ["[fd00::1]", 65535, undefined],
    ["198.51.100.7", 8080, undefined],
    ["[::ffff:10.0.0.1]", 80, undefined],
    ["198.51.100.8", 80, "guard.addresses does not have it"],
    ["127.0.0.1", 80, "guard.addresses does not have it"],
    ["[::1]", 80, "guard.addresses does not have it"],
    ["[fc00::1]", 80, "guard.addresses does not have it"],
    ["[::ffff:127.0.0.1]", 80, "guard.addresses does not have it"],
    // This address is no IPv4 address for Linux.
    ["[::10.0.0.1]", 80, "guard.addresses does not have it"],
    ["10.9.0.1", 80, "guard.deny has 10.9.0.0/16"],
    ["[::ffff:10.9.0.1]", 80, "guard.deny has 10.9.0.0/16"],
    ["[::FFFF:A09:1]", 80, "guard.deny has 10.9.0.0/16"],
    ["[::10.9.0.1]", 80, "guard.deny has 10.9.0.0/16"],
    ["[64:ff9b::10.9.0.1]", 80, "guard.deny has 10.9.0.0/16"],
    ["[fd00:9:0:1::]", 80, "guard.deny has fd00:9::/32"],
    ["10.0.0.1", 81, "guard.ports is 80,1024-65535"],
    ["10.0.0.1", 1023, "guard.ports is 80,1024-65535"],
    ["unix:/run/app.sock", 0, 'guard.addresses does not have "unix:"'],
  ];
  for (const [host, port, refusal] of places) {
    it(`${refusal === undefined ? "allow" : "refuse"} ${host} with the port ${port}`, () => {
      for (const pointer of ["server", "service"] as Pointer[])
        expect(refusal_of(RULES, host, port, pointer)).equal(refusal);
    });
  }

  it("allow unix sockets unless addresses are given without them, or they are denied", () => {
    const rules: { addresses?: string[]; deny: string[]; refusal?: string }[] = [
      { deny: [] },
      { addresses: ["unix:"], deny: [] },
      { addresses: ["10.0.0.0/8"], deny: [], refusal: 'guard.addresses does not have "unix:"' },
      { deny: ["unix:"], refusal: 'guard.deny has "unix:"' },
      { addresses: ["unix:"], deny: ["unix:"], refusal: 'guard.deny has "unix:"' },
      { deny: ["10.0.0.0/8"] },
    ];
    for (const { addresses, deny, refusal } of rules) {
      const made = new_address_rules(addresses, deny, "80");
      expect(refusal_of(made, "unix:/run/app.sock", 0, "server")).equal(refusal);
    }
  });

  it("check only the port of a name, whose addresses are checked when a connection is made", () => {
    expect(refusal_of(RULES, "consul.example", 8500, "service")).equal(undefined);
    expect(refusal_of(RULES, "consul.example", 443, "service")).equal("guard.ports is 80,1024-65535");
  });

  it("limit the addresses of servers only if they say something about them", () => {
    expect(limits_servers(DEFAULT_RULES)).equal(false);
    expect(limits_servers(new_address_rules(["10.0.0.0/8"], [], undefined))).equal(true);
    expect(limits_servers(new_address_rules(["0.0.0.0/0", "unix:"], [], undefined))).equal(true);
    expect(limits_servers(new_address_rules(undefined, ["10.0.0.0/8"], undefined))).equal(true);
    expect(limits_servers(new_address_rules(undefined, ["unix:"], undefined))).equal(true);
    expect(limits_servers(new_address_rules(undefined, [], "80"))).equal(true);
  });
});

describe("link-local addresses", () => {
  const link_local = [
    "169.254.169.254",
    "169.254.0.0",
    "[fe80::1]",
    "[febf:ffff::1]",
    "[::ffff:169.254.169.254]",
    "[::FFFF:A9FE:A9FE]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
  ];
  for (const host of link_local) {
    it(`are refused for registries and webhooks without a guard: ${host}`, () => {
      expect(refusal_of(DEFAULT_RULES, host, 80, "service")).contains("link-local");
      expect(refusal_of(DEFAULT_RULES, host, 80, "server")).equal(undefined);
      const all = new_address_rules(["0.0.0.0/0", "::/0"], [], undefined);
      expect(refusal_of(all, host, 80, "service")).contains("link-local");
    });
  }

  it("include no other addresses", () => {
    for (const host of ["169.253.255.255", "169.255.0.0", "[fec0::1]", "[fe7f::1]", "127.0.0.1", "[::1]"])
      expect(refusal_of(DEFAULT_RULES, host, 80, "service")).equal(undefined);
  });

  it("are allowed for registries and webhooks if addresses names them", () => {
    const rules = new_address_rules(["0.0.0.0/0", "169.254.20.10", "fe80:1::/32"], [], undefined);
    expect(refusal_of(rules, "169.254.20.10", 53, "service")).equal(undefined);
    expect(refusal_of(rules, "[::ffff:169.254.20.10]", 53, "service")).equal(undefined);
    expect(refusal_of(rules, "[fe80:1::1]", 53, "service")).equal(undefined);
    expect(refusal_of(rules, "169.254.20.11", 53, "service")).contains("link-local");
    expect(refusal_of(rules, "[fe80::1]", 53, "service")).contains("link-local");
  });
});

describe("an unusual spelling of an IPv4 address", () => {
  for (const host of [
    "127.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "127.0.0.0x1",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.1.",
    "256.0.0.1",
    "1.2.3.4.5",
    "0",
  ]) {
    it(`is refused: ${host}`, () => {
      for (const rules of [DEFAULT_RULES, RULES])
        expect(refusal_of(rules, host, 80, "service")).contains(
          "its host is neither a name nor an IP address",
        );
    });
  }

  it("is not a name that has digits", () => {
    for (const host of ["etcd-0", "1.example", "0x7f000001.example", "a.1b", "node1.", "0xyz"])
      expect(refusal_of(DEFAULT_RULES, host, 80, "service")).equal(undefined);
  });
});
