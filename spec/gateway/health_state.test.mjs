/**
 * The health of a server survives changes of other servers, reloads, restarts and crashes, and no other
 * server inherits it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { assertKeptOut, becomes, hasPassed, PROBE_ERRORS, stateOf } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { isRunning } from "./support/processes.mjs";
import { peersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** An added server is checked immediately, and not again during a test: its answer may take long. */
const once = { uri: "/health", interval: "1h", timeout: "30s" };
/**
 * Longer than the interval of about one second at which health is saved, in milliseconds. A crash may lose
 * the changes of one interval.
 */
const SAVED = 1500;

/** @param {import("./support/gateway.mjs").Gateway} gateway */
const sender = (gateway) => async () => {
  const answers = await Promise.all(Array.from({ length: 24 }, () => ask(gateway.port)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
};

/**
 * Starts a gateway with a healthy server and an unhealthy one.
 * @param {import("node:test").TestContext} context
 */
async function startWithUnhealthy(context) {
  const [well, ill] = await startBackends(context, 2);
  ill.behaviour = { status: 503 };
  const app = { servers: [], health_check: once };
  const gateway = await startGateway(context, { upstreams: { app }, http: "lua_socket_log_errors off;" });
  gateway.log.allow(PROBE_ERRORS);
  const { api } = gateway;
  await api.expect(201, "POST", serversOf(), { server: well.address });
  await hasPassed(api);
  const { id } = await api.expect(201, "POST", serversOf(), { server: ill.address });
  await becomes(api, ill.address, "unhealthy");
  return { gateway, api, well, ill, id, isOut: () => assertKeptOut(api, ill, "unhealthy", sender(gateway)) };
}

test("a server stays unhealthy through changes of other servers and of its own parameters", async (context) => {
  const { api, ill, id, well, isOut } = await startWithUnhealthy(context);
  const more = await startBackend(context);
  const added = await api.expect(201, "POST", serversOf(), { server: more.address });
  await isOut();
  await api.expect(200, "PATCH", `${serversOf()}/${added.id}`, { weight: 5 });
  await isOut();
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { weight: 3, max_fails: 2 });
  await isOut();
  await api.expect(200, "DELETE", `${serversOf()}/${added.id}`);
  await isOut();
  await api.expect(200, "PATCH", sluice(), { method: "least_conn" });
  await isOut();
  const servers = [{ server: ill.address, weight: 9 }, { server: well.address }, { server: more.address }];
  await api.expect(200, "PUT", sluice(), { health_check: once, servers });
  await isOut();
  await api.expect(201, "PUT", sluice("other"), { servers: [{ server: ill.address }] });
  await isOut();
});

test("a server stays unhealthy through a reload, a restart and the death of workers, until a check passes", async (context) => {
  const { gateway, api, ill, isOut } = await startWithUnhealthy(context);
  const before = (await peersOf(api)).get(ill.address);
  const workers = await gateway.reload();
  await isOut();
  await waitFor("the old workers have ended", () => !workers.some(isRunning));
  for (const pid of gateway.workers()) await gateway.killWorker(pid);
  await isOut();
  assert.equal((await peersOf(api)).get(ill.address).downstart, before.downstart);
  for (let turn = 0; turn < 2; turn += 1) {
    await gateway.stop();
    await gateway.start();
    await isOut();
  }
  const after = (await peersOf(api)).get(ill.address);
  assert.deepEqual(after.health_checks, before.health_checks);
  // The time is saved as an age, so each restart may move it by the resolution of the clocks.
  const moved = Math.abs(Date.parse(after.downstart) - Date.parse(before.downstart));
  assert.ok(moved <= 20, `${after.downstart}, before ${before.downstart}`);
  assert.ok(after.downtime > before.downtime, "the downtime has grown");
  ill.behaviour = {};
  await api.expect(200, "PATCH", sluice(), { health_check: { ...once, interval: "200ms" } });
  await becomes(api, ill.address, "up");
});

test("a server stays unhealthy after kill -9 of all of nginx, except for changes of the last second", async (context) => {
  const { gateway, isOut } = await startWithUnhealthy(context);
  for (let turn = 0; turn < 2; turn += 1) {
    await sleep(SAVED);
    await gateway.killAll();
    await gateway.start();
    await isOut();
  }
});

test("after a restart the current limits decide, even if they changed after health was saved", async (context) => {
  const [well, ill] = await startBackends(context, 2);
  const servers = [{ server: well.address }, { server: ill.address, fail_timeout: "1h" }];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(/prematurely closed connection|reset by peer/);
  const { api } = gateway;
  ill.behaviour = { reset: 1 };
  await waitFor("the server is unavailable", async () => {
    await ask(gateway.port);
    return (await stateOf(api, ill.address)) === "unavail";
  });
  await sleep(SAVED);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { max_fails: 0 });
  await gateway.killAll();
  await gateway.start();
  assert.equal(await stateOf(api, ill.address), "up");
});

