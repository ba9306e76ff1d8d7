import { accept_each, ETCD, NO_TEXT, NO_URL, refuse_each } from "../../support/discovery";

describe("discovery.etcd", () => {
  accept_each("etcd", [
    [ETCD],
    [{ ...ETCD, user: "u", password: "p" }],
    [
      { ...ETCD, endpoints: ["https://a", "https://[::1]:1"], tls: {} },
      { ...ETCD, endpoints: ["https://a", "https://[::1]:1"], tls: { verify: true } },
    ],
  ]);

  refuse_each("etcd", [
    [{ prefix: "/" }, 'invalid "discovery.etcd.endpoints": must be given'],
    [{ endpoints: ETCD.endpoints }, 'invalid "discovery.etcd.prefix": must be given'],
    [{ ...ETCD, endpoints: "http://a" }, 'invalid "discovery.etcd.endpoints": must be a list'],
    [{ ...ETCD, endpoints: [] }, 'invalid "discovery.etcd.endpoints": must be a list of 1 to 16 items'],
    [{ ...ETCD, endpoints: ["a"] }, `invalid "discovery.etcd.endpoints[0]": ${NO_URL}`],
    [{ ...ETCD, endpoints: ["http://a", 7] }, `invalid "discovery.etcd.endpoints[1]": ${NO_TEXT}`],
    [
      { ...ETCD, endpoints: [`http://${string.rep("x", 506)}`] },
      'invalid "discovery.etcd.endpoints[0]": must not be longer than 512 bytes',
    ],
    [
      { ...ETCD, endpoints: ["http://a:0"] },
      'invalid "discovery.etcd.endpoints[0]": the port must be a number from 1 to 65535',
    ],
    [{ ...ETCD, prefix: "" }, `invalid "discovery.etcd.prefix": ${NO_TEXT}`],
    [
      { ...ETCD, prefix: string.rep("x", 513) },
      'invalid "discovery.etcd.prefix": must not be longer than 512 bytes',
    ],
    [{ ...ETCD, user: "u" }, 'invalid "discovery.etcd": must have both "user" and "password", or neither'],
    [
      { ...ETCD, password: "p" },
      'invalid "discovery.etcd": must have both "user" and "password", or neither',
    ],
    [{ ...ETCD, user: "u", password: "" }, `invalid "discovery.etcd.password": ${NO_TEXT}`],
    [
      { ...ETCD, user: "a\r\nb", password: "p" },
      'invalid "discovery.etcd.user": must not contain control characters',
    ],
    [
      { ...ETCD, endpoints: ["https://a", "http://b"], tls: { verify: true } },
      'invalid "discovery.etcd.tls": requires https:// addresses, unlike "http://b"',
    ],
    [{ ...ETCD, endpoints: ["127.0.0.1:2379"] }, `invalid "discovery.etcd.endpoints[0]": ${NO_URL}`],
    [
      { ...ETCD, endpoints: ["http://a b"] },
      'invalid "discovery.etcd.endpoints[0]": the port must be a number from 1 to 65535',
    ],
    [{ ...ETCD, endpoints: ["http://a/b"] }, `invalid "discovery.etcd.endpoints[0]": ${NO_URL}`],
    [
      { ...ETCD, user: "u", password: "a\r\nb" },
      'invalid "discovery.etcd.password": must not contain control characters',
    ],
  ]);
});
