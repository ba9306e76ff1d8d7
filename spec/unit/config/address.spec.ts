import { canonical_address, duplicate_server, parse_address } from "../../../src/resty/sluice/config/address";
import { json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

describe("a server's address", () => {
  it("is shown as it was given, with port 80 if it has no port", () => {
    expect(parse_address("127.0.0.1:9001")[0]).same({
      server: "127.0.0.1:9001",
      host: "127.0.0.1",
      port: 9001,
      name: "127.0.0.1:9001",
    });
    expect(parse_address("10.0.0.1")[0]).same({
      server: "10.0.0.1:80",
      host: "10.0.0.1",
      port: 80,
      name: "10.0.0.1:80",
    });
  });

  it("may be IPv6 in brackets, or a unix socket", () => {
    expect(parse_address("[::1]:81")[0]).same({
      server: "[::1]:81",
      host: "[::1]",
      port: 81,
      name: "[::1]:81",
    });
    expect(parse_address("[2001:DB8:0::7]")[0]).same({
      server: "[2001:DB8:0::7]:80",
      host: "[2001:db8::7]",
      port: 80,
      name: "[2001:db8::7]:80",
    });
    expect(parse_address("unix:/run/app.sock")[0]).same({
      server: "unix:/run/app.sock",
      host: "unix:/run/app.sock",
      port: 0,
      name: "unix:/run/app.sock",
    });
  });

  const bad: [reason: string, texts: string[]][] = [
    ["is empty", [""]],
    ["is not an address", [":80", "a/b:80", "127.0.0.1/8", "[:80"]],
    ["is not an IPv4 address", ["127.0.0", "127.0.0:80", "256.0.0.1:80", "1.2.3.4.5:80"]],
    ["is not an IPv6 address", ["[::g]:80", "[]:80", "[:::1]:80", "[127.0.0.1]:80"]],
    [
      "must have a port from 1 to 65535",
      ["127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:080000"],
    ],
    ["must have a port from 1 to 65535", ["127.0.0.1:99999999999", "127.0.0.1:-1", "127.0.0.1:8x"]],
    [
      "must have a port from 1 to 65535",
      ["127.0.0.1:http", "127.0.0.1:80:80", "127.0.0.9:1;", "::1", "[::1"],
    ],
    ["must have a port from 1 to 65535", ["[::1]80", "[::1]:x", "http://127.0.0.1:80"]],
    ["must have an absolute path", ["unix:", "unix:relative", "unix:there.sock"]],
    [
      "must contain only printable ASCII characters",
      ["127.0.0.1:80 weight=2", "127.0.0.1\n:80", "127.0.0.9 :1"],
    ],
    ["must contain only printable ASCII characters", [" 127.0.0.9:1", "127.0.0.9:1 ", "127.0.0.9:1\n"]],
    ["must contain only printable ASCII characters", ["127.0.0.9:1\u0000", "caf\u00e9:80", "größe:80"]],
  ];
  for (const [reason, texts] of bad) {
    for (const text of texts) {
      it(`is not "${text}"`, () => {
        const [address, problem] = parse_address(text);
        expect(address).equal(undefined);
        expect(problem?.status).equal(400);
        expect(problem?.code).equal("UpstreamBadAddress");
        expect(problem?.text).equal(`invalid "server": "${text}" ${reason}`);
      });
    }
  }

  it("must not be a unix path longer than the system allows", () => {
    expect(parse_address(`unix:/${string.rep("a", 106)}`)[1]).equal(undefined);
    expect(parse_address(`unix:/${string.rep("a", 107)}`)[1]?.code).equal("UpstreamBadAddress");
  });

  it("must not be a host name, which has its own error code", () => {
    for (const name of ["localhost", "app", "app.example:80", "a-1_b.example"]) {
      expect(parse_address(name)[1]?.code).equal("UpstreamConfNoResolver");
    }
  });

  it("is passed to nginx in a form that nginx accepts", () => {
    expect(parse_address("[1:2:3:4:5:6:7::]:80")[0]?.host).equal("[1:2:3:4:5:6:7:0]");
  });

  it("must not have a zone, because nginx cannot connect to it", () => {
    const [, problem] = parse_address("[fe80::1%eth0]:80");
    expect(problem?.code).equal("UpstreamBadAddress");
    expect(problem?.text).contains("has an IPv6 zone, which is not supported");
  });

  it("must be a string", () => {
    for (const value of [1, true, json_null, {}, undefined]) {
      expect(parse_address(value)[1]?.code).equal("UpstreamConfFormatError");
      expect(parse_address(value)[1]?.text).equal('invalid "server": must be a string');
    }
  });
});

describe("the canonical form of a server's address", () => {
  const equal: [canonical: string, spellings: string[]][] = [
    ["127.0.0.1:80", ["127.0.0.1:80", "127.0.0.1:080", "127.0.0.1:00080"]],
    ["10.0.0.1:8080", ["10.0.0.1:8080", "10.0.0.1:08080"]],
    ["[::1]:80", ["[::1]:80", "[0:0:0:0:0:0:0:1]:80", "[0::1]:080", "[0000:0000:0000::0001]:80"]],
    ["[fd00::1]:9", ["[FD00::1]:9", "[fd00:0:0:0::1]:9", "[Fd00::0001]:09"]],
    ["[::ffff:10.0.0.1]:80", ["[::FFFF:a00:1]:80", "[0:0:0:0:0:ffff:10.0.0.1]:80"]],
  ];
  for (const [canonical, spellings] of equal) {
    it(`is ${canonical} for ${spellings.length} spellings`, () => {
      for (const spelling of spellings) {
        expect(canonical_address(spelling)).equal(canonical);
        expect(parse_address(spelling)[0]?.name).equal(canonical);
        expect(parse_address(spelling)[0]?.server).equal(spelling);
      }
    });
  }

  it("is the path of a unix socket as it is written", () => {
    for (const path of ["unix:/run/a:080", "unix:/run//A", "unix:/run/[::0]"]) {
      expect(canonical_address(path)).equal(path);
    }
  });
});

describe("the error for a duplicate server in a list", () => {
  it("contains the address as it is written, and both spellings if they differ", () => {
    expect(duplicate_server("[::1]:80", "[::1]:80")).equal('duplicate server "[::1]:80"');
    expect(duplicate_server("[0::1]:80", "[::1]:80")).equal(
      'duplicate server "[0::1]:80", which is also written as "[::1]:80"',
    );
  });
});
