/**
 * Bad health checks, outlier limits, retries and queues, and misused slow_start, for the table of bad
 * requests.
 */
import { bad, formatError, upstreams } from "./bad_requests.mjs";

const notObjects = [5, true, "x", ["x"], []];
const notFlags = ["on", 1, null, {}];
const notTexts = [5, true, null, {}, []];

/**
 * Adds a whole upstream's bad settings, for a new upstream and for the one that is there. The text must name
 * the field, by its path.
 * @param {object} body
 * @param {string} path
 * @param {RegExp} [says]
 */
function badSettings(body, path, says) {
  const names = new RegExp(`"${path.replaceAll(".", String.raw`\.`)}"`);
  bad("PUT", `${upstreams}/new`, body, 400, formatError, says ?? names);
  bad("PATCH", `${upstreams}/app`, body, 400, formatError, says ?? names);
}

/**
 * Adds a block's bad members.
 * @param {string} block
 * @param {Record<string, unknown[]>} members
 * @param {object} [good] its other members
 */
function badMembers(block, members, good = {}) {
  for (const [member, values] of Object.entries(members)) {
    for (const value of values) {
      badSettings({ [block]: { ...good, [member]: value } }, `${block}.${member}`);
    }
  }
}

/** @param {number} smallest @param {number} largest */
function notWhole(smallest, largest) {
  return [smallest - 1, largest + 1, smallest + 0.5, 1e300, String(smallest), "", true, null, {}, []];
}
const notTimes = ["", "x", "-1s", "1.5s", "1 s", "1s 1m", 5, true, null, {}, []];

// Blocks that are none.
for (const value of notObjects) {
  for (const block of ["health_check", "outlier_detection", "retries"]) {
    badSettings({ [block]: value }, block, new RegExp(`"${block}": must be an object`));
  }
  badSettings({ retries: { budget: value } }, "retries.budget");
  badSettings({ health_check: { match: value } }, "health_check.match");
  badSettings({ health_check: { match: { headers: value } } }, "health_check.match.headers");
}
for (const value of [5, true, "x", ["x"]]) badSettings({ queue: value }, "queue");

// Health checks.
badMembers("health_check", {
  type: ["udp", "", "HTTP", ...notTexts],
  uri: ["", "health", "/a b", "/\r\nX: y", "/\u0000", "/größe", `/${"u".repeat(1024)}`, ...notTexts],
  port: notWhole(1, 65535),
  interval: ["99ms", "0", "3601s", ...notTimes],
  jitter: ["3601s", ...notTimes],
  timeout: ["0", "0ms", "3601s", ...notTimes],
  fails: notWhole(1, 1000),
  passes: notWhole(1, 1000),
  mandatory: notFlags,
  persistent: [true, ...notFlags],
  keepalive_time: ["25h", ...notTimes],
  keepalive: ["60s"],
  host: ["app.example"],
});
badSettings({ health_check: { type: "grpc" } }, "health_check.type", /"health_check\.type".*grpc.*HTTP\/2/);
for (const [member, value] of [
  ["uri", "/"],
  ["match", {}],
  ["keepalive_time", "60s"],
]) {
  badSettings({ health_check: { type: "tcp", [member]: value } }, `health_check.${member}`);
}

/** @param {object} match @param {string} path @param {RegExp} [says] */
function badMatch(match, path, says) {
  badSettings({ health_check: { match } }, `health_check.match${path}`, says);
}
for (const status of ["", " ", "2xx", "!500", "99", "600", "200-", "399-200", "200;204", "2".repeat(300)]) {
  badMatch({ status }, ".status");
}
for (const status of notTexts) badMatch({ status }, ".status");
for (const regex of ["(", "[a", "a{2,1}", "*", "(?<n>", "\\", "(?<=a+)b", `(${"\n".repeat(500)}`]) {
  badMatch({ body: regex }, ".body", /"health_check\.match\.body": must be a regular expression: [^\n]+$/);
  badMatch({ headers: { "x-a": regex } }, ".headers.x-a");
}
for (const regex of ["b".repeat(1025), ...notTexts]) {
  badMatch({ body: regex }, ".body");
  badMatch({ headers: { "x-a": regex } }, ".headers.x-a");
}
badMatch({ body: "" }, ".body");
for (const name of ["", "X-A", "a b", "a:", "größe", "n".repeat(65)]) {
  badMatch({ headers: { [name]: "" } }, ".headers");
}
badMatch({ headers: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`x${n}`, ""])) }, ".headers");
badMatch({ code: "200" }, ".code", /unknown parameter/);

