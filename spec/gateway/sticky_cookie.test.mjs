/** `sticky.cookie`: a client stays with its server as long as that server accepts its requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { times } from "./support/repeat.mjs";
import { Client, askEach, cookiesOf, newClients, valueOf } from "./support/sessions.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

useWorkers(4);

const sticky = { cookie: { name: "srv" } };
const resets = /(Connection reset by peer|prematurely closed connection).*upstream/;

/**
 * @param {import("node:test").TestContext} context
 * @param {number} count of servers
 * @param {import("./support/gateway.mjs").Options} [options]
 */
async function startSticky(context, count, options = {}) {
  const backends = await startBackends(context, count);
  // A server that fails a request must not become unavailable.
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startGateway(context, { upstreams: { app: { sticky, servers } }, ...options });
  return { backends, servers, gateway, api: gateway.api };
}

/** @param {Client[]} clients @param {{ id: string }} backend */
const of = (clients, { id }) => clients.filter(({ server }) => server === id);

const sessions = times(300);

test(`none of ${sessions} sessions changes its server through four workers, changes and a reload`, async (context) => {
  const { backends, gateway, api } = await startSticky(context, 4);
  const clients = await newClients(gateway.port, sessions);
  for (const backend of backends)
    assert.ok(of(clients, backend).length > sessions / 5, "new clients are distributed by the method");
  assert.equal(
    new Set(clients.map(({ value }) => value)).size,
    4,
    "all cookies for a server have the same value",
  );
  assert.deepEqual(await askEach(clients), []);

  const added = await startBackend(context);
  await api.expect(201, "POST", serversOf(), { server: added.address });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 9 });
  assert.deepEqual(await askEach(clients), [], "sessions survive an addition and a change of a weight");
  await api.expect(200, "PATCH", sluice(), { method: "hash", hash: { key: "$uri" } });
  assert.deepEqual(await askEach(clients), [], "sessions survive a change of the method");

  const asking = askEach(clients);
  await gateway.reload();
  assert.deepEqual(await asking, [], "sessions survive during a reload");
  assert.deepEqual(await askEach(clients), [], "sessions survive a reload");

  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  assert.deepEqual(await askEach(clients), [], "sessions survive while a server drains");
  const leaving = of(clients, backends[2]);
  await api.expect(200, "DELETE", `${serversOf()}/2`);
  const moved = await askEach(clients);
  assert.deepEqual(new Set(moved), new Set(leaving), "only the clients of a deleted server move");
  for (const { server, given } of moved) {
    assert.equal(given, 1);
    assert.ok(
      server !== backends[2].id && server !== backends[1].id,
      "clients move to a server that accepts new clients",
    );
  }
  assert.deepEqual(await askEach(clients), [], "moved clients stay at their new server");
});

test("a draining server receives its bound clients, and new clients go elsewhere", async (context) => {
  const { backends, gateway, api } = await startSticky(context, 2);
  const clients = await newClients(gateway.port, 20);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  assert.deepEqual(await askEach(clients), []);
  assert.equal(of(await newClients(gateway.port, 20), backends[0]).length, 0);

  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  assert.deepEqual(await askEach(clients), [], "bound clients stay even if no server accepts new clients");
  gateway.log.allow(/no live upstreams while connecting to upstream/);
  await assert.rejects(new Client(gateway.port).ask(), /got 502/);
});

test("a server with down loses its clients, and receives clients again only by the balancing method", async (context) => {
  const { backends, gateway, api } = await startSticky(context, 2);
  const clients = await newClients(gateway.port, 20);
  const bound = of(clients, backends[0]);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  assert.deepEqual(new Set(await askEach(clients)), new Set(bound));
  assert.equal(of(clients, backends[1]).length, 20);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: false });
  assert.deepEqual(await askEach(clients), []);
});

