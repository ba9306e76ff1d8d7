/** What the dashboard says of upstreams, servers and events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { gatewayIssues, issuesOf, severityOfIssues } = await source("model/issues");
const { NO_FIGURES } = await source("model/figures");
const { whyItsShare } = await source("model/why");
const { eventOf, eventText, kindOf } = await source("model/event_text");

const now = Date.parse("2026-01-01T00:10:00Z");
const summary = {
  name: "app",
  revision: 1,
  method: "round_robin",
  states: { up: 2 },
  active: 0,
  requests: 0,
  responses: {},
  fails: 0,
};
const texts = (changes, figures = NO_FIGURES) =>
  issuesOf({ ...summary, ...changes }, figures, now).map(({ text }) => text);
const severity = (changes, figures = NO_FIGURES) =>
  severityOfIssues(issuesOf({ ...summary, ...changes }, figures, now));

test("nothing is said of an upstream without a problem", () => {
  assert.deepEqual(texts({ discovery: { state: "ok" }, queue: { size: 0, max_size: 5, overflows: 9 } }), []);
  assert.equal(severity({}), "ok");
});

test("a server that is not up is named with its state, since when, and the reason", () => {
  const worst = {
    id: 2,
    server: "10.0.0.3:80",
    state: "unhealthy",
    since: "2026-01-01T00:08:00Z",
    reason: "/health returned 503",
  };
  const states = { up: 1, unhealthy: 1 };
  assert.deepEqual(texts({ worst, states }), ["10.0.0.3:80 is unhealthy since 2 min: /health returned 503"]);
  assert.match(texts({ worst, states: { up: 1, unhealthy: 3 } })[0], /\(and 2 others are unhealthy\)$/);
  assert.equal(severity({ worst, states }), "warning");
});

test("an upstream that cannot serve is worse than one with an unhealthy server", () => {
  assert.equal(severity({ states: { unhealthy: 2 } }), "critical");
  assert.equal(severity({ panic: true }), "critical");
  assert.equal(severity({ states: { down: 2 } }), "warning");
  assert.match(texts({ states: {} })[0], /no servers/);
});

test("a standby server that waits is no problem", () => {
  const worst = {
    id: 2,
    server: "10.0.0.3:80",
    state: "down",
    reason: "it is a standby server that is not in service",
  };
  assert.equal(severity({ worst, states: { up: 1, down: 1 } }), "ok");
});

test("failing discovery, a queue, failed requests and problems are said", () => {
  assert.deepEqual(texts({ discovery: { state: "failing", error: "etcd: refused" } }), [
    "Discovery is failing: etcd: refused",
  ]);
  assert.deepEqual(texts({ queue: { size: 3, max_size: 10, overflows: 0 } }), [
    "3 of at most 10 requests wait in the queue.",
  ]);
  assert.deepEqual(texts({}, { ...NO_FIGURES, errors: 0.12 }), ["12 % of the requests fail."]);
  assert.deepEqual(texts({ problems: [{ problem: "log_missing", reason: "requests end without log()" }] }), [
    "Requests end without log()",
  ]);
});

test("problems of the gateway and of its cluster are said", () => {
  const problems = [{ problem: "dict_nearly_full", reason: "2 % of the shared dict are free" }];
  const cluster = { state: "degraded", problem_count: 3 };
  assert.deepEqual(
    gatewayIssues({ problems, cluster }).map(({ text }) => text),
    ["2 % of the shared dict are free", "The cluster is degraded: 3 upstreams differ"],
  );
  assert.deepEqual(gatewayIssues({ problems: [], cluster: { state: "ok", problem_count: 0 } }), []);
});

const server = {
  id: 0,
  server: "10.0.0.1:80",
  origin: "hand",
  backup: false,
  state: "up",
  reason: "it is healthy",
  weight: { effective: 1, configured: 1, slow_start: 1, load: 1, reason: "" },
  picks: 50,
  picks_percent: 50,
  active: 0,
  max_conns: 0,
};
const why = (changes, company = {}) => {
  const own = { ...server, ...changes };
  const servers = [own, { ...server, id: 1, server: "10.0.0.2:80" }];
  return whyItsShare(
    own,
    { method: "round_robin", panic: false, isSticky: false, servers, ...company },
    now,
  ).join(" ");
};

test("a server with the share of its weight needs no further reason", () => {
  assert.match(why({}), /50 % of all choices, as its weight says\. Its weight is 1, as configured\.$/);
});

test("the reasons for few requests are said", () => {
  const slow = {
    picks_percent: 10,
    weight: { ...server.weight, effective: 0.15, slow_start: 0.3, load: 0.5 },
  };
  const said = why(slow);
  assert.match(said, /by weight alone it would be 13 %/);
  assert.match(said, /Slow start: its weight is at 30 %/);
  assert.match(said, /Its load factor is 0\.5: it reports more load/);
  const outlier = { weight: { ...server.weight, effective: 0.2, outlier: 0.2 } };
  assert.match(why(outlier), /Outlier detection leaves 20 % of its weight, because/);
  assert.match(
    why({ state: "unhealthy", reason: "/health returned 503", since: "2026-01-01T00:09:00Z", picks: 0 }),
    /^It is unhealthy since 1 min: \/health returned 503\. It was not chosen/,
  );
  assert.match(why({ active: 8, max_conns: 8 }), /at its limit: 8 of at most 8 active requests/);
  assert.match(why({ backup: true }), /backup server/);
  assert.match(why({}, { method: "hash" }), /assigns requests by key/);
  assert.match(why({}, { isSticky: true }), /bound to servers/);
  assert.match(why({}, { panic: true }), /panic/);
});

test("an event is one sentence", () => {
  const say = (kind, data) => eventText(eventOf(kind, "1.1", data));
  assert.equal(
    say("state", { server: "10.0.0.1:80", new_state: "up", reason: "a check has passed" }),
    "10.0.0.1:80 is up: a check has passed",
  );
  assert.equal(
    say("change", { change: "changed", added: 1, removed: 2, changed: 0 }),
    "1 server added, 2 servers removed",
  );
  assert.equal(say("change", { change: "created", added: 2 }), "was created: 2 servers added");
  assert.equal(say("change", { change: "changed" }), "has new settings");
  assert.equal(say("change", { change: "deleted" }), "was deleted");
  assert.equal(
    say("decision", { decision: "scale_out", reason: "the load is high" }),
    "scales out: the load is high",
  );
  assert.equal(say("lost", { reason: "too slow" }), "Some events were lost: too slow");
  assert.equal(kindOf({ decision: "scale_in" }), "decision");
  assert.equal(kindOf({ new_state: "up" }), "state");
  assert.equal(kindOf({ problem: "log_missing" }), "problem");
});
