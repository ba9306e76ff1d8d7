import { parse_url } from "../../../src/resty/sluice/lib/url";
import { expect } from "../support/expect";

const NO_URL = "must be http:// or https:// and a host, without a path";
const NO_HOST = "the host must be an address or a name";
const NO_PORT = "the port must be a number from 1 to 65535";

describe("a URL", () => {
  const accepted: [string, boolean, string, number][] = [
    ["http://127.0.0.1:2379", false, "127.0.0.1", 2379],
    ["http://127.0.0.1", false, "127.0.0.1", 80],
    ["https://etcd-1.example_x", true, "etcd-1.example_x", 443],
    ["https://etcd:1", true, "etcd", 1],
    ["http://etcd:65535/", false, "etcd", 65535],
    ["http://[::1]:2379", false, "[::1]", 2379],
    ["https://[2001:db8::1]", true, "[2001:db8::1]", 443],
    ["http://[::ffff:10.0.0.1]/", false, "[::ffff:10.0.0.1]", 80],
    ["http://[FD00:0::0001]:8500", false, "[fd00::1]", 8500],
    // nginx would not accept this address as it is written.
    ["http://[1:2:3:4:5:6:7::]", false, "[1:2:3:4:5:6:7:0]", 80],
  ];
  for (const [text, is_tls, host, port] of accepted) {
    it(`may be ${text}`, () => {
      expect(parse_url(text)[0]).same({ is_tls, host, port });
    });
  }

  const refused: [string, string][] = [
    ["", NO_URL],
    ["127.0.0.1:2379", NO_URL],
    ["ftp://etcd", NO_URL],
    ["HTTP://etcd", NO_URL],
    ["http://", NO_URL],
    ["http:///", NO_URL],
    ["http://etcd/v3", NO_URL],
    ["http://etcd//", NO_URL],
    [" http://etcd", NO_URL],
    ["http://user:secret@etcd", NO_PORT],
    ["http://user@etcd", NO_PORT],
    ["http://::1", NO_HOST],
    ["http://[::1", NO_HOST],
    ["http://[etcd]", NO_HOST],
    ["http://:2379", NO_HOST],
    ["http://?", NO_HOST],
    ["http://etcd:", NO_PORT],
    ["http://etcd:0", NO_PORT],
    ["http://etcd:65536", NO_PORT],
    ["http://etcd:-1", NO_PORT],
    ["http://etcd:1e3", NO_PORT],
    ["http://etcd:80:80", NO_PORT],
    ["http://etcd?x", NO_PORT],
    ["http://[::1]2379", NO_PORT],
    ["http://etcd\r\nX: y", NO_PORT],
  ];
  for (const [text, reason] of refused) {
    it(`is not ${string.format("%q", text)}`, () => {
      const [url, found] = parse_url(text);
      expect(url).equal(undefined);
      expect(found).equal(reason);
    });
  }
});
