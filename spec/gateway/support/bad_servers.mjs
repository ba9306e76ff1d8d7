/** Bad bodies, servers and ids, for the table of bad requests. */
import { bad, formatError, servers, upstreams } from "./bad_requests.mjs";

const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
const megabyte = 1024 * 1024;

// Bodies that are not JSON, at every path that accepts one.
for (const body of [
  undefined,
  "",
  " ",
  "{",
  "}",
  "hello",
  '{"server":"127.0.0.9:1",}',
  "{'server':'127.0.0.9:1'}",
  '{"server":"127.0.0.9:1"} {}',
  '{"server":"127.0.0.9:1","weight":NaN}',
  '{"server":"127.0.0.9:1","weight":Infinity}',
  '{"server":"127.0.0.9:1","weight":0x10}',
  '{"server":"127.0.0.9:1"',
  "server=127.0.0.9:1",
  nested(5000),
  "x".repeat(megabyte - 10),
]) {
  bad("POST", servers, body, 415, "JsonError");
}
for (const [method, path] of [
  ["PATCH", `${servers}/0`],
  ["PUT", `${upstreams}/new`],
  ["PATCH", `${upstreams}/app`],
]) {
  bad(method, path, undefined, 415, "JsonError");
  bad(method, path, '{"servers":', 415, "JsonError");
}
bad("POST", servers, " ".repeat(2 * megabyte), 413, "BodyTooLarge");
bad("PUT", `${upstreams}/new`, " ".repeat(2 * megabyte), 413, "BodyTooLarge");

// JSON of another form.
for (const body of [
  "null",
  "5",
  '"127.0.0.9:1"',
  "true",
  "[]",
  '["127.0.0.9:1"]',
  '[{"server":"127.0.0.9:1"}]',
]) {
  bad("POST", servers, body, 415, "JsonError", /object/);
}
bad("POST", servers, {}, 400, formatError, /invalid "server": must be given/);
bad("POST", servers, { weight: 2 }, 400, formatError, /invalid "server": must be given/);
bad("POST", servers, { server: "127.0.0.9:1", wieght: 2 }, 400, formatError, /unknown parameter "wieght"/);
bad("POST", servers, { server: "127.0.0.9:1", id: 7 }, 400, formatError, /unknown parameter "id"/);
bad("POST", servers, { server: "127.0.0.9:1", ["y".repeat(megabyte - 100)]: 1 }, 400, formatError);
bad("POST", servers, { server: "127.0.0.9:1", "": 1 }, 400, formatError);
for (const server of [5, true, null, {}, [], { ip: "127.0.0.9" }, ["127.0.0.9:1"]]) {
  bad("POST", servers, { server }, 400, formatError, /"server"/);
}

// Addresses.
for (const server of [
  "",
  "127.0.0.1:0",
  "127.0.0.1:65536",
  "127.0.0.1:99999999999",
  "127.0.0.1:",
  "127.0.0.1:-1",
  "127.0.0.1:8x",
  "127.0.0.1:80:80",
  "256.0.0.1:80",
  "127.0.0:80",
  "1.2.3.4.5:80",
  ":80",
  "::1",
  "[::1",
  "[::1]80",
  "[::1]:x",
  "[:::1]:80",
  "[127.0.0.1]:80",
  "unix:",
  "unix:there.sock",
  `unix:/${"x".repeat(200)}`,
  "http://127.0.0.1:80",
  "127.0.0.1/8",
  " 127.0.0.9:1",
  "127.0.0.9:1 ",
  "127.0.0.9:1\n",
  "127.0.0.9:1\u0000",
  "127.0.0.9:1;",
  "127.0.0.9 :1",
  "größe:80",
]) {
  bad("POST", servers, { server }, 400, "UpstreamBadAddress", /"server"/);
}
for (const server of ["app.example:80", "localhost", "app"]) {
  bad("POST", servers, { server }, 400, "UpstreamConfNoResolver", /"server"/);
}

