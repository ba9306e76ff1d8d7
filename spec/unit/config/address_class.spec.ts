import { check_server_address } from "../../../src/resty/sluice/config/address_class";
import { expect } from "../support/expect";

describe("the address of a server that was not added by hand", () => {
  const refused: [address: string, name: string][] = [
    ["0.0.0.0", "an unspecified"],
    ["0.0.0.1", "an unspecified"],
    ["0.255.255.255", "an unspecified"],
    ["[::]", "an unspecified"],
    ["[0:0:0:0:0:0:0:0]", "an unspecified"],
    ["[::ffff:0.0.0.0]", "an unspecified"],
    ["[::ffff:0:0]", "an unspecified"],
    ["[::2]", "an unspecified"],
    ["169.254.0.0", "a link-local"],
    ["169.254.169.254", "a link-local"],
    ["169.254.255.255", "a link-local"],
    ["[::ffff:169.254.169.254]", "a link-local"],
    ["[::FFFF:A9FE:A9FE]", "a link-local"],
    ["[0:0:0:0:0:ffff:a9fe:a9fe]", "a link-local"],
    ["[::169.254.169.254]", "a link-local"],
    ["[fe80::1]", "a link-local"],
    ["[FE80:0:0:0:0:0:0:1]", "a link-local"],
    ["[febf:ffff::1]", "a link-local"],
    ["224.0.0.1", "a multicast"],
    ["239.255.255.255", "a multicast"],
    ["[::ffff:224.0.0.1]", "a multicast"],
    ["[ff02::1]", "a multicast"],
    ["[FF00::]", "a multicast"],
    ["255.255.255.255", "the broadcast"],
    ["[::ffff:255.255.255.255]", "the broadcast"],
    ["[::ffff:ffff:ffff]", "the broadcast"],
  ];
  for (const [address, name] of refused) {
    it(`must not be ${address}, ${name} address`, () => {
      const problem = check_server_address(`${address}:8080`);
      expect(problem).same({
        status: 400,
        code: "UpstreamBadAddress",
        text: `invalid "server": "${address}:8080" is ${name} address, which cannot be that of a server`,
        field: "server",
      });
      expect(check_server_address(address)?.code).equal("UpstreamBadAddress");
    });
  }

  const allowed = [
    "127.0.0.1:80",
    "[::1]:80",
    "[::ffff:127.0.0.1]:80",
    "1.0.0.0:80",
    "10.0.0.255:80",
    "169.253.255.255:80",
    "169.255.0.0:80",
    "223.255.255.255:80",
    "240.0.0.1:80",
    "255.255.255.254:80",
    "[fe7f::1]:80",
    "[fec0::1]:80",
    "[fd00::1]:80",
    "[2001:db8::1]:80",
    "unix:/run/169.254.1.1.sock",
  ];
  for (const address of allowed) {
    it(`may be ${address}`, () => {
      expect(check_server_address(address)).equal(undefined);
    });
  }
});
