/** `explain`: the reasons for each server's weight and state, and the server that is next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { lives } from "./support/lives.mjs";
import { explain } from "./support/scaled.mjs";

/** @typedef {import("../gateway/support/gateway.mjs").Gateway} Gateway */

/**
 * Starts a gateway with an upstream `app`.
 * @param {import("node:test").TestContext} context
 * @param {number} count
 * @param {object} [settings]
 * @param {import("../gateway/support/nginx_conf.mjs").Options} [options]
 */
async function startApp(context, count, settings = {}, options = {}) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }, index) => ({ server: address, weight: index + 1 }));
  const upstreams = { app: { servers, ...settings } };
  const gateway = await startGateway(context, { workers: 1, upstreams, ...options });
  return { gateway, api: gateway.api, backends };
}

/**
 * Waits until no request is counted as in flight. Returns the answer of `explain`.
 * @param {import("../gateway/support/api.mjs").Api} api
 */
const settled = (api, query = "") =>
  waitFor("no request is in flight", async () => {
    const explained = await explain(api, "app", query);
    return explained.servers.every(({ active }) => active === 0) && explained;
  });

test("the effective weight is the configured one times the factors of slow_start and load", async (context) => {
  const { api } = await startApp(context, 3, { load: { update: "100ms", blackout: "0s" } });
  const fresh = await startBackend(context);
  const parameters = { server: fresh.address, weight: 8, slow_start: "1h" };
  await api.expect(201, "POST", serversOf(), parameters);
  await waitFor("the loads count", async () => {
    const reports = [0.2, 0.8, 0.2, 0.8].map((utilization, id) => ({ utilization, rps: 100 * (id + 1) }));
    for (const [id, body] of reports.entries())
      await api.expect(204, "POST", `${sluice()}/servers/${id}/report`, body);
    const { servers } = await explain(api);
    return servers[0].weight.load > 1.2 && servers[3].weight.load < 0.9;
  });
  const { servers, method } = await explain(api);
  assert.equal(method, "round_robin");
  for (const [index, { weight }] of servers.entries()) {
    const { effective, configured, slow_start, load, reason } = weight;
    assert.equal(configured, [1, 2, 3, 8][index]);
    assert.ok(index === 3 ? slow_start > 0 && slow_start < 0.1 : slow_start === 1, `${slow_start}`);
    assert.ok(Math.abs(effective - configured * slow_start * load) < 0.001, JSON.stringify(weight));
    assert.match(reason, /^by its load/);
  }
  // A capacity of 500 is 100 requests per second at a utilization of 0.2. The median is the lower of two.
  const capacities = servers.map(({ weight }) => weight.capacity);
  assert.equal(capacities[0], 500);
  for (const { weight } of servers)
    assert.equal(weight.median_capacity, capacities.toSorted((a, b) => a - b)[1]);
  await api.expect(200, "PATCH", sluice(), { load: null });
  const [without] = (await explain(api)).servers;
  assert.deepEqual([without.weight.capacity, without.weight.median_capacity], [undefined, undefined]);
  const { accepted, refused, utilization, rps, state } = servers[1].report;
  assert.deepEqual([refused, utilization, rps, state, accepted > 0], [0, 0.8, 200, "up", true]);
});

test("each state has its reason", async (context) => {
  const outlier_detection = { consecutive_5xx: 2, base_ejection_time: "1h", max_ejection_time: "1h" };
  const settings = { outlier_detection: { ...outlier_detection, max_ejection_percent: 100 } };
  const { gateway, api, backends } = await startApp(context, 9, settings, {
    http: "lua_socket_log_errors off;",
  });
  gateway.log.allow(PROBE_ERRORS, /reset by peer|prematurely closed/);
  const [, , , , , sick, bad, broken] = backends;
  const patch = (/** @type {number} */ id, /** @type {object} */ change) =>
    api.expect(200, "PATCH", `${serversOf()}/${id}`, change);
  await patch(1, { down: true });
  await patch(2, { drain: true });
  await patch(3, { standby: true });
  await api.expect(204, "POST", `${sluice()}/servers/4/report`, { state: "drain" });
  await api.expect(204, "POST", `${sluice()}/servers/8/report`, { state: "down" });
  await patch(7, { fail_timeout: "1h", max_fails: 1 });
  bad.behaviour = { status: 500 };
  broken.behaviour = { reset: 1 };
  const stateOf = async (/** @type {number} */ id) => (await explain(api)).servers[id].state;
  await waitFor("two are out", async () => {
    await ask(gateway.port);
    return (await stateOf(6)) === "unavail" && (await stateOf(7)) === "unavail";
  });
  sick.behaviour = { status: 503 };
  bad.behaviour = {};
  broken.behaviour = {};
  assert.equal((await explain(api)).servers[5].check, undefined, "no check has run");
  await api.expect(200, "PATCH", sluice(), { health_check: { interval: "100ms" } });
  await waitFor("one server is unhealthy", async () => (await stateOf(5)) === "unhealthy");
  const { check } = (await explain(api)).servers[5];
  assert.equal(check.status, "failed");
  assert.ok(check.fails > 0 && check.fails <= check.checks, JSON.stringify(check));
  assert.equal((await explain(api)).servers[0].check.status, "passed");
  const { servers } = await explain(api);
  const told = servers.map(({ state, reason }) => `${state}: ${reason}`.replace(/\d{4}-\S+Z$/, "TIME"));
  assert.deepEqual(told, [
    "up: it is healthy",
    'down: "down" is set',
    'draining: "drain" is set',
    "down: it is a standby server that is not in service",
    "draining: it has reported this state",
    "unhealthy: / returned 503",
    "unavail: 2 responses of 5xx in a row: ejected for 3600 s; it gets no requests until TIME",
    "unavail: a request failed with 502; it gets no requests until TIME",
    "down: it has reported this state",
  ]);
  assert.equal((await explain(api)).next.id, 0, "a server that is not up is not the next one");
  await patch(0, { down: true });
  assert.deepEqual((await explain(api)).next, { reason: "no server is available" });
});

