import { has_network, network_with, networks_of, parse_network } from "../../../src/resty/sluice/lib/cidr";
import { ip_bytes, unmapped_ip } from "../../../src/resty/sluice/lib/ip";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

function bytes_of(text: string): string {
  return unmapped_ip(ip_bytes(text) ?? "");
}

describe("a network", () => {
  const accepted: [text: string, first: string, length: number][] = [
    ["10.0.0.0/8", "10.0.0.0", 8],
    ["10.0.0.1", "10.0.0.1", 32],
    ["10.0.0.1/32", "10.0.0.1", 32],
    ["0.0.0.0/0", "0.0.0.0", 0],
    ["10.128.0.0/9", "10.128.0.0", 9],
    ["192.0.2.254/31", "192.0.2.254", 31],
    ["fd00::/8", "fd00::", 8],
    ["::/0", "::", 0],
    ["::1", "::1", 128],
    ["FE80::/10", "fe80::", 10],
    ["2001:db8::/33", "2001:db8::", 33],
    // IPv4-mapped networks are IPv4.
    ["::ffff:10.0.0.0/104", "10.0.0.0", 8],
    ["::ffff:0:0/96", "0.0.0.0", 0],
    ["::FFFF:10.0.0.1", "10.0.0.1", 32],
  ];
  for (const [text, first, length] of accepted) {
    it(`may be ${text}`, () => {
      expect(parse_network(text)[0]).same({ first: bytes_of(first), length });
    });
  }

  const refused: [text: string, reason: string][] = [
    ["", "must be an IP address or a network"],
    ["10.0.0.0/", "must be an IP address or a network"],
    ["10.0.0.0/x", "must be an IP address or a network"],
    ["10.0.0.0/-1", "must be an IP address or a network"],
    ["10.0.0.0/8/8", "must be an IP address or a network"],
    ["/8", "must be an IP address or a network"],
    ["10.0.0.0 /8", "must be an IP address or a network"],
    ["10/8", "must be an IP address or a network"],
    ["10.0/16", "must be an IP address or a network"],
    ["010.0.0.0/8", "must be an IP address or a network"],
    ["0x0a000000/8", "must be an IP address or a network"],
    ["167772160/8", "must be an IP address or a network"],
    ["10.0.0.0:80", "must be an IP address or a network"],
    ["[fd00::]/8", "must be an IP address or a network"],
    ["fe80::1%eth0", "must be an IP address or a network"],
    ["fe80::%eth0/10", "must be an IP address or a network"],
    ["example.com", "must be an IP address or a network"],
    ["10.0.0.0/8\0", "must be an IP address or a network"],
    ["10.0.0.0/33", "must have a prefix of at most 32 bits"],
    ["10.0.0.0/999999999999999999999", "must have a prefix of at most 32 bits"],
    ["fd00::/129", "must have a prefix of at most 128 bits"],
    ["10.0.0.1/8", "must be the first address of a network of 8 bits"],
    ["10.1.0.0/8", "must be the first address of a network of 8 bits"],
    ["10.192.0.0/9", "must be the first address of a network of 9 bits"],
    ["0.0.0.1/0", "must be the first address of a network of 0 bits"],
    ["fd01::/8", "must be the first address of a network of 8 bits"],
    ["::ffff:10.0.0.1/104", "must be the first address of a network of 8 bits"],
  ];
  for (const [text, reason] of refused) {
    it(`is not ${string.format("%q", text)}`, () => {
      const [network, why] = parse_network(text);
      expect(network).equal(undefined);
      expect(why).contains(reason);
    });
  }
});

