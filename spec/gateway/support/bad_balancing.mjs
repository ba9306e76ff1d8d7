/** Bad balancing methods and stickiness, for the table of bad requests. */
import { bad, formatError, upstreams } from "./bad_requests.mjs";

const key = "$remote_addr$uri";
const name = "srv";

/**
 * Adds a whole upstream's bad parameters, for a new upstream and for the one that is there. The text must
 * name the field, by its path.
 * @param {object} body
 * @param {string} path
 * @param {RegExp} [says]
 */
function badBalancing(body, path, says) {
  for (const [method, upstream] of [
    ["PUT", "new"],
    ["PUT", "app"],
    ["PATCH", "app"],
  ]) {
    const names = new RegExp(`"${path.replaceAll(/[.[\]]/g, String.raw`\$&`)}"`);
    bad(method, `${upstreams}/${upstream}`, body, 400, formatError, says ?? names);
  }
}

// Methods.
for (const method of ["best", "", "Hash", "round robin", "least_conn ", 5, true, null, {}, ["hash"]]) {
  badBalancing({ method }, "method");
}
for (const [block, value] of [
  ["least_time", { measure: "header" }],
  ["random", { two: "least_conn" }],
  ["hash", { key }],
]) {
  for (const method of ["round_robin", "least_conn", "ip_hash"]) {
    badBalancing(
      { method, [block]: value },
      block,
      new RegExp(`invalid "${block}": requires the method "${block}"`),
    );
  }
  badBalancing({ [block]: value }, block);
}
for (const block of [
  "ip_hash",
  "least_conn",
  "round_robin",
  "zone",
  "session_secret",
  "next_id",
  "revision",
]) {
  badBalancing({ [block]: {} }, block, new RegExp(`unknown parameter "${block}"`));
}

// Blocks that are none.
for (const value of [5, true, "x", ["x"], [[]]]) {
  for (const method of ["least_time", "random", "hash"]) badBalancing({ method, [method]: value }, method);
  badBalancing({ sticky: value }, "sticky");
  badBalancing({ sticky: { cookie: value } }, "sticky.cookie");
  badBalancing({ sticky: { route: value } }, "sticky.route");
}
badBalancing({ method: "least_time", least_time: [] }, "least_time");

// Members of blocks.
/**
 * @param {string} method
 * @param {object} good the members of a good block, less the one that is tried
 * @param {string} member
 * @param {unknown[]} values
 */
function badMember(method, good, member, values) {
  for (const value of values) {
    badBalancing({ method, [method]: { ...good, [member]: value } }, `${method}.${member}`);
  }
}
const notStrings = [5, true, null, {}, []];
badMember("least_time", {}, "measure", ["body", "", "Header", ...notStrings]);
badMember("least_time", {}, "inflight", ["on", 1, null, {}]);
badMember("least_time", {}, "unknown", [1]);
badMember("random", {}, "two", ["round_robin", "", ...notStrings]);
badMember("random", { two: "least_conn" }, "three", [1]);
badBalancing({ method: "random", random: {} }, "random.two", /invalid "random\.two": must be given/);
badMember("hash", {}, "key", [
  ...["", " ", "uri", "$", "$uri $", "$$", "${", "${uri", "${}", "${a b}", "$0", "$-"],
  ...["$uri\n", "$uri\u0000", "$uri\u007f", `$uri${"k".repeat(1021)}`, "k".repeat(1000)],
  ...notStrings,
]);
badMember("hash", { key }, "consistent", ["yes", 1, null, {}]);
badMember("hash", { key, consistent: true }, "balance_factor", [
  ...[0, 1, 99, 100001, 2 ** 40, 1e300, -150, 150.5],
  ...["150", "", true, null, {}, []],
]);
for (const good of [{ key }, { key, consistent: false }]) {
  badMember("hash", good, "balance_factor", [150]);
}
badMember("hash", { key }, "ring", [1]);
badBalancing({ method: "hash" }, "hash.key", /invalid "hash\.key": must be given/);
badBalancing({ method: "hash", hash: null }, "hash.key", /invalid "hash\.key": must be given/);
badBalancing({ method: "hash", hash: {} }, "hash.key", /invalid "hash\.key": must be given/);
badBalancing(
  { method: "hash", hash: { consistent: true } },
  "hash.key",
  /invalid "hash\.key": must be given/,
);

// Sticky cookies.
const cookieValues = {
  name: [
    ...["", " ", "a b", "a=b", "a;b", "a,b", 'a"b', "a/b", "a\tb", "\r\nX", "größe", "n".repeat(65)],
    ...notStrings,
  ],
  path: ["shop", "/a;b", "/\r\nX: y", "/\u0000", `/${"p".repeat(1024)}`, ...notStrings],
  domain: [
    ...["", ".", "..", "a b", "a;b", "a/b", "a_b", "größe.example", "d".repeat(256), ...notStrings],
    ...[
      "$",
      "$host;",
      "a_$host",
      "-$host",
      "${host",
      "$-",
      "$host$",
      "$host\r\nX: y",
      `$host.${"d".repeat(250)}`,
    ],
  ],
  expires: ["", "0", "0s", "-1h", "1.5h", "soon", "MAX", "1 h", 60, ...notStrings],
  httponly: ["true", 1, null, {}],
  secure: ["on", 0, null, []],
  samesite: ["Lax", "", "any", "none", ...notStrings],
  nam: ["srv"],
  max_age: [60],
};
for (const [member, values] of Object.entries(cookieValues)) {
  for (const value of values) {
    badBalancing({ sticky: { cookie: { name, [member]: value } } }, `sticky.cookie.${member}`);
  }
}
badBalancing(
  { sticky: { cookie: {} } },
  "sticky.cookie.name",
  /invalid "sticky\.cookie\.name": must be given/,
);
badBalancing({ sticky: { cookie: { path: "/" } } }, "sticky.cookie.name");
badBalancing(
  { sticky: { cookie: { name, samesite: "none", secure: false } } },
  "sticky.cookie.samesite",
  /sticky\.cookie\.samesite.*"secure"/,
);

// Sticky routes.
for (const variables of ["$cookie_r", 5, true, null, {}, [], { a: "$cookie_r" }, Array(17).fill("$arg_r")]) {
  badBalancing({ sticky: { route: { variables } } }, "sticky.route.variables");
}
for (const variable of ["", "cookie_r", "$", "$arg_r ", "$cookie_r$arg_r", "${arg_r", ...notStrings]) {
  badBalancing({ sticky: { route: { variables: ["$cookie_r", variable] } } }, "sticky.route.variables[1]");
}
badBalancing(
  { sticky: { route: {} } },
  "sticky.route.variables",
  /invalid "sticky\.route\.variables": must be given/,
);
badBalancing(
  { sticky: { route: { variables: ["$arg_r"], servers: 1 } } },
  "sticky.route.servers",
  /unknown parameter/,
);

// Neither, both, or another.
badBalancing({ sticky: {} }, "sticky.cookie", /invalid "sticky": must have "cookie" or "route"/);
badBalancing({ sticky: { cookie: { name }, route: { variables: ["$arg_r"] } } }, "sticky");
badBalancing({ sticky: { learn: {} } }, "sticky.learn", /unknown parameter/);
badBalancing({ sticky: { cookie: null } }, "sticky.cookie");

// The result of a change must be valid too: "app" uses round_robin.
bad("PATCH", `${upstreams}/app`, { hash: { key } }, 400, formatError, /invalid "hash": requires/);
