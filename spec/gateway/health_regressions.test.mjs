/**
 * Issues of other systems about health, one test each.
 *
 * Issues that other specs cover:
 * - upsync #56, Kong #6788: every worker probes (probes)
 * - lua-resty-upstream-healthcheck #55, #76, HAProxy (docs): an added server is not checked (probes)
 * - Kong #7407, lua-resty-upstream-healthcheck #69, #73, lua-resty-healthcheck #40, #81, #156: probes and
 *   timers are left behind (probes)
 * - APISIX #3268: checks start only after the first request (probes)
 * - Envoy #4132: the first checks come all at once (probes)
 * - lua-resty-upstream-healthcheck #14, #41, #57: a server is down for one worker only (max_fails)
 * - ingress-nginx #5540, PR #9882: a server that fails fast attracts requests (least_time)
 * - Traefik #2723, ingress-nginx #11852: a retry goes to the same server (retries, methods)
 * - Envoy #10869: there is no retry budget (retries)
 * - Traefik #41: there is no draining (drain)
 * - Kong #8291, #4846: deleted targets are still used (zero_stale)
 *
 * Issues without a test:
 * - Envoy #28699, #2874: the cost of checks of 20,000 servers (see the bench)
 * - Traefik #12417: 503 while all servers drain. As in NGINX Plus, a draining server receives no new
 *   requests, even if it is the last one.
 * - lua-resty-upstream-healthcheck #33, #65, #4, #54, PR #67, ingress-nginx: missing features
 * - APISIX #12398, PR #12353: a worker misses the event that brings servers. Sluice uses no such events.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { stateOf, whoAnswers } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** Each server is checked once, when it is added. The next check would come after the test. */
const checkedOnce = { interval: "1h", timeout: "10s" };

/**
 * Starts three servers. The second has failed its check, but answers correctly since then.
 * @param {import("node:test").TestContext} context
 */
async function startWithUnhealthy(context) {
  // The servers start before the gateway and end after it, so that they break none of its kept connections.
  const spare = await startBackends(context, 2);
  const backends = await startBackends(context, 3);
  const [first, bad, third] = backends;
  bad.behaviour = { status: 503 };
  const gateway = await startGateway(context, { listen: "reuseport" });
  const servers = backends.map(({ address }) => ({ server: address }));
  // A worker that has not begun its checks treats all servers as initial ones, whose first checks are spread
  // over the interval.
  await waitFor("all servers are checked when they are added", async () => {
    await gateway.api.delete(sluice());
    await gateway.api.expect(201, "PUT", sluice(), { health_check: checkedOnce, servers });
    await sleep(300);
    // If a busy machine delays the check of a good server for too long, the check fails, and the upstream is
    // created again.
    return [...(await peersOf(gateway.api))].every(
      ([
        address,
        {
          health_checks: { checks, last_passed },
        },
      ]) => checks === 1 && last_passed === (address !== bad.address),
    );
  });
  bad.behaviour = {};
  const assertUnhealthy = async (/** @type {string} */ when) => {
    assert.equal(await stateOf(gateway.api, bad.address), "unhealthy", when);
    assert.ok(!(await whoAnswers(gateway, 24)).has(bad.id), when);
  };
  await assertUnhealthy("after its check");
  return { gateway, first, bad, third, spare, assertUnhealthy };
}

test("Kong #7835: adding a target does not make an unhealthy one healthy", async (context) => {
  const { gateway, first, third, spare, assertUnhealthy } = await startWithUnhealthy(context);
  const [added] = spare;
  await gateway.api.expect(201, "POST", serversOf(), { server: added.address });
  await assertUnhealthy("after another server was added");
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([first.id, third.id, added.id]));
});

test("lua-resty-upstream-healthcheck #84: health is not inherited by index, nor by address", async (context) => {
  const { gateway, first, bad, third, assertUnhealthy } = await startWithUnhealthy(context);
  await gateway.api.expect(200, "DELETE", `${serversOf()}/0`);
  await assertUnhealthy("after the server before it was deleted");
  assert.deepEqual(await whoAnswers(gateway, 8), new Set([third.id]));
  const servers = [third, first, bad].map(({ address }) => ({ server: address }));
  await gateway.api.expect(200, "PUT", sluice(), { health_check: checkedOnce, servers });
  await assertUnhealthy("at another position");
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([first.id, third.id]));
  await gateway.api.expect(200, "DELETE", `${serversOf()}/1`);
  await gateway.api.expect(201, "POST", serversOf(), { server: bad.address });
  assert.ok(
    (await whoAnswers(gateway, 24)).has(bad.id),
    "a server that is added again starts with fresh health",
  );
});

test("APISIX #13282: health survives a change of nodes, of weights and of the method", async (context) => {
  const { gateway, bad, spare, assertUnhealthy } = await startWithUnhealthy(context);
  const servers = [...spare, bad].map(({ address }) => ({ server: address }));
  await gateway.api.expect(200, "PUT", sluice(), { health_check: checkedOnce, servers });
  await assertUnhealthy("after all other servers were replaced");
  await gateway.api.expect(200, "PATCH", sluice(), { method: "least_conn" });
  await assertUnhealthy("with another method");
  await gateway.api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 9 });
  await assertUnhealthy("with another weight");
});

test("Traefik #13218: a reload, or a restart, does not mark all servers as up", async (context) => {
  const { gateway, assertUnhealthy } = await startWithUnhealthy(context);
  await gateway.reload();
  await assertUnhealthy("after a reload");
  await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
  await gateway.killWorker();
  await assertUnhealthy("after a worker's death");
  // Health is saved once a second.
  await sleep(1500);
  await gateway.killAll();
  await gateway.start();
  await assertUnhealthy("after a restart");
});

test("APISIX #13888: the result of one worker's check applies to the next request of all workers", async (context) => {
  const { gateway, bad } = await startWithUnhealthy(context);
  const workers = new Set();
  const requests = bad.requests.length;
  for (let turn = 0; turn < 80; turn += 1) workers.add((await ask(gateway.port)).headers["x-worker"]);
  assert.equal(workers.size, 4);
  assert.equal(bad.requests.length, requests);
});

test("Caddy #7036, #7037: failures of requests are remembered while there are no requests", async (context) => {
  const [bad, good] = await startBackends(context, 2);
  bad.behaviour = { reset: 1 };
  const servers = [bad, good].map(({ address }) => ({ server: address, fail_timeout: "1h" }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(wasReset);
  const isOut = async () => {
    await ask(gateway.port);
    return (await stateOf(gateway.api, bad.address)) === "unavail";
  };
  await waitFor("the server is unavailable", isOut);
  bad.behaviour = {};
  await sleep(1500);
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([good.id]));
});

test("Caddy #4792, #6135: the API shows health", async (context) => {
  const { gateway, first, bad } = await startWithUnhealthy(context);
  const peers = await peersOf(gateway.api);
  const { state, health_checks, downtime, downstart } = peers.get(bad.address);
  assert.deepEqual(
    [state, health_checks],
    ["unhealthy", { checks: 1, fails: 1, unhealthy: 1, last_passed: false }],
  );
  assert.ok(downtime >= 0 && downtime < 10_000, `${downtime} ms`);
  assert.ok(Math.abs(Date.now() - Date.parse(downstart)) < 10_000, downstart);
  assert.deepEqual(peers.get(first.address).health_checks, {
    checks: 1,
    fails: 0,
    unhealthy: 0,
    last_passed: true,
  });
});
