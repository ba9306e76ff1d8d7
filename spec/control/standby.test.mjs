/** Standby servers are checked and shown, but receive no requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { becomes, eventsOf, stateOf } from "../gateway/support/health.mjs";
import { ask } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { Client } from "../gateway/support/sessions.mjs";
import { assertKept, peersOf, serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import {
  assertGetsNothing,
  assertIsUsed,
  checkedAgain,
  reportTo,
  startReporting,
} from "./support/reporting.mjs";

/**
 * Starts a gateway with an active server and a standby server.
 * @param {import("node:test").TestContext} context
 * @param {object} [settings] of the upstream
 */
async function startWithStandby(context, settings = {}) {
  const [serving, standby] = await startBackends(context, 2);
  const servers = [
    { server: serving.address, route: "a" },
    { server: standby.address, route: "b", standby: true },
  ];
  return { serving, standby, ...(await startReporting(context, { app: { ...settings, servers } })) };
}

test("a standby server receives no request, is checked, and is shown as down and in the configuration", async (context) => {
  const health_check = { uri: "/health", interval: "100ms" };
  const { standby, gateway, api, clients } = await startWithStandby(context, { health_check });
  await assertGetsNothing(gateway, clients, standby);
  await checkedAgain(standby, 3);
  const peer = (await peersOf(api)).get(standby.address);
  assert.deepEqual([peer.state, peer.requests, peer.health_checks.last_passed], ["down", 0, true]);
  assert.equal((await api.expect(200, "GET", `${serversOf()}/1`)).standby, true);
  assert.equal("standby" in (await api.expect(200, "GET", `${serversOf()}/0`)), false);
  assert.equal((await api.expect(200, "GET", sluice())).servers[1].standby, true);
  // The health of a standby server is known before the server is needed.
  standby.behaviour = { status: 500 };
  await waitFor(
    "the checks of the standby server fail",
    async () => (await eventsOf(api, standby.address)).length === 1,
  );
  assert.equal((await eventsOf(api, standby.address))[0].new_state, "unhealthy");
  assert.equal(await stateOf(api, standby.address), "down");
  await assertKept(gateway);
  assert.equal((await ask(gateway.port)).status, 200);
  assert.equal(await stateOf(api, standby.address), "down");
});

test("a standby server receives no requests, not even from clients with its route or its cookie", async (context) => {
  const { serving, standby, gateway, api } = await startWithStandby(context, {
    sticky: { route: { variables: ["$arg_route"] } },
  });
  for (let turn = 0; turn < 8; turn += 1)
    assert.equal((await ask(gateway.port, "/?route=b")).text, serving.id);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: false });
  assert.equal((await ask(gateway.port, "/?route=b")).text, standby.id);
  await api.expect(200, "PATCH", sluice(), { sticky: { cookie: { name: "srv" } } });
  const client = new Client(gateway.port);
  await waitFor("a client is with it", async () => {
    client.value = undefined;
    await client.ask();
    return client.server === standby.id;
  });
  await client.ask();
  assert.equal(client.server, standby.id);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: true });
  await client.ask();
  assert.equal(client.server, serving.id);
  // `drain`, in contrast, keeps the bound clients.
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: false });
  await waitFor("the server has a client again", async () => {
    client.value = undefined;
    await client.ask();
    return client.server === standby.id;
  });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true, standby: true });
  assert.equal(await stateOf(api, standby.address), "draining");
  await client.ask();
  assert.equal(client.server, standby.id);
});

test("a server that becomes standby finishes its requests, and a server that is no longer standby serves immediately", async (context) => {
  const { standby, gateway, api, clients } = await startWithStandby(context);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: false });
  await assertIsUsed(clients, standby);
  assert.equal(await stateOf(api, standby.address), "up");
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  const held = ask(gateway.port, "/?delay=1500");
  await waitFor("the server has a request", () => standby.active === 1);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: false });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: true });
  assert.equal(await stateOf(api, standby.address), "draining");
  await assertGetsNothing(gateway, clients, standby);
  assert.deepEqual([(await held).status, (await held).text], [200, standby.id]);
  await becomes(api, standby.address, "down");
});

test("the reports of a standby server do not activate it", async (context) => {
  const { standby, gateway, api, clients } = await startWithStandby(context, { load: {} });
  for (const state of ["down", "drain", "up"]) {
    await api.expect(204, "POST", reportTo(1), { utilization: 0, state });
    assert.equal(await stateOf(api, standby.address), "down");
  }
  await assertGetsNothing(gateway, clients, standby);
  assert.equal((await eventsOf(api, standby.address)).length, 3, "the reported state is recorded");
});

test("a node can register and renew as standby, but not as both standby and backup", async (context) => {
  const { gateway, api, clients } = await startWithStandby(context);
  const [node] = await startBackends(context, 1);
  const registration = { server: node.address, ttl: "60s", standby: true };
  await api.expect(201, "PUT", nodeOf("n"), registration);
  const revision = (await api.get(sluice())).headers.etag;
  await api.expect(200, "PUT", nodeOf("n"), { ...registration, report: { utilization: 0.1 } });
  assert.equal((await api.get(sluice())).headers.etag, revision);
  await assertGetsNothing(gateway, clients, node);
  assert.equal(await stateOf(api, node.address), "down");
  await api.expect(200, "PUT", nodeOf("n"), { ...registration, standby: false });
  await assertIsUsed(clients, node);

  const before = await api.configuration();
  const backup = { server: someAddress(1), backup: true, standby: true };
  for (const [method, path, body] of [
    ["POST", serversOf(), backup],
    ["PUT", nodeOf("b"), { ...backup, ttl: "60s" }],
    ["PUT", sluice("other"), { servers: [backup] }],
  ]) {
    const answer = await api.send(method, path, body);
    assertErrorBody(answer, 400, "UpstreamConfFormatError");
    assert.match(answer.body.error.text, /invalid "standby": a backup server cannot be a standby server/);
  }
  for (const body of [{ in_service: true }, { standby: "true" }, { standby: null }]) {
    const answer = await api.patch(`${serversOf()}/1`, body);
    assertErrorBody(answer, 400, "UpstreamConfFormatError");
    assert.match(answer.body.error.text, new RegExp(`"${Object.keys(body)[0]}"`));
  }
  assert.equal(await api.configuration(), before);
});