test("a new server at the address of a deleted server receives none of its sessions", async (context) => {
  const { backends, servers, gateway, api } = await startSticky(context, 1);
  const [client] = await newClients(gateway.port, 1);
  const readd = {
    "one by one": async () => {
      await api.expect(200, "DELETE", `${serversOf()}/?server=${servers[0].server}`);
      await api.expect(201, "POST", serversOf(), servers[0]);
    },
    "in two steps": async () => {
      await api.expect(200, "PUT", `${sluice()}?force=true`, { sticky, servers: [] });
      await api.expect(200, "PUT", sluice(), { sticky, servers });
    },
    "with the upstream": async () => {
      await api.expect(204, "DELETE", `${sluice()}?force=true`);
      await api.expect(201, "PUT", sluice(), { sticky, servers });
    },
  };
  for (const [how, again] of Object.entries(readd)) {
    const before = client.value;
    await again();
    await client.ask();
    assert.deepEqual([client.server, client.given], [backends[0].id, 1], how);
    assert.notEqual(client.value, before, how);
    assert.deepEqual(await askEach([client]), [], how);
  }
  await api.expect(200, "PUT", sluice(), { sticky, servers });
  assert.deepEqual(await askEach([client]), [], "an unchanged server keeps its sessions");
});

test("sessions survive a stop and a kill of nginx", async (context) => {
  const { gateway } = await startSticky(context, 4);
  const clients = await newClients(gateway.port, 100);
  for (const end of ["stop", "killAll"]) {
    await gateway[end]();
    await gateway.start();
    assert.deepEqual(await askEach(clients), [], end);
  }
});

test("a client of a backup returns to a primary when one is available", async (context) => {
  const { backends, servers, gateway, api } = await startSticky(context, 3);
  await api.expect(200, "PUT", sluice(), {
    sticky,
    servers: [...servers.slice(0, 2), { ...servers[2], backup: true }],
  });
  const clients = await newClients(gateway.port, 20);
  assert.equal(of(clients, backends[2]).length, 0);
  for (const id of [0, 1]) await api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: true });
  assert.equal((await askEach(clients)).length, 20);
  assert.equal(of(clients, backends[2]).length, 20);
  assert.deepEqual(
    await askEach(clients),
    [],
    "clients of a backup stay while no primary server is available",
  );

  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: false });
  assert.equal((await askEach(clients)).length, 20);
  assert.equal(of(clients, backends[1]).length, 20);
  assert.deepEqual(await askEach(clients), [], "clients are bound to the primary server");
});

test("a retry sets one cookie, for the server that answered, and changes no other cookie", async (context) => {
  const { backends, gateway } = await startSticky(context, 3, {
    http: 'add_header Set-Cookie "edge=1; path=/" always;',
    traffic: 'rewrite_by_lua_block { ngx.header["Set-Cookie"] = { "lua=1", "lua=2" } }',
  });
  gateway.log.allow(resets);
  const others = ["a=1; path=/", "srv2=2", "xsrv=3; httponly", "a=1; path=/other"];
  const early = ["lua=1", "lua=2"];
  const [bad, , good] = backends;
  for (const backend of backends) backend.behaviour = { set_cookie: others };
  const clients = await newClients(gateway.port, 30);
  const bound = of(clients, bad);
  assert.ok(bound.length > 0);
  const values = new Set(of(clients, good).map(({ value }) => value));

  const before = bad.requests.length;
  bad.behaviour = { reset: 1 };
  backends[1].behaviour = { reset: 1 };
  for (const client of [...bound, ...Array.from({ length: 12 }, () => new Client(gateway.port))]) {
    const answer = await client.ask();
    assert.equal(answer.text, good.id);
    assert.equal(cookiesOf(answer).length, 1);
    assert.ok(values.has(valueOf(cookiesOf(answer)[0])), "the cookie belongs to the server that answered");
    const rest = answer.headers["set-cookie"]?.filter((cookie) => !cookie.startsWith("srv="));
    assert.deepEqual(rest?.toSorted(), [...others, ...early, "edge=1; path=/"].toSorted());
    assert.deepEqual(await askEach([client]), []);
  }
  assert.ok(bad.requests.length >= before + bound.length, "the server of the cookie was tried first");
});
