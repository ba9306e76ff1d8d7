/**
 * PUT accepts an answer of GET for an upstream: immediately, later, after the upstream was deleted, and for
 * another upstream.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { waitForServers } from "./support/discovery.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { assertKept, serversOf, sluice, someAddress } from "./support/upstreams.mjs";

const servers = [
  { server: someAddress(1), weight: 3 },
  { server: someAddress(2), drain: true },
  { server: someAddress(3), down: true, max_conns: 7 },
  { server: someAddress(4), backup: true },
];
const settings = {
  method: "least_conn",
  sticky: { cookie: { name: "srv" } },
  outlier_detection: {},
  retries: { tries: 2, budget: {} },
  health_check: { interval: "1h", match: { status: "200-299" } },
};

/** @param {object} object @param {string[]} names @returns {any} */
function without(object, ...names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** Returns an upstream without the ids of its servers. @param {any} upstream */
function withoutIds(upstream) {
  return { ...upstream, servers: upstream.servers.map((server) => without(server, "id")) };
}

test("a backup can be restored after its upstream was deleted, and under another name", async (context) => {
  const gateway = await startGateway(context, { upstreams: {}, http: "lua_socket_log_errors off;" });
  const { api } = gateway;
  await api.expect(201, "PUT", sluice(), { ...settings, servers });
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  await api.expect(201, "POST", serversOf(), { server: someAddress(1), weight: 9 });
  const backup = await api.expect(200, "GET", sluice());
  assert.deepEqual(
    backup.servers.map(({ id }) => id),
    [1, 2, 3, 4],
  );
  await api.expect(204, "DELETE", sluice());
  for (const name of ["app", "copy"]) {
    const restored = await api.expect(201, "PUT", sluice(name), backup);
    assert.deepEqual(withoutIds(restored), withoutIds(backup));
  }
  await api.expect(201, "PUT", sluice("other"), { servers: [{ server: someAddress(9) }] });
  const patched = await api.expect(200, "PATCH", sluice("other"), { servers: backup.servers });
  assert.deepEqual(withoutIds(patched).servers, withoutIds(backup).servers);
  await assertKept(gateway);
});

test("an older backup can be restored over an upstream whose ids have changed", async (context) => {
  const { api } = await startGateway(context, { upstreams: {} });
  await api.expect(201, "PUT", sluice(), { servers });
  const backup = await api.expect(200, "GET", sluice());
  await api.expect(204, "DELETE", sluice());
  await api.expect(201, "PUT", sluice(), { servers: servers.toReversed() });
  const moved = await api.expect(200, "GET", sluice());
  const restored = await api.expect(200, "PUT", sluice(), backup);
  assert.deepEqual(restored, moved, "a server is identified by its address");
});

test("an invalid id is refused and changes nothing", async (context) => {
  const { api } = await startGateway(context, { servers: [someAddress(1)] });
  const before = await api.configuration();
  for (const id of ["zzz", -1, 1.5, null, {}]) {
    const body = { servers: [{ server: someAddress(2) }, { server: someAddress(1), id }] };
    for (const method of ["PUT", "PATCH"]) {
      const answer = await api.send(method, sluice(), body);
      assertErrorBody(answer, 400, "UpstreamBadServerId");
      assert.match(answer.body.error.text, /^servers\[1\]: invalid "id": /);
    }
  }
  assert.equal(await api.configuration(), before);
});

test("restored nodes can renew, change and leave", async (context) => {
  const backend = await startBackend(context);
  const { api, port } = await startGateway(context, { upstreams: { app: { servers: [] } } });
  const one = { server: backend.address, weight: 2, ttl: "30s", incarnation: "7", meta: { zone: "eu" } };
  await api.expect(201, "PUT", nodeOf("one"), one);
  await api.expect(201, "PUT", nodeOf("two"), { server: someAddress(2), ttl: "30s", down: true });
  const backup = await api.expect(200, "GET", sluice());
  for (const name of ["app", "copy"]) {
    if (name === "app") await api.expect(204, "DELETE", sluice());
    const restored = await api.expect(201, "PUT", sluice(name), backup);
    assert.deepEqual(withoutIds(restored), withoutIds(backup));
    const nodes = await api.expect(200, "GET", `${sluice(name)}/nodes`);
    assert.deepEqual(Object.keys(nodes), ["one", "two"]);
  }
  assert.equal((await ask(port)).text, backend.id);

  const renewed = await api.put(nodeOf("one"), one);
  assert.ok([200, 201].includes(renewed.status), renewed.text);
  assert.deepEqual([renewed.body.weight, renewed.body.ttl, renewed.body.meta], [2, "30s", { zone: "eu" }]);
  // One node has changed and another has moved in the meantime. Their own registrations take precedence.
  await api.expect(200, "PUT", nodeOf("one"), { ...one, weight: 5 });
  await api.expect(201, "PUT", nodeOf("two"), { server: someAddress(3), ttl: "30s", down: true });
  const now = await api.expect(200, "GET", sluice());
  assert.deepEqual(await api.expect(200, "PUT", sluice(), backup), now);
  await api.expect(204, "DELETE", nodeOf("two"));
});

test("PUT accepts an answer of GET for a node: again, after the node has left, and under another name", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  const registration = { server: someAddress(1), ttl: "30s", incarnation: "7", meta: { zone: "eu" } };
  await api.expect(201, "PUT", nodeOf("one"), registration);
  const node = await api.expect(200, "GET", nodeOf("one"));
  await api.expect(200, "PUT", nodeOf("one"), node);
  for (const name of ["one", "two"]) {
    await api.expect(204, "DELETE", nodeOf("one"));
    const restored = await api.expect(201, "PUT", nodeOf(name), node);
    assert.equal(restored.node, name);
    assert.deepEqual(without(restored, "node", "id", "expires"), without(node, "node", "id", "expires"));
    if (name === "two") break;
  }
});

test("restored servers of a registry belong to the registry again and follow it", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api, folder } = gateway;
  const path = join(folder, "servers.json");
  const write = (...addresses) =>
    writeFileSync(path, JSON.stringify({ servers: addresses.map((server) => ({ server, weight: 4 })) }));
  const [first, second, third] = [1, 2, 3].map((number) => someAddress(number));
  write(first, second);
  const discovery = { file: { path }, max_removal_percent: 100 };
  await api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(9) }], discovery });
  await waitForServers(gateway, [first, second, someAddress(9)]);
  const backup = await api.expect(200, "GET", sluice());
  await api.expect(204, "DELETE", sluice());
  const restored = await api.expect(201, "PUT", sluice(), backup);
  const bySource = ({ servers: all }) => all.map(({ server, source }) => `${server} ${source}`).toSorted();
  assert.deepEqual(bySource(restored), bySource(backup));
  write(second, third);
  await waitForServers(gateway, [second, third, someAddress(9)]);
  // The registry has changed since the backup. Its current data takes precedence, even for a server that was
  // added by hand.
  write(second, third, someAddress(8));
  await waitForServers(gateway, [second, third, someAddress(8), someAddress(9)]);
  const byHand = { server: someAddress(8), weight: 2, id: 77 };
  const again = await api.expect(200, "PUT", sluice(), { ...backup, servers: [...backup.servers, byHand] });
  const named = [second, third, someAddress(8)].map((server) => `${server} discovery`);
  assert.deepEqual(bySource(again), [...named, `${someAddress(9)} undefined`].toSorted());
  const edited = await api.patch(sluice(), { servers: [{ server: second, weight: 7 }] });
  assertErrorBody(edited, 400, "UpstreamServerImmutable");
});