// Values.
/** @type {[name: string, code: string, values: unknown[]][]} */
const badValues = [
  [
    "weight",
    "UpstreamBadWeight",
    [0, -1, 1.5, "0", "-1", "1.5", "abc", "", " 1", "0x5", true, null, 1e300, 2 ** 40],
  ],
  ["max_conns", "UpstreamBadMaxConns", [-1, 0.5, "-1", "0.5", "x", "", true, null, 1e300, 2 ** 31]],
  ["max_fails", "UpstreamBadMaxFails", [-1, 0.5, "1e3", "x", "", false, null, 2 ** 31]],
  [
    "fail_timeout",
    "UpstreamBadFailTimeout",
    ["x", "", "10 s", "-10s", "10sec", "1s 1m", -5, 0.5, true, null],
  ],
  ["slow_start", "UpstreamBadSlowStart", ["x", "", "1.5h", "99999999d", -1, "-1", 1e300, true, null]],
  ["route", "UpstreamBadRoute", ["r".repeat(33), "a\nb", "\u0000", 5, true, null]],
  ["service", "UpstreamBadService", ["http", ""]],
  ["backup", formatError, [1, 0, "true", "", null]],
  ["down", formatError, [1, "false", null]],
  ["drain", formatError, [1, "yes", null]],
];
for (const [name, code, values] of badValues) {
  for (const value of values) {
    bad("POST", servers, { server: "127.0.0.9:1", [name]: value }, 400, code, new RegExp(`"${name}"`));
  }
}
for (const name of ["weight", "max_conns", "fail_timeout", "backup", "route"]) {
  for (const value of [{}, [1], { a: { b: 1 } }]) {
    bad("POST", servers, { server: "127.0.0.9:1", [name]: value }, 400, formatError, new RegExp(`"${name}"`));
  }
}

// Servers that are there already.
bad("POST", servers, { server: "127.0.0.1:9001" }, 409, "EntryExists");
bad("POST", servers, { server: "127.0.0.3:9001", backup: false }, 409, "EntryExists");
bad("PATCH", `${servers}/0`, { server: "127.0.0.2:9001" }, 409, "EntryExists");

// Fields that are stored with a server but are not parameters.
for (const name of ["leave_by", "row", "incarnation"]) {
  bad("POST", servers, { server: "127.0.0.9:1", [name]: "idle" }, 400, formatError, new RegExp(`"${name}"`));
  bad("PATCH", `${servers}/0`, { [name]: "idle" }, 400, formatError, new RegExp(`"${name}"`));
}

// Changes.
bad("PATCH", `${servers}/0`, { id: 0 }, 400, formatError, /unknown parameter "id"/);
bad("PATCH", `${servers}/0`, { weight: 0 }, 400, "UpstreamBadWeight", /"weight"/);
bad("PATCH", `${servers}/0`, { weight: 7, down: "no" }, 400, formatError, /"down"/);
bad("PATCH", `${servers}/0`, { backup: true }, 400, formatError, /"backup"/);
bad("PATCH", `${servers}/2`, { backup: false }, 400, formatError, /"backup"/);
bad("PATCH", `${servers}/0`, { server: "app.example:80" }, 400, "UpstreamConfNoResolver", /"server"/);
bad("PATCH", `${servers}/0`, { server: "127.0.0.1:x" }, 400, "UpstreamBadAddress", /"server"/);
bad("PATCH", `${servers}/0`, "[1]", 415, "JsonError", /object/);
bad("PATCH", `${servers}/0`, "null", 415, "JsonError", /object/);

// Ids.
for (const method of ["GET", "PATCH", "DELETE"]) {
  const body = method === "PATCH" ? { weight: 2 } : undefined;
  for (const id of ["abc", "-1", "1.5", "0x1", "1e1", "%20", "0%20", "9007199254740993", "%F0%9F%98%80"]) {
    bad(method, `${servers}/${id}`, body, 400, "UpstreamBadServerId");
  }
  bad(method, `${servers}/77`, body, 404, "UpstreamServerNotFound", /77/);
  bad(method, `${servers}/999999999999999`, body, 404, "UpstreamServerNotFound");
}
bad("DELETE", `${servers}?server=127.0.0.9:1`, undefined, 404, "UpstreamServerNotFound", /127\.0\.0\.9:1/);
bad("DELETE", `${servers}?server=`, undefined, 400, "UpstreamBadAddress", /"server"/);
bad("DELETE", `${servers}?server=127.0.0.1:x`, undefined, 400, "UpstreamBadAddress", /"server"/);
bad("DELETE", servers, undefined, 400, formatError, /"server"/);
bad("DELETE", `${servers}?sever=127.0.0.1:9001`, undefined, 400, formatError, /"server"/);
