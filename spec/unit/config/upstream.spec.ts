import { check_name, read_upstream } from "../../../src/resty/sluice/config/upstream";
import { expect } from "../support/expect";

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

  const refused: [string, Record<string, unknown>, string, string][] = [
    ["an unknown key", { server: "10.0.0.1" }, "UpstreamConfFormatError", 'unknown parameter "server"'],
    ["an unknown key with a value of any kind", { zone: {} }, "UpstreamConfFormatError", '"zone"'],
    ["a bad block", { method: "hash", hash: {} }, "UpstreamConfFormatError", '"hash.key"'],
    ["an unknown method", { method: "fastest" }, "UpstreamConfFormatError", '"method"'],
    [
      "servers that are not a list",
      { servers: { server: "10.0.0.1" } },
      "UpstreamConfFormatError",
      '"servers"',
    ],
    ["servers that are a string", { servers: "10.0.0.1" }, "UpstreamConfFormatError", '"servers"'],
    [
      "a bad server, with its position",
      { servers: [{ server: "10.0.0.1" }, { server: "x y" }] },
      "UpstreamBadAddress",
      "servers[1]",
    ],
    ["a server that is not an object", { servers: ["10.0.0.1"] }, "UpstreamConfFormatError", "servers[0]"],
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