test("the picks of the last minute are counted across reloads, in proportion to the weights", async (context) => {
  const { gateway, api, backends } = await startApp(context, 3, {}, { workers: 2 });
  const askMany = async () => {
    const load = startLoad(context, { port: gateway.port, connections: 4, total: 600 });
    await load.finished;
    assert.deepEqual([...load.errors], []);
  };
  await askMany();
  const assertShares = async () => {
    const { servers } = await settled(api);
    // The picks before the last full minute lose their weight, in this test within seconds.
    const picks = servers.map((server) => server.picks);
    for (const [index, { requests }] of backends.entries())
      assert.ok(picks[index] <= requests.length && picks[index] > 0.8 * requests.length, `${picks}`);
    const percents = servers.map(({ picks_percent }) => picks_percent);
    for (const [index, percent] of percents.entries())
      assert.ok(Math.abs(percent - (100 * (index + 1)) / 6) < 1, `${percents}`);
    assert.ok(Math.abs(percents.reduce((sum, percent) => sum + percent, 0) - 100) <= 0.2, `${percents}`);
  };
  await assertShares();
  await lives["a reload"](gateway);
  await assertShares();
  await askMany();
  await assertShares();
  // The new counting worker starts from zero. It must not treat recent picks as picks of a minute ago.
  for (let turn = 0; turn < 2; turn += 1) {
    await lives["the death of each worker"](gateway);
    await sleep(1500);
    await assertShares();
  }
});

test("requests in flight are counted, with their shares", async (context) => {
  const { gateway, api, backends } = await startApp(context, 3);
  for (const backend of backends) backend.behaviour = { delay: 1500 };
  const load = startLoad(context, { port: gateway.port, connections: 12, total: 12 });
  await waitFor(
    "all requests are in flight",
    () => backends.reduce((sum, { active }) => sum + active, 0) === 12,
  );
  const { servers } = await explain(api);
  assert.deepEqual(
    servers.map(({ active, active_percent }) => [active, active_percent]),
    [
      [2, 16.7],
      [4, 33.3],
      [6, 50],
    ],
  );
  await load.finished;
  assert.deepEqual([...load.errors], []);
  const { servers: after } = await settled(api);
  assert.ok(after.every(({ active_percent }) => active_percent === 0));
});

test("an invalid question is refused with the reason", async (context) => {
  const { api } = await startApp(context, 1, { method: "ip_hash" });
  const missing = await api.get(`${sluice("nobody")}/explain`);
  assert.deepEqual([missing.status, missing.body.error.code], [404, "UpstreamNotFound"]);
  for (const key of ["", "10.0.0", "host", "10.0.0.1:80"]) {
    const { status, body } = await api.get(`${sluice()}/explain?key=${key}`);
    assert.deepEqual([status, body.error?.code], [400, "UpstreamConfFormatError"], key);
    assert.match(body.error.text, /key/);
  }
  for (const [method, more] of [
    ["ip_hash", {}],
    ["hash", { hash: { key: "$uri" } }],
  ]) {
    const { status, body } = await api.patch(sluice(), { method, ...more, load: {} });
    assert.deepEqual([status, body.error?.code], [400, "UpstreamConfFormatError"], JSON.stringify(body));
    assert.match(body.error.text, /load/);
  }
  await api.expect(200, "PATCH", sluice(), { method: "least_conn", load: {} });
  const { status } = await api.patch(sluice(), { method: "ip_hash" });
  assert.equal(status, 400, "the method of an upstream with load cannot be changed to it");
});

test("when load is removed, the weights are the configured ones at once", async (context) => {
  const load = { update: "100ms", blackout: "0s", max_step_percent: 100 };
  const { gateway, api, backends } = await startApp(context, 2, { load }, { workers: 2 });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 1 });
  await waitFor("one server has a much lower weight", async () => {
    for (const [id, utilization] of [0.2, 0.9].entries())
      await api.expect(204, "POST", `${sluice()}/servers/${id}/report`, { utilization, rps: 100 });
    const [first, second] = (await explain(api)).servers.map(({ weight }) => weight.effective);
    return second < first / 2;
  });
  /** Returns the share of requests of each server. */
  const share = async () => {
    const had = backends.map(({ requests }) => requests.length);
    await startLoad(context, { port: gateway.port, connections: 4, total: 200 }).finished;
    return backends.map(({ requests }, index) => requests.length - had[index]);
  };
  await waitFor("workers go by that", async () => {
    const [first, second] = await share();
    return second < 0.6 * first;
  });
  await api.expect(200, "PATCH", sluice(), { load: null });
  const [first, second] = await share();
  assert.ok(Math.abs(first - second) <= 4, `${first} and ${second}`);
  const { servers } = await explain(api);
  for (const { weight } of servers)
    assert.deepEqual([weight.effective, weight.load, weight.reason], [1, 1, 'the upstream has no "load"']);
  // Earlier reports do not count when load is set again.
  await sleep(500);
  await api.expect(200, "PATCH", sluice(), { load: { blackout: "1h", update: "1h" } });
  for (const { weight } of (await explain(api)).servers) assert.equal(weight.effective, 1, weight.reason);
});
