import { json_null } from "../../../src/resty/sluice/lib/json";
import { refuses } from "../support/refused";

/** Options of the balancing methods and of `sticky` that are refused in a new upstream and in a change. */

const KEY = "$remote_addr$uri";
const NOT_STRINGS = [5, true, json_null, {}];

/** Expects that each value of an option of a block is refused. `good`: the block's other options. */
function refuses_each(method: string, good: object, member: string, values: unknown[]): void {
  for (const value of values)
    refuses({ method, [method]: { ...good, [member]: value } }, `${method}.${member}`);
}

describe("a balancing method:", () => {
  for (const method of ["best", "", "Hash", "round robin", "least_conn ", 5, true, json_null, {}, ["hash"]])
    refuses({ method }, "method");
  const blocks: [name: string, value: object][] = [
    ["least_time", { measure: "header" }],
    ["random", { two: "least_conn" }],
    ["hash", { key: KEY }],
  ];
  for (const [name, value] of blocks) {
    for (const method of ["round_robin", "least_conn", "ip_hash"])
      refuses({ method, [name]: value }, name, `invalid "${name}": requires the method "${name}"`);
    refuses({ [name]: value }, name);
  }
  for (const name of [
    "ip_hash",
    "least_conn",
    "round_robin",
    "zone",
    "session_secret",
    "next_id",
    "revision",
  ])
    refuses({ [name]: {} }, name, `unknown parameter "${name}"`);
  for (const value of [5, true, "x", ["x"], [[]]]) {
    for (const method of ["least_time", "random", "hash"]) refuses({ method, [method]: value }, method);
    refuses({ sticky: value }, "sticky");
    refuses({ sticky: { cookie: value } }, "sticky.cookie");
    refuses({ sticky: { route: value } }, "sticky.route");
  }
});

describe("the parameters of a method:", () => {
  refuses_each("least_time", {}, "measure", ["body", "", "Header", ...NOT_STRINGS]);
  refuses_each("least_time", {}, "inflight", ["on", 1, json_null, {}]);
  refuses_each("least_time", {}, "unknown", [1]);
  refuses_each("random", {}, "two", ["round_robin", "", ...NOT_STRINGS]);
  refuses_each("random", { two: "least_conn" }, "three", [1]);
  refuses({ method: "random", random: {} }, "random.two", 'invalid "random.two": must be given');
  refuses_each("hash", {}, "key", [
    ...["", " ", "uri", "$", "$uri $", "$$", "${", "${uri", "${}", "${a b}", "$0", "$-", "$uri\n"],
    ...["$uri\u0000", "$uri\u007f", `$uri${string.rep("k", 1021)}`, string.rep("k", 1000)],
    ...NOT_STRINGS,
  ]);
  refuses_each("hash", { key: KEY }, "consistent", ["yes", 1, json_null, {}]);
  refuses_each("hash", { key: KEY, consistent: true }, "balance_factor", [
    ...[0, 1, 99, 100001, 2 ** 40, 1e300, -150, 150.5],
    ...["150", "", true, json_null, {}],
  ]);
  refuses_each("hash", { key: KEY }, "balance_factor", [150]);
  refuses_each("hash", { key: KEY, consistent: false }, "balance_factor", [150]);
  refuses_each("hash", { key: KEY }, "ring", [1]);
  const no_key = 'invalid "hash.key": must be given';
  refuses({ method: "hash" }, "hash.key", no_key);
  refuses({ method: "hash", hash: json_null }, "hash.key", no_key);
  refuses({ method: "hash", hash: {} }, "hash.key", no_key);
  refuses({ method: "hash", hash: { consistent: true } }, "hash.key", no_key);
});

describe("the binding of clients to servers:", () => {
  const cookie_values: [member: string, values: unknown[]][] = [
    ["name", ["", " ", "a b", "a=b", "a;b", "a,b", 'a"b', "a/b", "a\tb", "\r\nX", "größe", ...NOT_STRINGS]],
    ["name", [string.rep("n", 65)]],
    ["path", ["shop", "/a;b", "/\r\nX: y", "/\u0000", `/${string.rep("p", 1024)}`, ...NOT_STRINGS]],
    ["domain", ["", ".", "..", "a b", "a;b", "a/b", "a_b", "größe.example", string.rep("d", 256)]],
    ["domain", ["$", "$host;", "a_$host", "-$host", "${host", "$-", "$host$", "$host\r\nX: y"]],
    ["domain", [`$host.${string.rep("d", 250)}`, ...NOT_STRINGS]],
    ["expires", ["", "0", "0s", "-1h", "1.5h", "soon", "MAX", "1 h", 60, ...NOT_STRINGS]],
    ["httponly", ["true", 1, json_null, {}]],
    ["secure", ["on", 0, json_null, {}]],
    ["samesite", ["Lax", "", "any", "none", ...NOT_STRINGS]],
    ["nam", ["srv"]],
    ["max_age", [60]],
  ];
  for (const [member, values] of cookie_values) {
    for (const value of values)
      refuses({ sticky: { cookie: { name: "srv", [member]: value } } }, `sticky.cookie.${member}`);
  }
  refuses(
    { sticky: { cookie: { name: "srv", samesite: "none", secure: false } } },
    "sticky.cookie.samesite",
    'invalid "sticky.cookie.samesite": "none" requires that "secure" is true',
  );
  refuses({ sticky: { cookie: {} } }, "sticky.cookie.name", 'invalid "sticky.cookie.name": must be given');
  refuses({ sticky: { cookie: { path: "/" } } }, "sticky.cookie.name");

  const many: string[] = [];
  for (const index of $range(1, 17)) many.push(`$arg_${index}`);
  for (const variables of ["$cookie_r", 5, true, json_null, {}, { a: "$cookie_r" }, many])
    refuses({ sticky: { route: { variables } } }, "sticky.route.variables");
  for (const variable of ["", "cookie_r", "$", "$arg_r ", "$cookie_r$arg_r", "${arg_r", ...NOT_STRINGS])
    refuses({ sticky: { route: { variables: ["$cookie_r", variable] } } }, "sticky.route.variables[1]");
  refuses(
    { sticky: { route: {} } },
    "sticky.route.variables",
    'invalid "sticky.route.variables": must be given',
  );
  refuses(
    { sticky: { route: { variables: ["$arg_r"], servers: 1 } } },
    "sticky.route.servers",
    'unknown parameter "sticky.route.servers"',
  );
  refuses({ sticky: {} }, "sticky", 'invalid "sticky": must have "cookie" or "route"');
  refuses({ sticky: { cookie: { name: "srv" }, route: { variables: ["$arg_r"] } } }, "sticky");
  refuses({ sticky: { learn: {} } }, "sticky.learn", 'unknown parameter "sticky.learn"');
  refuses({ sticky: { cookie: json_null } }, "sticky.cookie");
});
