import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { entry_of, read_entry } from "../../../src/resty/sluice/discovery/entry";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

const KEY = "/upstreams/app/10.0.0.7:81";
const KEYS_SERVER = { ...SERVER_DEFAULTS, server: "10.0.0.7:81", source: "discovery" };

describe("an entry of a registry", () => {
  const accepted: [value: string, server: object][] = [
    ["10.0.0.1:80", { server: "10.0.0.1:80" }],
    ["10.0.0.1", { server: "10.0.0.1:80" }],
    ["[::1]:80", { server: "[::1]:80" }],
    ["unix:/run/app.sock", { server: "unix:/run/app.sock" }],
    ['{"server":"10.0.0.1"}', { server: "10.0.0.1:80" }],
    [
      ' \n{"server":"10.0.0.1:81","weight":5,"backup":true}',
      { server: "10.0.0.1:81", weight: 5, backup: true },
    ],
    [
      '{"server":"10.0.0.1:80","weight":"5","fail_timeout":7}',
      { server: "10.0.0.1:80", weight: 5, fail_timeout: "7s" },
    ],
    ['{"server":"10.0.0.1:80","zone":"eu-1a"}', { server: "10.0.0.1:80", zone: "eu-1a" }],
    // As with nginx-upsync-module, the address is the last part of the key.
    ["", {}],
    ["{}", {}],
    [
      '{"weight":2,"max_fails":3,"fail_timeout":10,"max_conns":4,"backup":0,"down":1}',
      { weight: 2, max_fails: 3, fail_timeout: "10s", max_conns: 4, down: true },
    ],
    ['{"backup":1,"down":0}', { backup: true }],
    ['{"backup":true,"down":false}', { backup: true }],
  ];
  for (const [value, server] of accepted) {
    it(`may be ${string.format("%q", value)}`, () => {
      expect(read_entry(KEY, value)).same({ key: KEY, server: { ...KEYS_SERVER, ...server } });
    });
  }

  it("may have a key without a slash", () => {
    expect(read_entry("10.0.0.7:81", "").server).same(KEYS_SERVER);
  });

  it("may end with a line break", () => {
    expect(read_entry("x", "10.0.0.7:81\n").server).same(KEYS_SERVER);
  });

  const refused: [value: string, problem: string][] = [
    ["nonsense", "is a host name, which is not supported here"],
    ["300.0.0.1:80", "not an IPv4 address"],
    ["10.0.0.1:0", "must have a port from 1 to 65535"],
    ["10.0.0.1:80\n10.0.0.2:80", "must contain only printable ASCII characters"],
    ["   ", "empty"],
    ["{not JSON", "the value is not JSON: "],
    ['{"server":"10.0.0.1:80"', "the value is not JSON: "],
    ['{"server":"10.0.0.1:80"} x', "the value is not JSON: "],
    ['["10.0.0.1:80"]', "not an IPv6 address"],
    ['"10.0.0.1:80"', 'invalid "server":'],
    ["7", "not an IPv4 address"],
    ['{"server":null}', 'invalid "server": must be a string'],
    ['{"server":7}', 'invalid "server": must be a string'],
    ['{"server":["10.0.0.1"]}', 'invalid "server": must not be an object or a list'],
    ['{"server":"app.example:80"}', "is a host name, which is not supported here"],
    ['{"server":"10.0.0.1","wieght":2}', 'unknown parameter "wieght"'],
    ['{"server":"10.0.0.1","id":2}', 'unknown parameter "id"'],
    ['{"server":"10.0.0.1","source":"register"}', 'unknown parameter "source"'],
    ['{"server":"10.0.0.1","leave_by":"idle"}', 'unknown parameter "leave_by"'],
    ['{"server":"10.0.0.1","weight":0}', 'invalid "weight":'],
    ['{"server":"10.0.0.1","backup":1}', 'invalid "backup": must be true or false'],
    ['{"down":2}', 'invalid "down": must be true or false'],
    ['{"weight":1,"ip":"10.0.0.1"}', 'unknown parameter "ip"'],
  ];
  for (const [value, problem] of refused) {
    it(`is not ${string.format("%q", value)}`, () => {
      const entry = read_entry(KEY, value);
      expect(entry.key).equal(KEY);
      expect(entry.server).equal(undefined);
      expect(entry.problem).contains(problem);
    });
  }

  it("is refused when neither value nor key has an address", () => {
    for (const key of ["/upstreams/app/", "/upstreams/app/one"]) {
      for (const value of ["", '{"weight":1}']) {
        expect(read_entry(key, value).server).equal(undefined);
        expect(read_entry(key, value).problem).contains('invalid "server":');
      }
    }
  });

  it("has a bounded size", () => {
    const fill = (size: number) => {
      const start = '{"server":"10.0.0.1:80"';
      return `${start}${string.rep(" ", size - start.length - 1)}}`;
    };
    expect(read_entry(KEY, fill(65536)).server?.server).equal("10.0.0.1:80");
    expect(read_entry(KEY, fill(65537))).same({ key: KEY, problem: "the value is larger than 65536 bytes" });
  });

  it("can be made from parameters, which must be an object", () => {
    expect(entry_of("x", { server: "10.0.0.1:80", weight: 3 }).server).same({
      ...KEYS_SERVER,
      server: "10.0.0.1:80",
      weight: 3,
    });
    expect(entry_of("x", 7)).same({ key: "x", problem: "a server must be an object" });
    expect(entry_of("x", {})).same({ key: "x", problem: 'invalid "server": must be given' });
  });

  it("takes linear time to read, whatever it contains", () => {
    const many = 65_000;
    expect_quick(() => {
      expect(read_entry(KEY, `a${string.rep(" ", many)}b`).problem).contains(
        "must contain only printable ASCII characters",
      );
      expect(read_entry(KEY, string.rep(" ", many)).problem).contains("empty");
      expect(read_entry(`${string.rep("a", 20 * many)}/`, "").problem).contains("empty");
      expect(read_entry(`${string.rep("/", 20 * many)}a`, "").problem).contains("is a host name");
    });
  });
});
