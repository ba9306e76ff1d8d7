/**
 * Bad settings of upstreams, one of each kind, and bad drain jobs, for the table of bad requests. The unit
 * specs refused_methods.spec.ts, refused_settings.spec.ts and upstream.spec.ts test all values.
 */
import { bad, formatError, upstreams } from "./bad_requests.mjs";

const key = "$remote_addr$uri";
const noCookieName = 'invalid "sticky.cookie.name": must be given';

/**
 * Settings that are refused for a new and for an existing upstream.
 * @type {[body: object, text: string | RegExp][]}
 */
const badSettings = [
  [{ method: "best" }, /^invalid "method": must be one of "round_robin", "least_conn"/],
  [{ method: null }, /^invalid "method": must be one of/],
  [{ ip_hash: {} }, 'unknown parameter "ip_hash"'],
  [{ session_secret: "x" }, 'unknown parameter "session_secret"'],
  [{ method: "ip_hash", hash: { key } }, 'invalid "hash": requires the method "hash"'],
  [{ method: "hash", hash: [[]] }, 'invalid "hash": must be an object'],
  [{ method: "hash" }, 'invalid "hash.key": must be given'],
  [{ method: "hash", hash: { key, consistent: 1 } }, 'invalid "hash.consistent": must be true or false'],
  [{ sticky: {} }, 'invalid "sticky": must have "cookie" or "route"'],
  [{ sticky: { cookie: {} } }, noCookieName],
  [{ sticky: { cookie: { name: "srv", path: "/\r\nX: y" } } }, /^invalid "sticky\.cookie\.path": /],
  [
    { sticky: { route: { variables: ["$cookie_r", ""] } } },
    'invalid "sticky.route.variables[1]": must contain a variable, such as $uri',
  ],
  // Lua decodes `[]` and `{}` to equal values.
  [{ method: "least_time", least_time: [] }, 'invalid "least_time": must be an object'],
  [{ retries: [] }, 'invalid "retries": must be an object'],
  [{ retries: { budget: [] } }, 'invalid "retries.budget": must be an object'],
  [{ health_check: { match: { headers: [] } } }, 'invalid "health_check.match.headers": must be an object'],
  [{ queue: [] }, 'invalid "queue.size": must be given'],
  [{ health_check: 5 }, 'invalid "health_check": must be an object'],
  [{ health_check: { type: "grpcs" } }, /^invalid "health_check\.type": "grpcs" is not supported.*HTTP\/2/],
  [{ health_check: { interval: "99ms" } }, /^invalid "health_check\.interval": must be a time from 100ms/],
  [{ outlier_detection: { interval: 5 } }, /^invalid "outlier_detection\.interval": .*such as "5s"$/],
  [{ outlier_detection: { mode: "slow" } }, /^invalid "outlier_detection\.mode": /],
  [
    { outlier_detection: { step_up_percent: 5 } },
    'invalid "outlier_detection.step_up_percent": needs the "mode" "degrade" or "detect"',
  ],
  [
    { method: "ip_hash", outlier_detection: { mode: "degrade" } },
    /^invalid "outlier_detection\.mode": "degrade" cannot be combined with the method "ip_hash", .*"consistent"/,
  ],
  [{ zones: true }, 'invalid "zones": must be an object'],
  [{ zones: { prefer: 1 } }, 'invalid "zones.prefer": must be true or false'],
  [{ zones: { min_servers: 0 } }, 'invalid "zones.min_servers": must be a whole number from 1 to 100000'],
  [{ zones: { zone: "a" } }, 'unknown parameter "zones.zone"'],
  [{ panic_threshold: 101 }, 'invalid "panic_threshold": must be a whole number from 0 to 100'],
  [{ queue: { size: 10, length: 5 } }, 'unknown parameter "queue.length"'],
];
for (const [body, text] of badSettings) {
  bad("PUT", `${upstreams}/new`, body, 400, formatError, text);
  bad("PUT", `${upstreams}/app`, body, 400, formatError, text);
  bad("PATCH", `${upstreams}/app`, body, 400, formatError, text);
}

// Only nginx compiles regular expressions.
for (const regex of ["(", "[a", "a{2,1}", "*", "(?<n>", "\\", "(?<=a+)b", `(${"\n".repeat(500)}`]) {
  for (const [match, path] of [
    [{ body: regex }, "body"],
    [{ headers: { "x-a": regex } }, "headers.x-a"],
  ]) {
    const says = new RegExp(`^invalid "health_check.match.${path}": must be a regular expression: [^\n]+$`);
    bad("PATCH", `${upstreams}/app`, { health_check: { match } }, 400, formatError, says);
  }
}

// The result of a change must be valid, too. "app" uses round_robin.
const requiresHash = 'invalid "hash": requires the method "hash"';
bad("PATCH", `${upstreams}/app`, { hash: { key } }, 400, formatError, requiresHash);

// slow_start with a method that does not support it, in every order of changes: "app" uses round_robin,
// "hashed" uses ip_hash, and "slow" has a server with slow_start.
const cannot = 'invalid "slow_start": cannot be combined with the method "ip_hash"';
const slow = { server: "127.0.0.9:1", slow_start: "1s" };
const hashed = "/api/9/http/upstreams/hashed/servers";
const badSlowStart = "UpstreamBadSlowStart";
const body = { method: "ip_hash", servers: [{ server: "127.0.0.8:1" }, slow] };
bad("PUT", `${upstreams}/new`, body, 400, badSlowStart, `servers[1]: ${cannot}`);
bad("PATCH", `${upstreams}/app`, body, 400, badSlowStart, `servers[1]: ${cannot}`);
bad("PATCH", `${upstreams}/slow`, { method: "ip_hash" }, 400, badSlowStart, `servers[0]: ${cannot}`);
bad("PATCH", `${upstreams}/hashed`, { servers: [slow] }, 400, badSlowStart, `servers[0]: ${cannot}`);
bad("POST", hashed, slow, 400, badSlowStart, cannot);
bad("PATCH", `${hashed}/0`, { slow_start: "1s" }, 400, badSlowStart, cannot);

// Drains.
for (const [method, body] of [
  ["GET", undefined],
  ["POST", {}],
  ["DELETE", undefined],
]) {
  const drain = (name, id) => `${upstreams}/${name}/servers/${id}/drain`;
  bad(method, drain("nobody", 0), body, 404, "UpstreamNotFound");
  bad(method, drain("app", "x"), body, 400, "UpstreamBadServerId");
  bad(method, drain("app", "-1"), body, 400, "UpstreamBadServerId");
  bad(method, drain("app", 77), body, 404, "UpstreamServerNotFound", /77/);
  if (method !== "POST") bad(method, drain("app", 0), body, 404, "DrainNotFound", /"0"/);
}
const drain = `${upstreams}/app/servers/0/drain`;
const notTimes = ["", "x", "-1s", "1.5s", "1 s", "1s 1m", 5, true, null, {}, []];
for (const deadline of ["0", "0s", "366d", ...notTimes]) {
  bad("POST", drain, { deadline }, 400, formatError, /"deadline"/);
}
bad("POST", drain, { dead_line: "60s" }, 400, formatError, 'unknown parameter "dead_line"');
for (const body of [" ", "{", "60s", "[]", "null", '"60s"']) bad("POST", drain, body, 415, "JsonError");
bad("POST", drain, " ".repeat(2 * 1024 * 1024), 413, "BodyTooLarge");
for (const method of ["PUT", "PATCH"]) bad(method, drain, {}, 405, "MethodDisabled");
bad("GET", `${upstreams}/app/servers/0`, undefined, 404, "PathNotFound");
