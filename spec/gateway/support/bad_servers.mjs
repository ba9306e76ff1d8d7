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

// One value of each kind. spec/unit/config/server.spec.ts and address.spec.ts test all values.
/** @type {[body: object, code: string, text: string][]} */
const badServers = [
  [{}, formatError, 'invalid "server": must be given'],
  [{ wieght: 2 }, formatError, 'unknown parameter "wieght"'],
  [{ ["y".repeat(megabyte - 100)]: 1 }, formatError, `unknown parameter "${"y".repeat(64)}"`],
  [{ server: 5 }, formatError, 'invalid "server": must be a string'],
  [{ server: null }, formatError, 'invalid "server": must be a string'],
  [{ server: ["127.0.0.9:1"] }, formatError, 'invalid "server": must not be an object or a list'],
  [{ server: "" }, "UpstreamBadAddress", 'invalid "server": "" is empty'],
  [
    { server: "127.0.0.1:65536" },
    "UpstreamBadAddress",
    'invalid "server": "127.0.0.1:65536" must have a port from 1 to 65535',
  ],
  [
    { server: `unix:/${"x".repeat(200)}` },
    "UpstreamBadAddress",
    `invalid "server": "unix:/${"x".repeat(74)}" must not have a path of more than 107 bytes`,
  ],
  ...["127.0.0.9:1\n", "127.0.0.9:1\u0000", "größe:80"].map((server) => [
    { server },
    "UpstreamBadAddress",
    `invalid "server": "${server}" must contain only printable ASCII characters`,
  ]),
  [
    { server: "app.example:80", service: "http", resolve: true },
    "UpstreamBadAddress",
    'invalid "server": "app.example:80" must not have a port, because "service" gives it',
  ],
];
for (const [body, code, text] of badServers) bad("POST", servers, body, 400, code, text);
/** @type {[name: string, value: unknown, code: string, reason: string][]} */
const badValues = [
  ["weight", 0, "UpstreamBadWeight", "must be a whole number from 1 to 2147483647"],
  ["weight", 1e300, "UpstreamBadWeight", "must be a whole number from 1 to 2147483647"],
  ["max_conns", -1, "UpstreamBadMaxConns", 'must be a whole number from 0 to 2147483647, or "adaptive"'],
  ["max_fails", "1e3", "UpstreamBadMaxFails", "must be a whole number from 0 to 2147483647"],
  ["fail_timeout", "10 s", "UpstreamBadFailTimeout", 'must be a time, such as "10s"'],
  ["slow_start", null, "UpstreamBadSlowStart", 'must be a time, such as "10s"'],
  ["route", "a\nb", "UpstreamBadRoute", "must not contain control characters"],
  ["service", "", "UpstreamBadService", 'must be the name of a service, such as "http" or "_http._tcp"'],
  ["backup", "true", formatError, "must be true or false"],
  ["down", 1, formatError, "must be true or false"],
  ["drain", null, formatError, "must be true or false"],
  ["weight", {}, formatError, "must not be an object or a list"],
];
for (const [name, value, code, reason] of badValues) {
  const text = `invalid "${name}": ${reason}`;
  bad("POST", servers, { server: "127.0.0.9:1", [name]: value }, 400, code, text);
  bad("PATCH", `${servers}/0`, { weight: 7, [name]: value }, 400, code, text);
}

// Servers that exist already.
bad("POST", servers, { server: "127.0.0.1:9001" }, 409, "EntryExists");
bad("POST", servers, { server: "127.0.0.3:9001", backup: false }, 409, "EntryExists");
bad("PATCH", `${servers}/0`, { server: "127.0.0.2:9001" }, 409, "EntryExists");

// Fields that are stored with a server but are not parameters.
for (const name of ["id", "leave_by", "row", "incarnation"]) {
  const text = `unknown parameter "${name}"`;
  bad("POST", servers, { server: "127.0.0.9:1", [name]: 1 }, 400, formatError, text);
  bad("PATCH", `${servers}/0`, { [name]: 1 }, 400, formatError, text);
}

// Changes.
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