describe("a set of networks", () => {
  const networks = networks_of(["10.0.0.0/8", "192.0.2.64/26", "198.51.100.7", "fd00::/8", "2001:db8::/33"]);
  const addresses: [address: string, network: string | undefined][] = [
    ["10.0.0.0", "10.0.0.0/8"],
    ["10.255.255.255", "10.0.0.0/8"],
    ["::ffff:10.1.2.3", "10.0.0.0/8"],
    ["9.255.255.255", undefined],
    ["11.0.0.0", undefined],
    ["192.0.2.63", undefined],
    ["192.0.2.64", "192.0.2.64/26"],
    ["192.0.2.127", "192.0.2.64/26"],
    ["192.0.2.128", undefined],
    ["198.51.100.7", "198.51.100.7"],
    ["198.51.100.6", undefined],
    ["fd00::", "fd00::/8"],
    ["fdff:ffff::1", "fd00::/8"],
    ["fc00::1", undefined],
    ["2001:db8:7fff::1", "2001:db8::/33"],
    ["2001:db8:8000::1", undefined],
    // The bytes of an IPv6 address that begin like those of an IPv4 network.
    ["a00::1", undefined],
    ["::", undefined],
  ];
  for (const [address, network] of addresses) {
    it(`${network === undefined ? "does not have" : "has"} ${address}`, () => {
      expect(network_with(networks, bytes_of(address))).equal(network);
    });
  }

  it("has every address of a family with the prefix of 0 bits, and none of the other family", () => {
    expect(network_with(networks_of(["0.0.0.0/0"]), bytes_of("203.0.113.9"))).equal("0.0.0.0/0");
    expect(network_with(networks_of(["0.0.0.0/0"]), bytes_of("::1"))).equal(undefined);
    expect(network_with(networks_of(["::/0"]), bytes_of("::1"))).equal("::/0");
    expect(network_with(networks_of(["::/0"]), bytes_of("::ffff:203.0.113.9"))).equal(undefined);
  });

  it("has no address if it is empty", () => {
    expect(network_with(networks_of([]), bytes_of("10.0.0.1"))).equal(undefined);
    expect(network_with(networks, "")).equal(undefined);
  });

  it("agrees with a comparison bit by bit", () => {
    const bit_of = (bytes: string, bit: number): number =>
      math.floor(string.byte(bytes, math.floor(bit / 8) + 1) / 2 ** (7 - (bit % 8))) % 2;
    for (const _ of $range(1, 2000)) {
      const address = string.char(10, math.random(0, 3), math.random(0, 255), math.random(0, 255));
      const other = string.char(10, math.random(0, 3), math.random(0, 255), math.random(0, 255));
      const length = math.random(0, 32);
      let first = "";
      let is_inside = true;
      for (const index of $range(0, 3)) {
        let byte = 0;
        for (const bit of $range(0, 7)) {
          const at = index * 8 + bit;
          byte = byte * 2 + (at < length ? bit_of(other, at) : 0);
          if (at < length && bit_of(other, at) !== bit_of(address, at)) is_inside = false;
        }
        first += string.char(byte);
      }
      const text = `${string.format("%d.%d.%d.%d", ...string.byte(first, 1, 4))}/${length}`;
      expect(network_with(networks_of([text]), address)).equal(is_inside ? text : undefined);
    }
  });

  it("knows which networks are parts of one of its networks", () => {
    const parts: [text: string, is_part: boolean][] = [
      ["10.0.0.0/8", true],
      ["10.1.0.0/16", true],
      ["10.1.2.3", true],
      ["0.0.0.0/0", false],
      ["8.0.0.0/5", false],
      ["10.0.0.0/7", false],
      ["fd12::/16", true],
      ["::/0", false],
    ];
    for (const [text, is_part] of parts) {
      const [network] = parse_network(text);
      if (network === undefined) error(`${text} is no network`);
      else expect(has_network(networks, network)).equal(is_part);
    }
  });

  it("is searched in the same time however many networks it has", () => {
    const texts: string[] = [];
    for (const number of $range(0, 999)) texts.push(`10.${math.floor(number / 256)}.${number % 256}.0/24`);
    const many = networks_of(texts);
    expect(many.groups.length).equal(1);
    expect_quick(() => {
      for (const _ of $range(1, 10000)) network_with(many, bytes_of("203.0.113.9"));
    });
  });
});
