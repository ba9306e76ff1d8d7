import { parse_address, usual_ipv6 } from "../../../src/resty/sluice/config/address";
import { expect } from "../support/expect";

describe("a server's address", () => {
  it("is shown as it was given, with port 80 when it had none", () => {
    expect(parse_address("127.0.0.1:9001")[0]).same({
      server: "127.0.0.1:9001",
      host: "127.0.0.1",
      port: 9001,
    });
    expect(parse_address("10.0.0.1")[0]).same({ server: "10.0.0.1:80", host: "10.0.0.1", port: 80 });
  });

  it("may be IPv6 in brackets, or a unix socket", () => {
    expect(parse_address("[::1]:81")[0]).same({ server: "[::1]:81", host: "[::1]", port: 81 });
    expect(parse_address("[2001:DB8::7]")[0]).same({
      server: "[2001:DB8::7]:80",
      host: "[2001:DB8::7]",
      port: 80,
    });
    expect(parse_address("unix:/run/app.sock")[0]).same({
      server: "unix:/run/app.sock",
      host: "unix:/run/app.sock",
      port: 0,
    });
  });

  const bad = [
    "",
    ":80",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:080000",
    "127.0.0.1:http",
    "127.0.0.1:80:80",
    "127.0.0",
    "256.0.0.1:80",
    "1.2.3.4.5:80",
    "::1",
    "[::1",
    "[::1]80",
    "[::g]:80",
    "[]:80",
    "unix:",
    "unix:relative",
    "127.0.0.1:80 weight=2",
    "127.0.0.1\n:80",
    "caf\u00e9:80",
    "a/b:80",
  ];
  for (const text of bad) {
    it(`is not "${text}"`, () => {
      const [address, problem] = parse_address(text);
      expect(address).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamBadAddress");
      expect(problem?.text).contains('"server"');
    });
  }

  it("is not a unix path longer than the system takes", () => {
    expect(parse_address(`unix:/${string.rep("a", 106)}`)[1]).equal(undefined);
    expect(parse_address(`unix:/${string.rep("a", 107)}`)[1]?.code).equal("UpstreamBadAddress");
  });

  it("is not a host name, which has a code of its own", () => {
    for (const name of ["localhost", "app.example:8080", "a-1_b.example"]) {
      expect(parse_address(name)[1]?.code).equal("UpstreamConfNoResolver");
    }
  });

  it("is a string", () => {
    for (const value of [1, true, {}, undefined]) {
      expect(parse_address(value)[1]?.code).equal("UpstreamConfFormatError");
    }
  });
});

describe("an IPv6 address", () => {
  it("has a usual spelling", () => {
    expect(usual_ipv6("0:0:0:0:0:0:0:0")).equal("::");
    expect(usual_ipv6("2001:DB8:0:1:0:0:0:1")).equal("2001:db8:0:1::1");
    expect(usual_ipv6("1:0:2:3:4:5:6:7")).equal("1:0:2:3:4:5:6:7");
  });

  it("stays what it is when it is none", () => {
    expect(usual_ipv6("10.0.0.1")).equal("10.0.0.1");
  });
});
