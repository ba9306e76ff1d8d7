import { read_upstream } from "../../../src/resty/sluice/config/upstream";
import { settings_of } from "../../../src/resty/sluice/config/settings";
import { decode, encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const MEMBERS = [{ upstream: "app-v1" }, { upstream: "app-v2", weight: 0.01 }];

function members(count: number): object[] {
  const list: object[] = [];
  for (const index of $range(1, count)) list.push({ upstream: `app-${index}` });
  return list;
}

function refuses(input: Record<string, unknown>, text: string): void {
  it(`${encode(input).substring(0, 100)} is refused`, () => {
    const [config, problem] = read_upstream(input);
    expect(config).equal(undefined);
    expect(problem?.status).equal(400);
    expect(problem?.text).contains(text);
  });
}

describe("a split", () => {
  it("has members with weights, of which each is 1 by default", () => {
    const [config] = read_upstream({ split: { members: MEMBERS } });
    expect(config?.split).same({
      members: [
        { upstream: "app-v1", weight: 1 },
        { upstream: "app-v2", weight: 0.01 },
      ],
    });
    expect(config?.method).equal("round_robin");
  });

  it("may assign by a text with variables, and match values", () => {
    const match = { $http_x_canary: "always", $cookie_beta: "1" };
    const split = {
      by: "$cookie_user",
      members: [{ upstream: "app-v1", weight: 0, match }, ...MEMBERS.slice(1)],
    };
    const [config] = read_upstream({ split, owner: "team-a" });
    expect(config?.split?.by).equal("$cookie_user");
    expect(config?.split?.members[0].match).same(match);
  });

  it("has the same text before and after it was stored", () => {
    const [config] = read_upstream({
      split: { by: "$arg_u", members: [{ weight: 2, upstream: "a", match: { $b: "c" } }] },
    });
    if (config === undefined) return error("refused", 0);
    const text = encode(settings_of(config));
    expect(text).contains('"members":[{"upstream":"a","weight":2,"match":{"$b":"c"}}]');
    expect(encode(settings_of(decode(text)[0] as typeof config))).equal(text);
  });

  it("replaces servers in the same change, and ends with null", () => {
    const [app] = read_upstream({ servers: [{ server: "127.0.0.1:9001" }] });
    const [config] = read_upstream({ split: { members: MEMBERS }, servers: [] }, app);
    expect(config?.servers).same([]);
    expect(read_upstream({ split: json_null, servers: [{ server: "127.0.0.1:1" }] }, config)[0]?.split).equal(
      undefined,
    );
  });

  it("may have 64 members with weights up to 1000000", () => {
    expect(read_upstream({ split: { members: members(64) } })[0]?.split?.members.length).equal(64);
    expect(read_upstream({ split: { members: [{ upstream: "a", weight: 1_000_000 }] } })[1]).equal(undefined);
  });

  it("may have weights down to 0.000001, and 0", () => {
    const light = [
      { upstream: "a", weight: 0.000_001 },
      { upstream: "b", weight: 0 },
    ];
    expect(read_upstream({ split: { members: light } })[1]).equal(undefined);
  });

  const path = "split.members";
  refuses(
    { split: { members: [{ upstream: "a", weight: 1e-7 }] } },
    `"${path}[0].weight": must be 0 or at least 0.000001`,
  );
  refuses(
    { split: { members: [{ upstream: "a", match: { [`$${string.rep("a", 64)}`]: "b" } }] } },
    `"${path}[0].match": must have names of nginx variables of at most 64 characters`,
  );
  refuses({ split: "app-v1" }, '"split": must be an object');
  refuses({ split: {} }, `"${path}": must be given`);
  refuses({ split: { members: [] } }, `"${path}": must be a list of 1 to 64 items`);
  refuses({ split: { members: members(65) } }, `"${path}": must be a list of 1 to 64 items`);
  refuses({ split: { members: ["app-v1"] } }, `"${path}[0]": must be an object`);
  refuses({ split: { members: [{ weight: 1 }] } }, `"${path}[0].upstream": must be given`);
  refuses(
    { split: { members: [{ upstream: "a b" }] } },
    `"${path}[0].upstream": must be the name of an upstream`,
  );
  refuses({ split: { members: [{ upstream: 5 }] } }, `"${path}[0].upstream"`);
  refuses({ split: { members: [{ upstream: "a" }, { upstream: "a" }] } }, `"${path}[1].upstream": duplicate`);
  for (const weight of [-0.01, 1_000_000.5, "5", json_null, 0 / 0])
    refuses({ split: { members: [{ upstream: "a", weight }] } }, `"${path}[0].weight"`);
  refuses({ split: { members: [{ upstream: "a", weight: 0 }] } }, `"${path}": must have a weight above 0`);
  refuses({ split: { by: "user", members: MEMBERS } }, '"split.by": must contain a variable');
  refuses({ split: { by: 5, members: MEMBERS } }, '"split.by": must be a string');
  refuses({ split: { members: MEMBERS, sticky: true } }, 'unknown parameter "split.sticky"');
  for (const match of [
    {},
    "x",
    ["x"],
    { http_x: "1" },
    { "$http-x": "1" },
    { $a: "" },
    { $a: 1 },
    { $a: "\n" },
  ])
    refuses({ split: { members: [{ upstream: "a", match }] } }, `"${path}[0].match`);

  const server = { server: "127.0.0.1:9001" };
  const split = { members: MEMBERS };
  refuses({ split, servers: [server] }, 'servers[0]: an upstream with "split" cannot have servers');
  refuses({ split, method: "least_conn" }, '"method": cannot be combined with "split"');
  refuses({ split, method: "hash", hash: { key: "$uri" } }, '"method": cannot be combined with "split"');
  const others: Record<string, unknown> = {
    sticky: { route: { variables: ["$cookie_route"] } },
    health_check: { type: "tcp" },
    outlier_detection: {},
    panic_threshold: 50,
    retries: { tries: 2 },
    queue: { size: 1 },
    load: {},
    discovery: { file: { path: "/x.json" } },
    resolver: { addresses: ["127.0.0.1"] },
  };
  for (const [name, value] of pairs(others)) {
    refuses({ split, [name]: value }, `"${name}": cannot be combined with "split"`);
  }

  it("is refused for an upstream that keeps its servers, or a setting that concerns them", () => {
    const [app] = read_upstream({ servers: [server], retries: { tries: 2 } });
    expect(read_upstream({ split, retries: json_null }, app)[1]?.text).contains("servers[0]");
    expect(read_upstream({ split, servers: [] }, app)[1]?.text).contains('"retries"');
    expect(read_upstream({ split, servers: [], retries: json_null }, app)[1]).equal(undefined);
  });
});
