/**
 * A change that would leave a live upstream without a server is refused with 409 unless it has `?force=true`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { peersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const drain = `${sluice()}/servers/0/drain`;

/**
 * The changes that leave an upstream with only server 0 without an available server.
 * @param {string} server
 */
const emptying = (server) => [
  ["DELETE", sluice(), undefined],
  ["PUT", sluice(), { servers: [] }],
  ["PUT", sluice(), { method: "random" }],
  ["PUT", sluice(), { servers: [{ server, down: true }] }],
  ["PATCH", sluice(), { servers: [] }],
  ["PATCH", sluice(), { servers: [{ server, drain: true }] }],
  ["PATCH", sluice(), { servers: [{ server: someAddress(1), standby: true }] }],
  [
    "PATCH",
    sluice(),
    { servers: [{ server: someAddress(1) }], health_check: { mandatory: true, interval: "1h" } },
  ],
  ["POST", drain, {}],
  ["POST", `${sluice()}/servers/drain?server=${server}`, {}],
];

/** @param {string} path */
const forced = (path) => `${path}${path.includes("?") ? "&" : "?"}force=true`;

/** Makes a change right after a request. @param {import("./support/gateway.mjs").Gateway} gateway */
async function changeInUse(gateway, method, path, body) {
  assert.equal((await ask(gateway.port)).status, 200);
  return gateway.api.send(method, path, body);
}

test("a change that would leave an upstream in use without an available server is refused", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const { api } = gateway;
  const before = await api.configuration();
  for (const [method, path, body] of emptying(backend.address)) {
    const answer = await changeInUse(gateway, method, path, body);
    assertErrorBody(answer, 409, "WouldEmptyUpstream");
    assert.match(answer.body.error.text, /\?force=true/);
  }
  for (const force of ["", "?force", "?force=false", "?force=1"])
    assertErrorBody(await api.delete(`${sluice()}${force}`), 409, "WouldEmptyUpstream");
  assert.equal(await api.configuration(), before);
  assert.equal((await ask(gateway.port)).text, backend.id);

  // Changes that leave another available server are accepted.
  await api.expect(200, "PUT", sluice(), {
    servers: [{ server: backend.address }, { server: someAddress(1) }],
  });
  await api.expect(200, "PATCH", sluice(), { servers: [{ server: someAddress(2), backup: true }] });
});

test("force=true allows changes that leave no available server", async (context) => {
  const [backend] = await startBackends(context, 1);
  const quiet = { http: "lua_socket_log_errors off;" };
  const gateway = await startGateway(context, { servers: [backend.address], ...quiet });
  const { api } = gateway;
  for (const [method, path, body] of emptying(backend.address)) {
    const [{ id }] = (await api.expect(200, "PUT", sluice(), { servers: [{ server: backend.address }] }))
      .servers;
    const now = path.replace("/0/", `/${id}/`);
    assert.equal((await changeInUse(gateway, method, now, body)).status, 409);
    const { status, text } = await api.send(method, forced(now), body);
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${text}`);
    if (method === "DELETE") await api.expect(201, "PUT", sluice(), { servers: [] });
  }
});

test("unused upstreams, leaving nodes and the NGINX Plus API are not restricted", async (context) => {
  const [backend, other] = await startBackends(context, 2);
  const { api, port } = await startGateway(context, {
    upstreams: { app: { servers: [] }, idle: { servers: [] } },
  });
  await api.expect(201, "PUT", sluice("new"), { servers: [{ server: backend.address }] });
  await api.expect(200, "PUT", sluice("new"), { servers: [] });
  await api.expect(204, "DELETE", sluice("new"));
  await api.expect(201, "PUT", nodeOf("one"), { server: backend.address, ttl: "60s" });
  assert.equal((await ask(port)).text, backend.id);
  await api.expect(204, "DELETE", nodeOf("one"));
  const added = await api.expect(201, "POST", serversOf(), { server: other.address });
  assert.equal((await ask(port)).text, other.id);
  await api.expect(200, "PATCH", `${serversOf()}/${added.id}`, { down: true });
  await api.expect(200, "PATCH", `${serversOf()}/${added.id}`, { down: false });
  assert.equal((await ask(port)).text, other.id);
  await api.expect(200, "DELETE", `${serversOf()}/${added.id}`);
});

test("the last healthy server is protected, and unhealthy servers can be removed", async (context) => {
  const [backend, sick] = await startBackends(context, 2);
  const check = { interval: "100ms", uri: "/health", fails: 1 };
  sick.behaviour = { status: 503 };
  const { api, port } = await startGateway(context, {
    upstreams: {
      app: { health_check: check, servers: [{ server: backend.address }, { server: sick.address }] },
    },
  });
  await waitFor(
    "one is unhealthy",
    async () => (await peersOf(api)).get(sick.address)?.state === "unhealthy",
  );
  assert.equal((await ask(port)).text, backend.id);
  assertErrorBody(await api.post(drain, {}), 409, "WouldEmptyUpstream");
  assertErrorBody(
    await api.patch(sluice(), { servers: [{ server: sick.address }] }),
    409,
    "WouldEmptyUpstream",
  );
  backend.behaviour = { status: 503 };
  await waitFor(
    "both servers are unhealthy",
    async () => (await peersOf(api)).get(backend.address)?.state === "unhealthy",
  );
  await api.expect(200, "PATCH", sluice(), { health_check: { ...check, interval: "1h" } });
  await api.expect(200, "PATCH", sluice(), { servers: [{ server: sick.address }] });
});

test("a split in use keeps a member with a server", async (context) => {
  const [backend] = await startBackends(context, 1);
  const servers = [{ server: backend.address }];
  const splitOf = (/** @type {Record<string, number>} */ weights) => ({
    split: { members: Object.entries(weights).map(([upstream, weight]) => ({ upstream, weight })) },
  });
  const gateway = await startGateway(context, {
    upstreams: {
      v1: { servers },
      v2: { servers },
      empty: {},
      inner: splitOf({ v1: 1 }),
      app: splitOf({ inner: 1 }),
    },
  });
  const refuses = async (method, body) =>
    assertErrorBody(await changeInUse(gateway, method, sluice(), body), 409, "WouldEmptyUpstream");
  await refuses("PATCH", splitOf({ empty: 1 }));
  await refuses("PATCH", splitOf({ empty: 1, v2: 0 }));
  await refuses("PUT", { servers: [] });
  await refuses("DELETE");
  assert.equal((await changeInUse(gateway, "PATCH", sluice(), splitOf({ empty: 1, v2: 1 }))).status, 200);
  assert.equal((await changeInUse(gateway, "PUT", sluice(), { servers })).status, 200);
  await refuses("PATCH", { ...splitOf({ empty: 1 }), servers: [] });
  // A member may be new.
  const upstreams = { fresh: { servers }, app: splitOf({ fresh: 1 }) };
  assert.equal((await changeInUse(gateway, "POST", "/api/sluice/1/changes", { upstreams })).status, 200);
  assert.equal((await changeInUse(gateway, "DELETE", `${sluice()}?force=true`)).status, 204);
});
