/** The changes that the dashboard makes: the smallest request, and the one that undoes it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { planAdd, planDelete, planDrain, planKeep, planSet } = await source("model/plans");
const { requestText } = await source("model/plan");
const { consequences } = await source("model/consequences");

const config = {
  id: 3,
  server: "10.0.0.3:80",
  weight: 2,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
  backup: false,
  down: false,
};
const target = { upstream: "a/b", config };
const path = "/9/http/upstreams/a%2Fb/servers/3";

test("a change sends only the parameters that change", () => {
  const plan = planSet(target, { weight: 5, max_conns: 0, fail_timeout: "10s" });
  assert.deepEqual(plan.request, { method: "PATCH", path, body: { weight: 5 } });
  assert.deepEqual(plan.changes, [{ name: "weight", before: "2", after: "5" }]);
  assert.deepEqual(plan.undo(), { method: "PATCH", path, body: { weight: 2 } });
  assert.equal(planSet(target, { weight: 2 }), undefined);
  assert.equal(planSet(target, { down: false, standby: false }), undefined);
});

test("what bringing a draining server down ended is restored when it is undone", () => {
  const draining = { upstream: "app", config: { ...config, drain: true } };
  assert.deepEqual(planSet(draining, { down: true }).undo().body, { down: false, drain: true });
});

test("a new address is said to make another server of it", () => {
  assert.match(planSet(target, { server: "10.0.0.4:80" }).notes.join(), /another server/);
});

test("a drain job has the deadline that was entered, and is cancelled to undo it", () => {
  const job = "/sluice/1/upstreams/a%2Fb/servers/3/drain";
  assert.deepEqual(planDrain(target, "", []).request, { method: "POST", path: job, body: {} });
  assert.deepEqual(planDrain(target, "60s", []).request.body, { deadline: "60s" });
  assert.deepEqual(planDrain(target, "60s", []).undo(), { method: "DELETE", path: job });
  assert.deepEqual(planKeep(target).request, { method: "DELETE", path: job });
});

test("a deleted server is added again with the same parameters to undo it", () => {
  const plan = planDelete({ upstream: "app", config: { ...config, node: "n", source: "" } }, []);
  const parameters = { ...config, id: undefined };
  delete parameters.id;
  assert.deepEqual(plan.request, { method: "DELETE", path: "/9/http/upstreams/app/servers/3" });
  assert.deepEqual(plan.undo(), { method: "POST", path: "/9/http/upstreams/app/servers", body: parameters });
});

test("a server needs an address, and the one that was added is deleted to undo it", () => {
  assert.equal(planAdd("app", { weight: 2 }), undefined);
  const plan = planAdd("app", { server: "10.0.0.9:80", weight: 2 });
  assert.deepEqual(plan.request.body, { server: "10.0.0.9:80", weight: 2 });
  assert.deepEqual(plan.undo({ id: 7 }), { method: "DELETE", path: "/9/http/upstreams/app/servers/7" });
  assert.equal(plan.undo({}), undefined);
});

test("the request is shown as it is sent", () => {
  const { request } = planSet(target, { weight: 5 });
  assert.equal(requestText(request, "/x/api", '"12"'), `PATCH /x/api${path}\nIf-Match: "12"\n\n{"weight":5}`);
});

test("taking the only server away is said to leave none", () => {
  const server = { id: 3, server: "10.0.0.3:80", state: "up", picks_percent: 100, active: 2 };
  const alone = { servers: [server, { ...server, id: 4, state: "down" }] };
  assert.match(consequences(server, alone).join(" "), /only server that is up.*2 requests in progress/);
  const shared = { servers: [server, { ...server, id: 4 }] };
  assert.match(
    consequences({ ...server, picks_percent: 50 }, shared)[0],
    /50 % of the requests, which 1 other server/,
  );
});
