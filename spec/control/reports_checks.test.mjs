/** Reports in the answers to health checks: a member of JSON, or the header `endpoint-load-metrics`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { becomes, eventsOf, stateOf } from "../gateway/support/health.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import {
  assertKept,
  assertReported,
  checkedAgain,
  drainingUpstreams,
  reportTo,
  SHOWN,
  shows,
  startReporting,
  startReportingServers,
} from "./support/reporting.mjs";

const expiry = "3s";

/** Returns a check whose URI determines the answer by its query. @param {Record<string, unknown>} answer */
function checkOf({ body, ...others }, more = {}) {
  const query = new URLSearchParams(/** @type {any} */ (others));
  if (body !== undefined) query.set("body", typeof body === "string" ? body : JSON.stringify(body));
  return { uri: `/health?${query}`, interval: "300ms", ...more };
}

test("the answer of a check can report that the server drains, is down, and is up again", async (context) => {
  const health_check = { uri: "/health", interval: "100ms", report: "status.now.load" };
  const running = await startReportingServers(context, 3, { health_check });
  const [first, other] = running.backends;
  /** @param {object} load */
  const says = (load) => ({ body: JSON.stringify({ status: { now: { load }, then: {} } }) });
  for (const backend of running.backends) backend.behaviour = says({ utilization: 0.1, state: "up" });
  await checkedAgain(first);
  let before = "up";
  for (const state of /** @type {const} */ (["drain", "down", "up", "down", "drain", "up"])) {
    first.behaviour = says({ utilization: 0.9, connections: 5, state });
    await shows(running.gateway, first, state);
    await assertReported(running, first, state, before);
    before = SHOWN[state];
  }
  assert.equal((await eventsOf(running.api, first.address)).length, 6);
  assert.deepEqual(await eventsOf(running.api, other.address), []);
  // The report counts although its status fails the check.
  first.behaviour = { ...says({ state: "drain" }), status: 503 };
  await becomes(running.api, first.address, "draining");
  first.behaviour = { ...says({ state: "up" }), status: 503 };
  await becomes(running.api, first.address, "unhealthy");
});

test('a server that reports "down" is still checked, and can fail', async (context) => {
  const health_check = { uri: "/health", interval: "100ms" };
  const { backends, api } = await startReportingServers(context, 2, { health_check });
  const [first] = backends;
  await api.expect(204, "POST", reportTo(0), { state: "down" });
  await checkedAgain(first);
  first.behaviour = { status: 500 };
  const last = async () => (await eventsOf(api, first.address)).at(-1);
  await waitFor("the checks of the server fail", async () => (await last()).new_state === "unhealthy");
  assert.equal(await stateOf(api, first.address), "down");
  await api.expect(204, "POST", reportTo(0), { state: "up" });
  assert.equal(await stateOf(api, first.address), "unhealthy");
  first.behaviour = {};
  await becomes(api, first.address, "up");
});

test("a load in a check's answer confirms the reported state; an invalid load does not, and the check still passes", async (context) => {
  const [first, second] = await startBackends(context, 2);
  const load = (/** @type {unknown} */ value) => checkOf({ body: { load: value } }, { report: "load" });
  const good = {
    number: load(0.25),
    zero: load(0),
    object: load({ utilization: 0.25, connections: 3, rps: 1, eps: 0 }),
    connections: load({ connections: 3 }),
    nested: checkOf({ body: { a: { "b-c": { d_1: 0.5 } } } }, { report: "a.b-c.d_1" }),
    text: checkOf({ load_metrics: "TEXT cpu_utilization=0.3" }),
    json: checkOf({ load_metrics: 'JSON {"cpuUtilization":0.3}' }),
    // A valid load in one of the two places is enough.
    header_only: checkOf({ load_metrics: "TEXT cpu_utilization=0.3" }, { report: "load" }),
    member_only: checkOf({ load_metrics: "BIN x", body: { load: 1 } }, { report: "load" }),
  };
  const bad = {
    none: checkOf({}),
    not_asked: checkOf({ body: { load: 0.5 } }),
    missing: checkOf({ body: { other: 0.5 } }, { report: "load" }),
    missing_parent: checkOf({ body: { load: 0.5 } }, { report: "load.utilization" }),
    string: load("0.5"),
    null: load(null),
    boolean: load(true),
    list: load([0.5]),
    empty: load({}),
    negative: load(-0.1),
    huge: load(1e300),
    infinite: checkOf({ body: '{"load":1e999}' }, { report: "load" }),
    nan: checkOf({ body: '{"load":NaN}' }, { report: "load" }),
    unknown: load({ utilization: 0.5, cpu: 1 }),
    state: load({ utilization: 0.5, state: "gone" }),
    future: load({ utilization: 0.5, time: "9999-01-01T00:00:00Z" }),
    past: load({ utilization: 0.5, time: "2026-01-01T00:00:00Z" }),
    no_json: checkOf({ body: "load=0.5" }, { report: "load" }),
    top_list: checkOf({ body: "[0.5]" }, { report: "load" }),
    broken: checkOf({ body: '{"load":0.5' }, { report: "load" }),
    header: checkOf({ load_metrics: "TEXT load=0.5" }),
    bin: checkOf({ load_metrics: "BIN CTMzMzMzM9M/" }),
  };
  const checks = { ...good, ...bad };
  const settings = Object.entries(checks).map(([name, health_check]) => [name, { health_check }]);
  const upstreams = drainingUpstreams([first, second], Object.fromEntries(settings), expiry);
  const { gateway, api } = await startReporting(context, upstreams);
  const names = Object.keys(checks);
  for (const name of names) await api.expect(204, "POST", reportTo(0, name), { state: "drain" });
  const began = performance.now();
  await waitFor("the reported state would have expired", () => performance.now() - began > 3300);
  for (const name of names) await assertKept(gateway, name, first, Object.hasOwn(good, name), expiry);
  for (const name of names) {
    const { peers } = await api.expect(200, "GET", `/api/9/http/upstreams/${name}`);
    const { checks: count, fails } = peers[0].health_checks;
    assert.ok(count > 3, `${name}: ${count} checks`);
    assert.equal(fails, 0, name);
  }
  await api.expect(200, "PATCH", sluice("number"), { health_check: null });
});
