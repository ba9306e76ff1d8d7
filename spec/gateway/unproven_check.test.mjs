/** A new or changed health check marks no server as unhealthy before it has passed on a server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { allEvents, becomes, PROBE_ERRORS, stateOf } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { peersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** A check that passes and one that fails on all servers. An answer may take long on a busy machine. */
const right = { interval: "100ms", timeout: "10s" };
const wrong = { ...right, match: { status: "299" } };

/**
 * Waits until each server was checked `checks` times.
 * @param {import("./support/api.mjs").Api} api
 * @param {number} checks
 */
async function checked(api, checks = 3) {
  const before = await peersOf(api);
  await waitFor("all servers are checked", async () => {
    const peers = [...(await peersOf(api))];
    return peers.every(
      ([address, { health_checks: now }]) =>
        now.checks >= (before.get(address)?.health_checks.checks ?? 0) + checks,
    );
  });
}

/**
 * @param {import("./support/api.mjs").Api} api
 * @param {import("./support/backend.mjs").Backend[]} backends
 */
async function assertAllUp(api, backends) {
  for (const { address } of backends) assert.equal(await stateOf(api, address), "up");
}

/** @param {import("./support/api.mjs").Api} api */
const problems = async (api) => (await api.expect(200, "GET", `${sluice()}/explain`)).problems;

/** Returns the text of both files of saved health. @param {{ folder: string }} gateway */
function savedHealth({ folder }) {
  const textOf = (/** @type {string} */ name) => readFileSync(join(folder, "state", name), "utf8");
  return textOf("health.0") + textOf("health.1");
}

/** @param {import("node:test").TestContext} context @param {object} [settings] */
async function startThree(context, settings = {}) {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { ...settings, servers } } });
  return { gateway, api: gateway.api, backends };
}

test("a wrong check that is added marks no server as unhealthy, and the reason is shown", async (context) => {
  const { gateway, api, backends } = await startThree(context);
  await api.expect(200, "PATCH", sluice(), { health_check: wrong });
  await checked(api);
  await assertAllUp(api, backends);
  assert.equal((await ask(gateway.port)).status, 200);
  const [problem] = await problems(api);
  assert.equal(problem.problem, "check_unproven");
  assert.match(problem.reason, /it does not make servers unhealthy; 127\.0\.0\.1:\d+: \S+ returned 200/);
  const { servers } = await api.expect(200, "GET", `${sluice()}/explain`);
  for (const { reason } of servers)
    assert.match(reason, /^its checks fail, but the health check has not passed/);
  const events = (await allEvents(api)).filter(({ upstream }) => upstream === "app");
  assert.deepEqual(
    events.map(({ problem: what }) => what),
    ["check_unproven"],
    "one event, however many checks fail",
  );
  assert.match(events[0].reason, /\S+ returned 200/);
  const lines = gateway.log
    .entries("warn")
    .filter((line) => line.includes("the health check has not passed on any"));
  assert.equal(lines.length, 1);

  await gateway.reload();
  await checked(api);
  await assertAllUp(api, backends);
});

test("once a check has passed on one server, it marks failing servers as unhealthy", async (context) => {
  const { gateway, api, backends } = await startThree(context);
  for (const backend of backends) backend.behaviour = { status: 404 };
  await api.expect(200, "PATCH", sluice(), { health_check: right });
  await checked(api);
  await assertAllUp(api, backends);
  backends[0].behaviour = {};
  for (const { address } of backends.slice(1)) await becomes(api, address, "unhealthy");
  assert.deepEqual(await problems(api), []);
  assert.equal(await stateOf(api, backends[0].address), "up");
  assert.ok(gateway.log.text().includes("and takes effect now"));
  backends[0].behaviour = { status: 404 };
  await becomes(api, backends[0].address, "unhealthy");
});

test("a server that failed before any check passed becomes unhealthy once the check passes on another server", async (context) => {
  const [ill, well] = await startBackends(context, 2);
  ill.behaviour = { status: 503 };
  const health_check = { interval: "1h" };
  const { api } = await startGateway(context, { upstreams: { app: { health_check, servers: [] } } });
  await api.expect(201, "POST", serversOf(), { server: ill.address });
  await waitFor("the check has failed", async () => {
    return (await peersOf(api)).get(ill.address).health_checks.fails > 0;
  });
  assert.equal(await stateOf(api, ill.address), "up");
  await api.expect(201, "POST", serversOf(), { server: well.address });
  await becomes(api, ill.address, "unhealthy");
  assert.equal(await stateOf(api, well.address), "up");
});

test("a check that has passed and is then changed is unproven again, even after a restart", async (context) => {
  const { gateway, api, backends } = await startThree(context, { health_check: right });
  await checked(api);
  await waitFor("the good verdicts are saved", () => /"check":1\b/.test(savedHealth(gateway)));
  await api.expect(200, "PATCH", sluice(), { health_check: wrong });
  await checked(api);
  await assertAllUp(api, backends);
  await gateway.stop();
  await gateway.start();
  await checked(api);
  await assertAllUp(api, backends);
  await api.expect(200, "PATCH", sluice(), { health_check: right });
  backends[2].behaviour = { status: 500 };
  await becomes(api, backends[2].address, "unhealthy");
});

test("the proof that a check can pass survives a restart", async (context) => {
  const { gateway, api, backends } = await startThree(context, { health_check: right });
  await checked(api);
  await gateway.stop();
  for (const backend of backends) backend.behaviour = { status: 500 };
  await gateway.start();
  for (const { address } of backends) await becomes(api, address, "unhealthy");
});

test("a server added to an upstream whose check has passed becomes unhealthy when it fails", async (context) => {
  const { gateway, api } = await startThree(context, { health_check: right });
  gateway.log.allow(PROBE_ERRORS);
  await checked(api);
  await api.expect(201, "POST", serversOf(), { server: someAddress(1) });
  await becomes(api, someAddress(1), "unhealthy");
});

test("servers receive no request until a mandatory check passes", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address }));
  const health_check = { ...wrong, mandatory: true };
  const gateway = await makeGateway(context, { upstreams: { app: { health_check, servers } } });
  await gateway.start();
  for (const { address } of backends) await becomes(gateway.api, address, "unhealthy");
  assert.deepEqual(await problems(gateway.api), []);
});

test("servers that wait for a mandatory check serve once the check is no longer mandatory", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address }));
  const health_check = { ...wrong, mandatory: true, fails: 1000 };
  const { api } = await startGateway(context, { upstreams: { app: { health_check, servers } } });
  await checked(api);
  for (const { address } of backends) assert.equal(await stateOf(api, address), "checking");
  await api.expect(200, "PATCH", sluice(), { health_check: { ...health_check, mandatory: false } });
  for (const { address } of backends) await becomes(api, address, "up");
});