// Outlier limits.
const largest = 2 ** 31 - 1;
badMembers("outlier_detection", {
  consecutive_5xx: notWhole(0, largest),
  consecutive_gateway_failure: notWhole(0, largest),
  interval: ["99ms", "3601s", ...notTimes],
  base_ejection_time: ["0", "366d", ...notTimes],
  max_ejection_time: ["0", "366d", "29s", ...notTimes],
  max_ejection_percent: notWhole(0, 100),
  success_rate_minimum_hosts: notWhole(0, largest),
  success_rate_request_volume: notWhole(0, largest),
  success_rate_stdev_factor: [1.9, ...notWhole(0, largest)],
  enforcing_consecutive_5xx: [100],
});
for (const percent of notWhole(0, 100))
  if (percent !== null) badSettings({ panic_threshold: percent }, "panic_threshold");

// Retries and queues.
badMembers("retries", {
  tries: notWhole(1, 100),
  timeout: ["0", "0s", "366d", ...notTimes],
  on: ["error"],
});
for (const [member, values] of [
  ["percent", notWhole(0, 100)],
  ["min_concurrent", notWhole(0, 100000)],
  ["max", [5]],
]) {
  for (const value of values) {
    badSettings({ retries: { budget: { [member]: value } } }, `retries.budget.${member}`);
  }
}
badSettings({ queue: {} }, "queue.size", /invalid "queue\.size": must be given/);
badSettings({ queue: [] }, "queue.size");
badMembers("queue", { size: notWhole(1, 100000) });
badMembers("queue", { timeout: ["0", "0s", "366d", ...notTimes], length: [5] }, { size: 10 });

// slow_start with the methods that do not know it, in every way it can come about: "app" is of round_robin,
// "hashed" of ip_hash, and "slow" has a server with it.
const cannot = /invalid "slow_start": cannot be combined with the method "ip_hash"/;
const slow = { server: "127.0.0.9:1", slow_start: "1s" };
const hashed = "/api/9/http/upstreams/hashed/servers";
const badSlowStart = "UpstreamBadSlowStart";
for (const settings of [
  { method: "hash", hash: { key: "$uri" } },
  { method: "ip_hash" },
  { method: "random" },
]) {
  const says = new RegExp(`servers\\[1\\].*"slow_start".*"${settings.method}"`);
  const body = { ...settings, servers: [{ server: "127.0.0.8:1" }, slow] };
  bad("PUT", `${upstreams}/new`, body, 400, badSlowStart, says);
  bad("PATCH", `${upstreams}/app`, body, 400, badSlowStart, says);
  bad("PATCH", `${upstreams}/slow`, settings, 400, badSlowStart, /servers\[0\]/);
}
bad("PATCH", `${upstreams}/hashed`, { servers: [slow] }, 400, badSlowStart, cannot);
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
for (const deadline of ["0", "0s", "366d", ...notTimes]) {
  bad("POST", drain, { deadline }, 400, formatError, /"deadline"/);
}
bad("POST", drain, { dead_line: "60s" }, 400, formatError, /unknown parameter "dead_line"/);
for (const body of [" ", "{", "60s", "[]", "null", '"60s"']) bad("POST", drain, body, 415, "JsonError");
bad("POST", drain, " ".repeat(2 * 1024 * 1024), 413, "BodyTooLarge");
for (const method of ["PUT", "PATCH"]) bad(method, drain, {}, 405, "MethodDisabled");
bad("GET", `${upstreams}/app/servers/0`, undefined, 404, "PathNotFound");
