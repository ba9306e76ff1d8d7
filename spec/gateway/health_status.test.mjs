/** Health in the API: state, checks and downtime of each server, as in NGINX Plus, with strict types. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { becomes, stateOf } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { assertHealthOf, assertOnlyIntegers, assertPeer } from "./support/status_types.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const status = "/api/9/http/upstreams/app";
const broken = /upstream prematurely closed connection|reset by peer/;
/** Tolerance for nginx's clock and a busy machine, in milliseconds. */
const TOLERANCE = 300;

/**
 * Starts a gateway with two servers, the first of which will fail.
 * @param {import("node:test").TestContext} context
 * @param {object} [settings] of the upstream
 * @param {object} [parameters] of the first server
 */
async function startTwo(context, settings = {}, parameters = {}) {
  const [first, other] = await startBackends(context, 2);
  const servers = [{ server: first.address, ...parameters }, { server: other.address }];
  const gateway = await startGateway(context, { upstreams: { app: { ...settings, servers } } });
  gateway.log.allow(broken);
  const { api } = gateway;
  const peer = async () => (await peersOf(api)).get(first.address);
  return { gateway, api, first, peer };
}

/** @param {any} peer the fields that are omitted when nothing has happened */
function assertUneventful({ state, fails, unavail, downtime, health_checks, ...rest }) {
  assert.deepEqual([state, fails, unavail, downtime], ["up", 0, 0, 0]);
  assert.equal("downstart" in rest, false);
  assert.deepEqual(health_checks, { checks: 0, fails: 0, unhealthy: 0 });
}

test("fails, unavail, downtime and downstart are right for a server that fails requests", async (context) => {
  const { gateway, api, first, peer } = await startTwo(context, {}, { max_fails: 2, fail_timeout: "1s" });
  assertUneventful(await peer());
  first.behaviour = { reset: 1 };
  const began = Date.now();
  await waitFor("the server is unavailable", async () => {
    await ask(gateway.port);
    return (await stateOf(api, first.address)) === "unavail";
  });
  const out = await peer();
  assertPeer(out);
  assert.deepEqual([out.fails, out.unavail], [2, 1]);
  const downstart = Date.parse(out.downstart);
  assert.ok(downstart > began - TOLERANCE && downstart <= Date.now(), `${out.downstart}`);
  await sleep(300);
  const later = await peer();
  assert.ok(later.downtime >= out.downtime + 250, "the downtime continues to grow");
  assert.equal(later.downstart, out.downstart);

  first.behaviour = {};
  let atLeast = 0;
  await waitFor("the server is up again", async () => {
    await ask(gateway.port);
    const asked = Date.now();
    const isBack = (await stateOf(api, first.address)) === "up";
    if (!isBack) atLeast = asked - Date.parse(out.downstart);
    return isBack;
  });
  const back = await peer();
  const atMost = Date.now() - Date.parse(out.downstart);
  // nginx updates its clock once in each turn of its event loop.
  assert.ok(
    back.downtime <= atMost && back.downtime > atLeast - TOLERANCE,
    `${back.downtime} of ${atLeast} to ${atMost} ms`,
  );
  assert.deepEqual([back.fails, back.unavail, back.downstart], [2, 1, out.downstart]);
  await sleep(200);
  assert.equal((await peer()).downtime, back.downtime, "the downtime stays the same");

  first.behaviour = { reset: 1 };
  await waitFor("the server is unavailable again", async () => {
    await ask(gateway.port);
    return (await stateOf(api, first.address)) === "unavail";
  });
  const again = await peer();
  assert.equal(again.unavail, 2);
  assert.ok(Date.parse(again.downstart) > Date.parse(back.downstart));
  assert.ok(again.downtime >= back.downtime);
});

