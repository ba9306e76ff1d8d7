/** `slow_start`: the weight of an added or recovered server rises linearly to its configured value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { recordedEvents, stateOf } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { assertShare } from "./support/shares.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** The time of slow_start, in milliseconds. */
const lasts = 4000;
const slow_start = `${lasts}ms`;
/**
 * The time windows in which requests are counted: in the middle of slow_start and after it.
 * @type {[number, number]}
 */
const middle = [1800, 2200];
/** The weight has its final value after a worker has raised it for the last time. @type {[number, number]} */
const after = [lasts + 400, lasts + 800];

/**
 * Starts a gateway with one server, and a second server that is not added yet.
 * @param {import("node:test").TestContext} context
 * @param {object} [settings] of the upstream
 */
async function startTwo(context, settings = {}) {
  const [old, fresh] = await startBackends(context, 2);
  const app = { ...settings, servers: [{ server: old.address }] };
  const gateway = await startGateway(context, { upstreams: { app }, listen: "reuseport" });
  return { gateway, api: gateway.api, old, fresh };
}

/**
 * Adds a server. Returns the times before and after the request.
 * @param {import("./support/api.mjs").Api} api
 * @param {object} server
 */
async function add(api, server) {
  const from = Date.now();
  await api.expect(201, "POST", serversOf(), { slow_start, ...server });
  return { from, until: Date.now(), lasts };
}

test("an added server has half of its weight halfway through slow_start, and all of it afterwards", async (context) => {
  const { gateway, api, fresh } = await startTwo(context);
  // Each worker must know the server from the beginning of slow_start.
  const ramp = await add(api, { server: fresh.address });
  await assertShare(context, gateway, fresh, ramp, [0, 400]);
  await assertShare(context, gateway, fresh, ramp, middle);
  await assertShare(context, gateway, fresh, ramp, after);
});

test("least_conn also follows the rising weight", async (context) => {
  const { gateway, api, old, fresh } = await startTwo(context, { method: "least_conn" });
  for (const backend of [old, fresh]) backend.behaviour = { delay: 10 };
  const ramp = await add(api, { server: fresh.address });
  // The server has its share of 24 simultaneous requests, rounded to a whole number.
  const target = { port: gateway.port, connections: 24 };
  await assertShare(context, target, fresh, ramp, middle, 1 / 24);
  await assertShare(context, target, fresh, ramp, after, 1 / 24);
});

test("a weight that is changed during slow_start takes effect immediately, in proportion to the server's age", async (context) => {
  const { gateway, api, fresh } = await startTwo(context);
  const ramp = await add(api, { server: fresh.address });
  await assertShare(context, gateway, fresh, ramp, [600, 1000]);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 3 });
  await assertShare(context, gateway, fresh, { ...ramp, weight: 3 }, middle);
  await assertShare(context, gateway, fresh, { ...ramp, weight: 3 }, after);
});

for (const kind of ["reload", "restart"]) {
  test(`a ${kind} does not restart slow_start`, async (context) => {
    const { gateway, api, fresh } = await startTwo(context);
    const ramp = await add(api, { server: fresh.address });
    await assertShare(context, gateway, fresh, ramp, [400, 800]);
    if (kind === "reload") await gateway.reload();
    else await gateway.stop().then(() => gateway.start());
    await assertShare(context, gateway, fresh, ramp, [2000, 2400]);
    await assertShare(context, gateway, fresh, ramp, after);
  });
}

test("slow_start begins when a server recovers from max_fails", async (context) => {
  const { gateway, api, fresh } = await startTwo(context);
  gateway.log.allow(/upstream prematurely closed connection|reset by peer/);
  await api.expect(200, "PATCH", sluice(), {
    servers: [
      ...(await api.expect(200, "GET", sluice())).servers,
      { server: fresh.address, slow_start, fail_timeout: "1s" },
    ],
  });
  fresh.behaviour = { reset: 1 };
  await waitFor("the server is out of rotation", async () => {
    assert.equal((await ask(gateway.port)).status, 200, "another server answers");
    return (await stateOf(api, fresh.address)) === "unavail";
  });
  fresh.behaviour = {};
  await waitFor("the server is up again", async () => {
    await ask(gateway.port);
    return (await stateOf(api, fresh.address)) === "up";
  });
  const [, { time }] = await recordedEvents(api, fresh.address, 2);
  const ramp = { from: Date.parse(time), lasts };
  await assertShare(context, gateway, fresh, ramp, middle);
  await assertShare(context, gateway, fresh, ramp, after);
});

test("slow_start begins when the ejection of a server ends", async (context) => {
  const { gateway, api, fresh } = await startTwo(context, {
    outlier_detection: { consecutive_5xx: 2, base_ejection_time: "1s", max_ejection_time: "1s" },
  });
  await api.expect(200, "PATCH", sluice(), {
    servers: [
      ...(await api.expect(200, "GET", sluice())).servers,
      { server: fresh.address, slow_start, max_fails: 0 },
    ],
  });
  fresh.behaviour = { status: 500 };
  await waitFor("the server is ejected", async () => {
    await ask(gateway.port);
    return (await stateOf(api, fresh.address)) === "unavail";
  });
  fresh.behaviour = {};
  await waitFor("the server is up again", async () => {
    await ask(gateway.port);
    return (await stateOf(api, fresh.address)) === "up";
  });
  const [, { time, reason }] = await recordedEvents(api, fresh.address, 2);
  assert.equal(reason, "its ejection is over");
  const ramp = { from: Date.parse(time), lasts };
  await assertShare(context, gateway, fresh, ramp, middle);
  await assertShare(context, gateway, fresh, ramp, after);
});

test("slow_start begins when a server recovers from failed checks", async (context) => {
  const { gateway, api, fresh } = await startTwo(context, { health_check: { interval: "200ms" } });
  fresh.behaviour = { status: 503 };
  await add(api, { server: fresh.address });
  await waitFor(
    "the server is out of rotation",
    async () => (await stateOf(api, fresh.address)) === "unhealthy",
  );
  fresh.behaviour = {};
  await waitFor("the server is up again", async () => (await stateOf(api, fresh.address)) === "up");
  const [, { time }] = await recordedEvents(api, fresh.address, 2);
  const ramp = { from: Date.parse(time), lasts };
  await assertShare(context, gateway, fresh, ramp, middle);
  await assertShare(context, gateway, fresh, ramp, after);
});

test("slow_start does not apply to the first servers of an upstream, or to servers that replace all others", async (context) => {
  const [old, one, other] = await startBackends(context, 3);
  // Only one of the two servers has slow_start. If both had it, it would have no effect.
  const both = [{ server: one.address, slow_start: "1h" }, { server: other.address }];
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: both } },
    listen: "reuseport",
  });
  const isUp = { from: Date.now() - 3_600_000, lasts: 1 };
  const now = () => Date.now() - isUp.from;
  await assertShare(context, gateway, one, isUp, [now(), now() + 400]);
  await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server: old.address }] });
  await gateway.api.expect(200, "PUT", sluice(), { servers: both });
  await assertShare(context, gateway, one, isUp, [now(), now() + 400]);
  await gateway.stop();
  await gateway.start();
  await assertShare(context, gateway, one, isUp, [now(), now() + 400]);
});
