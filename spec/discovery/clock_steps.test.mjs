/**
 * Durations do not depend on the time of day: everything works while the clock is set an hour back or
 * forward.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { wasReset } from "../gateway/support/faults.mjs";
import { PROBE_ERRORS, stateOf } from "../gateway/support/health.mjs";
import { ask } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { startFile } from "../gateway/support/registries/file.mjs";
import { peersOf, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startWithClock } from "../gateway/support/wall_clock.mjs";

const HOUR = 3600;
/** A time-out in milliseconds that is much longer than the expected effects and much shorter than an hour. */
const patience = 60_000;

/** @typedef {Awaited<ReturnType<typeof startWithClock>>} Clocked */

/**
 * Sets the time of day, and waits until nginx has it.
 * @param {Clocked} clocked
 * @param {number} seconds
 */
async function step({ gateway, setClock }, seconds) {
  setClock(seconds);
  await waitFor("nginx has another time of day", async () => {
    const { timestamp } = await gateway.api.expect(200, "GET", "/api/9/nginx");
    return Math.abs(Date.parse(timestamp) - Date.now() - seconds * 1000) < 60_000;
  });
}

/**
 * Starts a gateway with one server that resets connections and one that answers.
 * @param {import("node:test").TestContext} context
 * @param {string} failTimeout
 */
async function startWithBad(context, failTimeout) {
  const [bad, good] = await startBackends(context, 2);
  bad.behaviour = { reset: 1 };
  const limits = { max_fails: 1, fail_timeout: failTimeout };
  const servers = [bad, good].map(({ address }) => ({ server: address, ...limits }));
  const clocked = await startWithClock(context, { upstreams: { app: { servers } } });
  clocked.gateway.log.allow(wasReset);
  return { clocked, gateway: clocked.gateway, bad, good };
}

/** Sends requests until a server is unavailable. @param {any} gateway @param {{ address: string }} server */
function makeUnavailable(gateway, { address }) {
  return waitFor("a server is unavailable", async () => {
    await ask(gateway.port);
    return (await stateOf(gateway.api, address)) === "unavail";
  });
}

test("with the clock set back, checks continue", async (context) => {
  const [backend] = await startBackends(context, 1);
  const check = { interval: "200ms", timeout: "10s", fails: 1, passes: 1 };
  const app = { servers: [{ server: backend.address }], health_check: check };
  const clocked = await startWithClock(context, { upstreams: { app } });
  const { api, log } = clocked.gateway;
  log.allow(PROBE_ERRORS);
  await waitFor(
    "it is checked",
    async () => (await peersOf(api)).get(backend.address).health_checks.checks > 0,
  );
  await step(clocked, -HOUR);
  backend.behaviour = { status: 503 };
  await waitFor("a check fails", async () => (await stateOf(api, backend.address)) === "unhealthy", patience);
  backend.behaviour = {};
  await waitFor("a check passes", async () => (await stateOf(api, backend.address)) === "up", patience);
});

test("with the clock set back, discovery continues", async (context) => {
  const file = await startFile(context);
  await file.set([{ server: someAddress(1) }]);
  const app = { servers: [], discovery: file.discovery() };
  const clocked = await startWithClock(context, { upstreams: { app } });
  await waitForServers(clocked.gateway, [someAddress(1)]);
  await step(clocked, -HOUR);
  await file.set([{ server: someAddress(1) }, { server: someAddress(2) }]);
  await waitForServers(clocked.gateway, [someAddress(1), someAddress(2)], patience);
});

test("with the clock set back, a server that failed is tried again after its fail_timeout", async (context) => {
  const { clocked, gateway, bad } = await startWithBad(context, "2s");
  await makeUnavailable(gateway, bad);
  await step(clocked, -HOUR);
  bad.behaviour = {};
  await waitFor(
    "it answers again",
    async () => {
      await ask(gateway.port);
      return (await stateOf(gateway.api, bad.address)) === "up";
    },
    patience,
  );
});

test("with the clock set back, a registration that is not renewed expires", async (context) => {
  const clocked = await startWithClock(context, { servers: [] });
  const { api } = clocked.gateway;
  for (const [number, ttl] of [
    [1, "2s"],
    [2, "1d"],
    [3, "1d"],
  ])
    await api.expect(201, "PUT", nodeOf(`n${number}`), { server: someAddress(number), ttl });
  await step(clocked, -HOUR);
  await waitForServers(clocked.gateway, [someAddress(2), someAddress(3)], patience);
});

test("with the clock set forward, ejections and registrations keep their remaining time, also after a restart", async (context) => {
  const { clocked, gateway, bad, good } = await startWithBad(context, "50m");
  const { api } = gateway;
  const node = { server: someAddress(1), ttl: "50m" };
  const { id } = await api.expect(201, "PUT", nodeOf("one"), { ...node, backup: true });
  await makeUnavailable(gateway, bad);
  await step(clocked, 2 * HOUR);

  const renewed = await api.expect(200, "PUT", nodeOf("one"), { ...node, backup: true });
  assert.equal(renewed.id, id, "a node that renews its registration is the same server");
  bad.behaviour = {};
  const before = bad.requests.length;
  for (let number = 0; number < 20; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.equal(await stateOf(api, bad.address), "unavail");
  assert.equal(bad.requests.length, before);
  await waitForServers(gateway, [bad.address, good.address, someAddress(1)], 0);

  await sleep(1500); // The servers' health is saved once a second.
  await gateway.killAll();
  clocked.setClock(4 * HOUR);
  await gateway.start();
  assert.equal(await stateOf(api, bad.address), "unavail", "the time of the failure is saved as an age");
});

test("with the clock set forward, a drain job keeps its remaining time", async (context) => {
  const [busy] = await startBackends(context, 1);
  busy.behaviour = { hang: 1 };
  const clocked = await startWithClock(context, { servers: [busy.address] });
  const { api, log, port } = clocked.gateway;
  log.allow(/upstream prematurely closed connection/);
  const request = ask(port).catch(() => {});
  // nginx stops only when the request has ended.
  atEnd(context, async () => {
    busy.close();
    await request;
  });
  await waitFor("the server is busy", async () => (await peersOf(api)).get(busy.address).active === 1);
  const drain = "/api/sluice/1/upstreams/app/servers/0/drain";
  await api.expect(202, "POST", `${drain}?force=true`, { deadline: "50m" });
  await step(clocked, 2 * HOUR);
  await sleep(2500); // Drain jobs are looked at once a second.
  assert.equal(await stateOf(api, busy.address), "draining");
  await api.expect(202, "POST", drain, { deadline: "1s" });
  await waitFor("the server is removed", async () => !(await peersOf(api)).has(busy.address), patience);
});
