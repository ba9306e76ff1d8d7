/** Checks the types in a status as strictly as the Go client does. */
import assert from "node:assert/strict";

const counters = [
  "id",
  "weight",
  "active",
  "max_conns",
  "requests",
  "sent",
  "received",
  "fails",
  "unavail",
  "downtime",
];
const classes = ["1xx", "2xx", "3xx", "4xx", "5xx", "total"];
const states = ["up", "draining", "down", "unavail", "checking", "unhealthy"];
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;

/**
 * Asserts that every number in a JSON text is a non-negative whole number without an exponent.
 * @param {string} text
 */
export function assertOnlyIntegers(text) {
  const withoutStrings = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  assert.doesNotMatch(withoutStrings, /-\d|\d[.eE]/);
}

/** @param {unknown} value @param {string} name */
function assertCount(value, name) {
  assert.ok(Number.isSafeInteger(value) && Number(value) >= 0, `${name} is ${JSON.stringify(value)}`);
}

/** @param {any} object @param {string[]} names @param {string} of */
function assertCounts(object, names, of) {
  for (const name of names) assertCount(object[name], `${of}.${name}`);
}

/** Asserts the types of a peer with or without health checks. @param {any} peer */
export function assertHealthOf(peer) {
  const { last_passed, ...rest } = peer.health_checks;
  if (rest.checks > 0) assert.equal(typeof last_passed, "boolean");
  assertPeer({ ...peer, health_checks: rest });
}

/** @param {any} peer */
export function assertPeer(peer) {
  assertCounts(peer, counters, "peer");
  assertCounts(peer.responses, classes, "responses");
  assertCounts(peer.responses.codes, Object.keys(peer.responses.codes), "codes");
  assert.ok(!Array.isArray(peer.responses.codes) && !Array.isArray(peer.health_checks));
  assertCounts(peer.health_checks, ["checks", "fails", "unhealthy"], "health_checks");
  assert.equal(peer.health_checks.last_passed, undefined, "no check has run");
  assert.deepEqual(
    [typeof peer.server, typeof peer.name, typeof peer.backup],
    ["string", "string", "boolean"],
  );
  assert.ok(states.includes(peer.state), peer.state);
  for (const name of ["selected", "downstart"]) {
    if (peer[name] !== undefined) assert.match(peer[name], moment);
  }
  for (const name of ["header_time", "response_time"]) {
    if (peer[name] !== undefined) assertCount(peer[name], name);
  }
}
