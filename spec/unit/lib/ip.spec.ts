import {
  ip_bytes,
  ip_text,
  is_ipv4_with_port,
  is_loopback_ip,
  unmapped_ip,
} from "../../../src/resty/sluice/lib/ip";
import { expect } from "../support/expect";

function canonical(text: string): string | undefined {
  const bytes = ip_bytes(text);
  return bytes === undefined ? undefined : ip_text(bytes);
}

/** Number of random addresses to test. */
const ROUNDS = 5000;

/** Returns a random byte, 0 in most cases, because the canonical form depends on runs of zeros. */
function random_byte(): number {
  return math.random() < 0.7 ? 0 : math.random(0, 255);
}

describe("an IP address", () => {
  it("has 4 or 16 bytes", () => {
    expect(ip_bytes("10.0.0.1")).equal(string.char(10, 0, 0, 1));
    expect(ip_bytes("::1")).equal(`${string.rep("\0", 15)}${string.char(1)}`);
    expect(ip_bytes("::ffff:10.0.0.1")).equal(`${string.rep("\0", 10)}${string.char(255, 255, 10, 0, 0, 1)}`);
  });

  for (const text of [
    "",
    "10.0.0",
    "10.0.0.01",
    "10.0.0.1\0",
    "::g",
    "[::1]",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7",
  ]) {
    it(`is not ${string.format("%q", text)}`, () => {
      expect(ip_bytes(text)).equal(undefined);
    });
  }
});

describe("an IPv4 address with a port", () => {
  it("is recognized in canonical form", () => {
    for (const text of ["10.0.0.1:80", "0.0.0.0:1", "255.255.255.255:65535"])
      expect(is_ipv4_with_port(text)).equal(true);
  });

  it("is not recognized in any other form", () => {
    const others = [
      "",
      "10.0.0.1",
      "10.0.0.1:",
      "10.0.0.1:0",
      "10.0.0.1:080",
      "10.0.0.1:65536",
      "10.0.0.01:80",
    ];
    for (const text of [...others, "10.0.0.256:80", "10.0.0:80", "10.0.0.1.2:80", "10..0.1:80", ".0.0.1:80"])
      expect(is_ipv4_with_port(text)).equal(false);
    for (const text of ["10.0.0.1:80 ", " 10.0.0.1:80", "10.0.0.1:8:0", "10.0.0.1:80\n", "[::1]:80", "a:80"])
      expect(is_ipv4_with_port(text)).equal(false);
  });
});

describe("the canonical text of an IP address", () => {
  const texts: [given: string, canonical: string][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    // RFC 5952, section 1, 2 and 4.
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"],
    ["2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["2001:db8:0:0:0::1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8::2:1", "2001:db8::2:1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
    // Section 5.
    ["::FFFF:192.0.2.1", "::ffff:192.0.2.1"],
    ["0:0:0:0:0:ffff:c000:0201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    // Edge cases.
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:0:0:4:5:6:0:0", "1::4:5:6:0:0"],
    ["0:0:3:4:5:6:0:0", "::3:4:5:6:0:0"],
    ["0:0:3:4:5:0:0:0", "0:0:3:4:5::"],
    // nginx takes some of these addresses for addresses that contain an IPv4 address.
    ["::192.0.2.1", "::192.0.2.1"],
    ["::c000:201", "::192.0.2.1"],
    ["::102", "::0.0.1.2"],
    ["::101", "::101"],
    ["::2", "::2"],
    ["::fffe:192.0.2.1", "::fffe:c000:201"],
    ["0:0:0:0:0:ffff:0:0", "::ffff:0.0.0.0"],
  ];
  for (const [given, wanted] of texts) {
    it(`of ${given} is ${wanted}`, () => {
      expect(canonical(given)).equal(wanted);
    });
  }

  it("names the same address", () => {
    for (const _ of $range(1, ROUNDS)) {
      const bytes: string[] = [];
      for (const number of $range(1, 16)) bytes[number - 1] = string.char(random_byte());
      const address = table.concat(bytes);
      expect(ip_bytes(ip_text(address))).equal(address);
    }
  });
});

describe("an IPv4-mapped address", () => {
  it("stands for an IPv4 address", () => {
    expect(unmapped_ip(ip_bytes("::ffff:10.0.0.1") ?? "")).equal(ip_bytes("10.0.0.1"));
    for (const text of ["10.0.0.1", "::10.0.0.1", "::1", "::fffe:10.0.0.1"]) {
      expect(unmapped_ip(ip_bytes(text) ?? "")).equal(ip_bytes(text));
    }
  });
});

describe("a loopback address", () => {
  const addresses: [text: string, is_loopback: boolean][] = [
    ["127.0.0.1", true],
    ["127.255.255.254", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["128.0.0.1", false],
    ["::", false],
    ["::2", false],
    ["::127.0.0.1", false],
    ["::ffff:10.0.0.1", false],
    ["7f00::1", false],
  ];
  for (const [text, is_loopback] of addresses) {
    it(`${is_loopback ? "may" : "cannot"} be ${text}`, () => {
      expect(is_loopback_ip(ip_bytes(text) ?? "")).equal(is_loopback);
    });
  }
});