test("health_checks is right for a server that fails checks, and has last_passed only after the first check", async (context) => {
  const check = { uri: "/health", interval: "1h", timeout: "10s", fails: 2, passes: 3 };
  const { api, first, peer } = await startTwo(context, { health_check: check });
  assertUneventful(await peer());
  await api.expect(200, "PATCH", sluice(), { health_check: { ...check, interval: "200ms" } });
  await waitFor("a check has passed", async () => (await peer()).health_checks.last_passed);
  first.behaviour = { status: 503 };
  const unhealthy = await waitFor("the server is unhealthy", async () => {
    const now = await peer();
    if (now.state === "unhealthy") return now;
    assert.equal(now.health_checks.unhealthy, 0);
    return undefined;
  });
  assertHealthOf(unhealthy);
  assert.deepEqual(
    [unhealthy.health_checks.fails, unhealthy.health_checks.unhealthy, unhealthy.health_checks.last_passed],
    [2, 1, false],
  );
  assert.deepEqual([unhealthy.fails, unhealthy.unavail], [0, 0], "these members count failed requests only");
  first.behaviour = {};
  await waitFor("a check has passed", async () => (await peer()).health_checks.last_passed);
  assert.equal((await peer()).state, "unhealthy", "three checks must pass");
  await becomes(api, first.address, "up");
  const { health_checks, downtime } = await peer();
  const seen = first.requests.filter(({ url }) => url === "/health");
  const failed = seen.filter(({ status }) => status === 503);
  assert.ok(seen.length - health_checks.checks <= 1, `${health_checks.checks} of ${seen.length} are counted`);
  assert.deepEqual([health_checks.fails, health_checks.unhealthy], [failed.length, 1]);
  assert.ok(downtime >= 400, "the server was unavailable for at least two checks");
});

test("draining and down take precedence over health in the shown state", async (context) => {
  const { api, first } = await startTwo(context, { health_check: { uri: "/health", interval: "200ms" } });
  first.behaviour = { status: 503 };
  await becomes(api, first.address, "unhealthy");
  for (const [change, state] of [
    [{ drain: true }, "draining"],
    [{ drain: false }, "unhealthy"],
    [{ down: true }, "down"],
    [{ down: false }, "unhealthy"],
  ]) {
    await api.expect(200, "PATCH", `${serversOf()}/0`, change);
    assert.equal(await stateOf(api, first.address), state);
  }
});

test("every number is an integer, even for an unavailable server", async (context) => {
  const { gateway, api, first } = await startTwo(context, {
    health_check: { uri: "/health", interval: "200ms" },
  });
  first.behaviour = { status: 503 };
  await becomes(api, first.address, "unhealthy");
  for (let turn = 0; turn < 20; turn += 1) {
    await ask(gateway.port);
    const { text, body } = await api.get(status);
    assertOnlyIntegers(text);
    for (const peer of body.peers) assertHealthOf(peer);
  }
});

test("a reset of the statistics sets the counters to 0 and keeps the state", async (context) => {
  const check = { uri: "/health", interval: "200ms" };
  const { api, first, peer } = await startTwo(context, { health_check: check });
  first.behaviour = { status: 503 };
  await becomes(api, first.address, "unhealthy");
  await api.expect(200, "PATCH", sluice(), { health_check: { ...check, interval: "1h" } });
  await waitFor("no check is in progress", async () => {
    const before = first.requests.length;
    await sleep(500);
    return first.requests.length === before;
  });
  const before = await peer();
  assert.ok(before.downtime > 500);
  const began = performance.now();
  await api.expect(204, "DELETE", status);
  const after = await peer();
  const sinceReset = performance.now() - began;
  assert.equal(after.state, "unhealthy");
  assert.deepEqual(after.health_checks, { checks: 0, fails: 0, unhealthy: 0, last_passed: false });
  assert.equal(after.unavail, 0);
  assert.equal(after.downstart, before.downstart);
  assert.ok(after.downtime <= sinceReset + 50, `${after.downtime} ms, ${sinceReset} ms after the reset`);
});
