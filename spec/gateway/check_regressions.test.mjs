/**
 * Issues of other systems about health checks themselves, one test each. health_regressions.test.mjs lists
 * issues that other specs cover and issues without a test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { stateOf, whoAnswers } from "./support/health.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { startProbed, WELL } from "./support/probes.mjs";
import { peersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

test("Caddy #7870: two upstreams with one address keep their own health", async (context) => {
  const [shared, other] = await startBackends(context, 2);
  const servers = [shared, other].map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context);
  // The other server must pass both checks, because a check that has not passed on any server makes no server
  // unhealthy.
  const check = (/** @type {object} */ match) => ({ health_check: { interval: "200ms", match }, servers });
  await gateway.api.expect(201, "PUT", sluice("strict"), check({ body: `^${other.id}$` }));
  await gateway.api.expect(201, "PUT", sluice("app"), check({ status: "200" }));
  await waitFor(
    "the strict check fails",
    async () => (await stateOf(gateway.api, shared.address, "strict")) === "unhealthy",
  );
  await waitFor("the other check passes", async () => {
    return (await peersOf(gateway.api)).get(shared.address).health_checks.last_passed === true;
  });
  assert.equal(await stateOf(gateway.api, shared.address), "up");
  for (let turn = 0; turn < 10; turn += 1) {
    await sleep(50);
    assert.equal(await stateOf(gateway.api, shared.address), "up");
    assert.equal(await stateOf(gateway.api, shared.address, "strict"), "unhealthy");
  }
  assert.ok((await whoAnswers(gateway, 8)).has(shared.id));
});

test("Kong #5531, #7566, #15001: no server stays unhealthy when it passes its checks again", async (context) => {
  const [bad, good] = await startBackends(context, 2);
  const servers = [bad, good].map(({ address }) => ({ server: address }));
  const upstreams = { app: { servers, health_check: { interval: "200ms", fails: 2, passes: 2 } } };
  const gateway = await startGateway(context, { upstreams });
  const meanwhile = [
    () => gateway.api.expect(201, "POST", serversOf(), { server: someAddress(1), down: true }),
    () => gateway.reload(),
    async () => {
      await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
      await gateway.killWorker();
    },
    () => gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 3 }),
  ];
  for (const change of meanwhile) {
    bad.behaviour = { status: 500 };
    await waitFor(
      "the server is unhealthy",
      async () => (await stateOf(gateway.api, bad.address)) === "unhealthy",
    );
    await change();
    bad.behaviour = {};
    await waitFor("the server is up", async () => (await stateOf(gateway.api, bad.address)) === "up");
    assert.ok((await whoAnswers(gateway, 8)).has(bad.id));
  }
});

test("Kong #7409: the checks of a server do not overlap, even if they take long", async (context) => {
  let most = 0;
  const slow = await startProbed(context, () => (most = Math.max(most, slow.open)));
  const health_check = { interval: "100ms", timeout: "500ms" };
  await startGateway(context, {
    upstreams: { app: { servers: [{ server: slow.address }], health_check } },
    http: "lua_socket_log_errors off;",
  });
  await waitFor("the server is checked four times", () => slow.arrivals.length >= 4);
  assert.equal(most, 1);
});

test("Traefik #4544, #12654: with mandatory a new server receives no request before its first check", async (context) => {
  const [old] = await startBackends(context, 1);
  const held = /** @type {import("node:net").Socket[]} */ ([]);
  // The server answers requests immediately, so that a retry does not hide a misdirected request.
  const added = await startProbed(context, (socket) => {
    if (added.request.startsWith("GET /health ")) held.push(socket);
    else socket.write(WELL);
  });
  const gateway = await startGateway(context, { listen: "reuseport" });
  const health_check = { uri: "/health", interval: "200ms", timeout: "1h", mandatory: true };
  await gateway.api.expect(201, "PUT", sluice(), { health_check, servers: [{ server: old.address }] });
  await waitFor("the first is up", async () => (await stateOf(gateway.api, old.address)) === "up");
  await gateway.api.expect(201, "POST", serversOf(), { server: added.address });
  await waitFor("the first check waits for an answer", () => held.length > 0);
  assert.equal(await stateOf(gateway.api, added.address), "checking");
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([old.id]));
  added.answer = (socket) => socket.write(WELL);
  for (const socket of held) socket.write(WELL);
  await waitFor("the server is up", async () => (await stateOf(gateway.api, added.address)) === "up");
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([old.id, "ok"]));
});

test("Caddy #6410: without mandatory there are no errors until the first check", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const health_check = { interval: "1h", uri: "/?hang=1", timeout: "1h" };
  const servers = [one, other].map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { servers, health_check } } });
  assert.deepEqual(await whoAnswers(gateway, 24), new Set([one.id, other.id]));
});

test("a probe in progress when the health check is removed has no effect", async (context) => {
  const [well, slow] = [await startProbed(context), await startProbed(context)];
  const sockets = [];
  slow.answer = (socket) => sockets.push(socket);
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { api } = gateway;
  // Servers that are added at run time are checked at once.
  await api.expect(200, "PUT", sluice(), {
    health_check: { interval: "1h", timeout: "1h" },
    servers: [{ server: well.address }, { server: slow.address }],
  });
  await waitFor("the check has passed on a server", async () => {
    const peer = (await peersOf(api)).get(well.address);
    return peer.health_checks.checks === 1;
  });
  await waitFor("the other server is probed", () => sockets.length === 1);
  await api.expect(200, "PATCH", sluice(), { health_check: null });
  // The prober takes over the change some times a second.
  await sleep(1000);
  for (const socket of sockets) socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  // Time in which the result would take effect.
  await sleep(1500);
  assert.equal(await stateOf(gateway.api, slow.address), "up");
});
