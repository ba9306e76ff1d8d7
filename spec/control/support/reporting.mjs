/** Helpers of the specs of reports: they push a report and assert its effects. */
import assert from "node:assert/strict";
import { startBackends } from "../../gateway/support/backend.mjs";
import { clientsByWorker } from "../../gateway/support/clients.mjs";
import { startGateway } from "../../gateway/support/gateway.mjs";
import { becomes, eventsOf, stateOf } from "../../gateway/support/health.mjs";
import { ask } from "../../gateway/support/load.mjs";
import { sluice } from "../../gateway/support/upstreams.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** @typedef {import("../../gateway/support/backend.mjs").Backend & { address: string }} Server */
/** @typedef {import("../../gateway/support/gateway.mjs").Gateway} Gateway */

export const reportTo = (/** @type {number} */ id, upstream = "app") =>
  `${sluice(upstream)}/servers/${id}/report`;

/** The states in the API by reported state. */
export const SHOWN = { up: "up", drain: "draining", down: "down" };

/**
 * Starts a gateway, and connects one client to each worker.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, object>} upstreams
 * @param {import("../../gateway/support/nginx_conf.mjs").Options} [options]
 */
export async function startReporting(context, upstreams, options = {}) {
  const gateway = await startGateway(context, { upstreams, listen: "reuseport", ...options });
  const workers = await clientsByWorker(context, gateway.port);
  assert.equal(workers.length, gateway.workerCount, "each worker has a client");
  return { gateway, api: gateway.api, clients: workers.map(([, [client]]) => client) };
}

/**
 * Calls `startReporting` with an upstream "app" of some servers.
 * @param {import("node:test").TestContext} context
 * @param {number} count of servers
 * @param {object} [settings] of the upstream
 */
export async function startReportingServers(context, count, settings = {}) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }) => ({ server: address }));
  return { backends, ...(await startReporting(context, { app: { ...settings, servers } })) };
}

/** Returns the number of requests except checks. @param {Server} server */
const requestsOf = (server) => server.requests.filter(({ url }) => !url.startsWith("/health")).length;

/**
 * Asserts that no request goes to a server: neither the next request of any worker nor requests on new
 * connections.
 * @param {Gateway} gateway
 * @param {import("../../gateway/support/api.mjs").Api[]} clients one client of each worker
 * @param {Server} server
 */
export async function assertGetsNothing(gateway, clients, server) {
  const before = requestsOf(server);
  for (let turn = 0; turn < 6; turn += 1) {
    for (const { status } of await Promise.all(clients.map((client) => client.get("/"))))
      assert.equal(status, 200);
  }
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.equal(requestsOf(server), before, `${server.address} gets no request`);
}

/**
 * Asserts that each worker sends requests to a server.
 * @param {import("../../gateway/support/api.mjs").Api[]} clients one client of each worker
 * @param {Server} server
 */
export async function assertIsUsed(clients, server) {
  for (const client of clients) {
    const answers = [];
    for (let turn = 0; turn < 8; turn += 1) answers.push((await client.get("/")).headers["x-backend"]);
    assert.ok(answers.includes(server.id), `${server.id} gets requests: ${answers}`);
  }
}

/**
 * Asserts that a reported state is in the API and in the last event, and that requests follow it.
 * @param {{ gateway: Gateway, clients: import("../../gateway/support/api.mjs").Api[] }} running
 * @param {Server} server
 * @param {"up" | "drain" | "down"} state
 * @param {string} before the previous state in the API
 */
export async function assertReported({ gateway, clients }, server, state, before) {
  const { api } = gateway;
  if (state !== "up") await assertGetsNothing(gateway, clients, server);
  assert.equal(await stateOf(api, server.address), SHOWN[state]);
  const { old_state, new_state, reason } = (await eventsOf(api, server.address)).at(-1) ?? {};
  assert.deepEqual([old_state, new_state, reason], [before, SHOWN[state], `it reports "${state}"`]);
  if (state === "up") await assertIsUsed(clients, server);
}

/**
 * Makes the workers follow the upstream's states. A timer ends expired states every 10 s.
 * @param {Gateway} gateway
 * @param {string} upstream with a server 1
 */
export async function haveLooked({ api, port }, upstream) {
  for (const state of ["drain", "up"]) await api.expect(204, "POST", reportTo(1, upstream), { state });
  assert.equal((await ask(port, `/to/${upstream}?route=b`)).status, 200);
}

/**
 * Creates upstreams whose server 0 has reported "draining", to test which reports confirm the state beyond
 * `load.expiry`.
 * @param {[Server, Server]} servers
 * @param {Record<string, object>} settings of the upstreams by name
 * @param {string} expiry
 */
export function drainingUpstreams([first, second], settings, expiry) {
  const sticky = { route: { variables: ["$arg_route"] } };
  const servers = [
    { server: first.address, route: "a" },
    { server: second.address, route: "b" },
  ];
  const upstreams = Object.entries(settings).map(([name, more]) => [
    name,
    { sticky, servers, load: { expiry }, ...more },
  ]);
  return { app: { servers: [{ server: second.address }] }, ...Object.fromEntries(upstreams) };
}

/**
 * Asserts that server 0 of such an upstream still drains, or that it is up because its report has expired.
 * @param {Gateway} gateway
 * @param {string} upstream
 * @param {Server} server
 * @param {boolean} isKept
 * @param {string} expiry
 */
export async function assertKept(gateway, upstream, server, isKept, expiry) {
  const state = () => stateOf(gateway.api, server.address, upstream);
  await haveLooked(gateway, upstream);
  if (isKept) assert.equal(await state(), "draining", upstream);
  else
    await waitFor(`the report has expired: ${upstream}`, async () => {
      await haveLooked(gateway, upstream);
      return (await state()) === "up";
    });
  const events = await eventsOf(gateway.api, server.address, upstream);
  const reason = isKept ? 'it reports "drain"' : `it has reported nothing for ${expiry.replace("s", " s")}`;
  assert.equal(events.at(-1)?.reason, reason, upstream);
}

/**
 * Waits until a server is shown in the state that it reports.
 * @param {Gateway} gateway
 * @param {Server} server
 */
export async function shows({ api }, server, /** @type {"up" | "drain" | "down"} */ state) {
  await becomes(api, server.address, SHOWN[state]);
}

/** Waits until a server was checked `times` more times. @param {Server} server @param {number} [times] */
export function checkedAgain(server, times = 2) {
  const count = () => server.requests.filter(({ url }) => url.startsWith("/health")).length;
  const wanted = count() + times;
  return waitFor(`${server.address} has been checked`, () => count() >= wanted);
}