test("a server at an address that was removed, or belonged to another server, starts with fresh health", async (context) => {
  const [well, ill] = await startBackends(context, 2);
  const servers = [{ server: well.address }, { server: ill.address, fail_timeout: "1h" }];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(/prematurely closed connection|reset by peer/);
  const { api } = gateway;
  ill.behaviour = { reset: 1 };
  const fail = () =>
    waitFor("the server is unavailable", async () => {
      await ask(gateway.port);
      return (await stateOf(api, ill.address)) === "unavail";
    });
  const assertFresh = async (/** @type {string} */ address) => {
    const peer = (await peersOf(api)).get(address);
    assert.deepEqual([peer.state, peer.fails, peer.unavail, peer.downtime], ["up", 0, 0, 0]);
    assert.equal(peer.downstart, undefined);
  };
  await fail();
  await api.expect(200, "DELETE", `${serversOf()}/1`);
  await api.expect(201, "POST", serversOf(), servers[1]);
  await assertFresh(ill.address);
  await fail();
  await api.expect(200, "PUT", sluice(), { servers: [servers[0]] });
  await api.expect(200, "PUT", sluice(), { servers });
  await assertFresh(ill.address);
  await fail();
  const { id } = (await peersOf(api)).get(ill.address);
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { server: someAddress(1) });
  await assertFresh(someAddress(1));
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { server: ill.address });
  await assertFresh(ill.address);
  await fail();
  await api.expect(204, "DELETE", `${sluice()}?force=true`);
  await api.expect(201, "PUT", sluice(), { servers });
  await assertFresh(ill.address);
});

test("a server that reuses another one's place in memory or on disk does not inherit its health", async (context) => {
  const { gateway, api, ill, id } = await startWithUnhealthy(context);
  await sleep(SAVED);
  await api.expect(200, "DELETE", `${serversOf()}/${id}`);
  await api.expect(200, "PATCH", sluice(), { health_check: null });
  // There are more new servers than deleted ones, so the rows are used again.
  for (let number = 0; number < 6; number += 1)
    await api.expect(201, "POST", serversOf(), { server: number === 0 ? ill.address : someAddress(number) });
  await gateway.killAll();
  await gateway.start();
  for (const { state, health_checks } of (await peersOf(api)).values()) {
    assert.equal(state, "up");
    assert.equal(health_checks.unhealthy, 0);
  }
  assert.equal((await peersOf(api)).size, 7);
});

test("an unhealthy server is up again when the health_check is removed", async (context) => {
  for (const remove of ["PATCH", "PUT"]) {
    const { gateway, api, well, ill } = await startWithUnhealthy(context);
    ill.behaviour = {};
    const servers = [{ server: well.address }, { server: ill.address }];
    await api.expect(200, remove, sluice(), remove === "PATCH" ? { health_check: null } : { servers });
    await becomes(api, ill.address, "up");
    const { health_checks } = (await peersOf(api)).get(ill.address);
    assert.equal("last_passed" in health_checks, false);
    const before = ill.requests.length;
    await sender(gateway)();
    assert.ok(ill.requests.length > before);
  }
});

test("two upstreams with the same address keep separate health", async (context) => {
  const { gateway, api, ill, isOut } = await startWithUnhealthy(context);
  for (const [name, health_check] of Object.entries({ plain: undefined, tcp: { type: "tcp" } }))
    await api.expect(201, "PUT", sluice(name), { health_check, servers: [{ server: ill.address }] });
  await waitFor("the other check has passed", async () => {
    return (await peersOf(api, "tcp")).get(ill.address).health_checks.last_passed;
  });
  for (const name of ["plain", "tcp"]) {
    assert.equal(await stateOf(api, ill.address, name), "up");
    assert.equal((await ask(gateway.port, `/to/${name}`)).status, 503, "the server's own answer");
  }
  await isOut();
});

test("an ejection keeps its age in a restart", async (context) => {
  const [well, ill] = await startBackends(context, 2);
  const outlier_detection = { consecutive_5xx: 2, base_ejection_time: "8s", max_ejection_percent: 50 };
  const servers = [{ server: well.address }, { server: ill.address }];
  const gateway = await startGateway(context, { upstreams: { app: { outlier_detection, servers } } });
  const { api } = gateway;
  ill.behaviour = { status: 500 };
  await waitFor("the server is ejected", async () => {
    await ask(gateway.port);
    return (await stateOf(api, ill.address)) === "unavail";
  });
  const ejected = Date.parse((await peersOf(api)).get(ill.address).downstart);
  ill.behaviour = {};
  await gateway.stop();
  await gateway.start();
  await sleep(Math.max(0, 2000 - (Date.now() - ejected)));
  const restarted = Date.now() - ejected;
  await gateway.stop();
  await gateway.start();
  const before = ill.requests.length;
  await waitFor("the server receives requests again", async () => {
    await ask(gateway.port);
    return ill.requests.length > before;
  });
  const lasted = Date.now() - ejected;
  // If a restart had restarted the ejection, it would last for eight seconds from the restart.
  assert.ok(lasted >= 7990, `the ejection lasted ${lasted} ms`);
  assert.ok(lasted < 8000 + restarted || restarted > 8000, `the ejection lasted ${lasted} ms`);
});
