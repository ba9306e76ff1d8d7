import { check_name } from "../../../src/resty/sluice/config/name";
import { read_upstream } from "../../../src/resty/sluice/config/upstream";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const GOOD = { server: "10.0.0.1" };
const NO_LIST = 'invalid "servers": must be a list';

describe("an upstream", () => {
  it("is a round robin without servers by default", () => {
    expect(read_upstream({})[0]).same({ method: "round_robin", servers: [] });
  });

  it("keeps the members that a change does not contain", () => {
    const [base] = read_upstream({ servers: [{ server: "10.0.0.1" }] });
    expect(read_upstream({ method: "round_robin" }, base)[0]).same(base);
    expect(read_upstream({ servers: [] }, base)[0]?.servers).same([]);
    const hash = { key: "$uri", consistent: false };
    const [hashed] = read_upstream({ method: "hash", hash }, base);
    expect(hashed).same({ method: "hash", hash, servers: base?.servers });
    expect(read_upstream({ servers: [] }, hashed)[0]).same({ method: "hash", hash, servers: [] });
  });

  it("may have servers with slow_start if nginx's method allows it", () => {
    const servers = [{ server: "10.0.0.1" }, { server: "10.0.0.2", slow_start: "30s" }];
    for (const method of ["round_robin", "least_conn", "least_time"]) {
      expect(read_upstream({ method, servers })[1]).equal(undefined);
    }
    const hash = { key: "$uri" };
    for (const settings of [{ method: "hash", hash }, { method: "ip_hash" }, { method: "random" }]) {
      const [before] = read_upstream({ servers });
      const problems = [
        read_upstream({ ...settings, servers })[1],
        read_upstream(settings, before)[1],
        read_upstream({ servers }, read_upstream(settings)[0])[1],
      ];
      expect(problems.length).equal(3);
      for (const problem of problems) {
        expect(problem?.code).equal("UpstreamBadSlowStart");
        expect(problem?.text).equal(
          `servers[1]: invalid "slow_start": cannot be combined with the method "${settings.method}"`,
        );
      }
      expect(read_upstream({ ...settings, servers: [{ server: "10.0.0.1", slow_start: "0" }] })[1]).equal(
        undefined,
      );
    }
  });

  const not_objects: [string, Record<string, unknown>, string, string][] = [];
  for (const item of ["10.0.0.2", json_null, 5]) {
    const text = "servers[1]: a server must be an object";
    not_objects.push([
      `${encode(item)} as a server`,
      { servers: [GOOD, item] },
      "UpstreamConfFormatError",
      text,
    ]);
  }
  const in_list = { servers: [GOOD, [GOOD]] };
  not_objects.push([
    "a list as a server",
    in_list,
    "UpstreamConfFormatError",
    'servers[1]: unknown parameter "1"',
  ]);

  const refused: [string, Record<string, unknown>, string, string][] = [
    ["an unknown key", { server: "10.0.0.1" }, "UpstreamConfFormatError", 'unknown parameter "server"'],
    ["an unknown key with a value of any kind", { zone: {} }, "UpstreamConfFormatError", '"zone"'],
    ["a bad block", { method: "hash", hash: {} }, "UpstreamConfFormatError", '"hash.key"'],
    ["an unknown method", { method: "fastest" }, "UpstreamConfFormatError", '"method"'],
    ["servers that are not a list", { servers: { server: "10.0.0.1" } }, "UpstreamConfFormatError", NO_LIST],
    ["servers that are a string", { servers: "10.0.0.1" }, "UpstreamConfFormatError", NO_LIST],
    [
      "a bad server, with its position",
      { servers: [{ server: "10.0.0.1" }, { server: "x y" }] },
      "UpstreamBadAddress",
      "servers[1]",
    ],
    ...not_objects,
    ["servers that are null", { servers: json_null }, "UpstreamConfFormatError", NO_LIST],
    [
      "a server without its address",
      { servers: [GOOD, {}] },
      "UpstreamConfFormatError",
      'servers[1]: invalid "server": must be given',
    ],
    [
      "a server with an unknown key",
      { servers: [GOOD, { server: "10.0.0.2", port: 3 }] },
      "UpstreamConfFormatError",
      'servers[1]: unknown parameter "port"',
    ],
    [
      "a server with a bad value",
      { servers: [{ server: "10.0.0.1", weight: 0 }] },
      "UpstreamBadWeight",
      'servers[0]: invalid "weight": must be a whole number from 1 to 2147483647',
    ],
    [
      "a server with a bad limit",
      { servers: [{ server: "10.0.0.1", max_conns: -9 }] },
      "UpstreamBadMaxConns",
      'servers[0]: invalid "max_conns": must be a whole number from 0 to 2147483647, or "adaptive"',
    ],
    [
      "a duplicate server",
      { servers: [{ server: "10.0.0.1" }, { server: "10.0.0.1:80" }] },
      "EntryExists",
      'servers[1]: duplicate server "10.0.0.1:80"',
    ],
    [
      "a duplicate server in any spelling",
      { servers: [{ server: "[::1]:81" }, { server: "[::2]:81" }, { server: "[0::1]:081" }] },
      "EntryExists",
      'servers[2]: duplicate server "[0::1]:081", which is also written as "[::1]:81"',
    ],
  ];
  for (const [what, input, code, text] of refused) {
    it(`refuses ${what}`, () => {
      const [upstream, problem] = read_upstream(input);
      expect(upstream).equal(undefined);
      expect(problem?.code).equal(code);
      expect(problem?.text).contains(text);
      expect(read_upstream(input, read_upstream({})[0])[1]).same(problem);
    });
  }
});

describe("an upstream's name", () => {
  it("consists of letters, digits and some punctuation", () => {
    for (const name of ["app", "default/app".split("/")[0], "a-b_c.d:8080", "0", string.rep("n", 128)]) {
      expect(check_name(name)).equal(undefined);
    }
    for (const name of ["", "a b", "a/b", "a\nb", 'a"b', string.rep("n", 129), 5]) {
      expect(check_name(name)?.status).equal(400);
    }
  });
});
