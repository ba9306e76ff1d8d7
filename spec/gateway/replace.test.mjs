/**
 * `sluice/1/upstreams`: a whole upstream is replaced in one step, and only if it has not changed since the
 * writer read it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { freePort } from "./support/ports.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { settledPeersOf, serversOf, sluice, someAddress } from "./support/upstreams.mjs";

test("PUT of 200 servers keeps the counters of unchanged servers", async (context) => {
  const backend = await startBackend(context);
  const port = await freePort();
  const addresses = Array.from({ length: 250 }, (_, number) => someAddress(number, port));
  for (const address of addresses) await backend.alsoListen(address.split(":")[0], port);
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: addresses.slice(0, 200).map((server) => ({ server })) } },
  });
  const { api } = gateway;
  const load = startLoad(context, { port: gateway.port, connections: 16, total: 1000 });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  const before = await settledPeersOf(api);
  assert.equal(
    [...before.values()].reduce((sum, { requests }) => sum + requests, 0),
    1000,
  );

  // 100 servers are unchanged, 50 have another weight, 50 are removed and 50 are new. Their order changes,
  // which has no effect.
  const equal = addresses.slice(0, 100);
  const changed = addresses.slice(100, 150);
  const added = addresses.slice(200);
  const servers = [
    ...added.map((server) => ({ server })),
    ...changed.map((server) => ({ server, weight: 2 })),
    ...equal.map((server) => ({ server })).toReversed(),
  ];
  const answer = await api.put(sluice(), { servers });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.servers.length, 200);

  const after = await settledPeersOf(api);
  assert.deepEqual([...after.keys()].toSorted(), [...equal, ...changed, ...added].toSorted());
  for (const address of equal) assert.deepEqual(after.get(address), before.get(address));
  for (const address of changed) {
    assert.deepEqual(after.get(address), { ...before.get(address), weight: 2 });
  }
  const oldIds = new Set([...before.values()].map(({ id }) => id));
  for (const address of added) {
    const { id, requests, responses, sent, received } = after.get(address);
    assert.ok(!oldIds.has(id), "a new server has a new id");
    assert.deepEqual([requests, responses.total, sent, received], [0, 0, 0, 0]);
  }
});

test("the counters of a server that is deleted and added again begin at zero", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const { api } = gateway;
  const load = startLoad(context, { port: gateway.port, connections: 8, total: 100 });
  await load.finished;
  assert.equal((await settledPeersOf(api)).get(backend.address).requests, 100);

  await api.expect(200, "PUT", `${sluice()}?force=true`, { servers: [] });
  await api.expect(200, "PUT", sluice(), { servers: [{ server: backend.address }] });
  const { id, requests, sent, received, selected } = (await settledPeersOf(api)).get(backend.address);
  assert.deepEqual([id, requests, sent, received, selected], [1, 0, 0, 0, undefined]);
});

test("PUT returns the whole upstream, with 201 for a new one and 200 for an existing one", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  const created = await api.put(sluice("shop"), { servers: [{ server: "127.0.0.1:9", weight: 2 }] });
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(created.body, {
    method: "round_robin",
    servers: [
      {
        id: 0,
        server: "127.0.0.1:9",
        weight: 2,
        max_conns: 0,
        max_fails: 1,
        fail_timeout: "10s",
        slow_start: "0s",
        route: "",
        backup: false,
        down: false,
      },
    ],
  });
  assert.equal(created.headers.etag, '"1"');
  const replaced = await api.put(sluice("shop"), { method: "round_robin", servers: [] });
  assert.deepEqual([replaced.status, replaced.headers.etag], [200, '"2"']);
  assert.deepEqual(replaced.body, { method: "round_robin", servers: [] });
  assert.match(replaced.text, /"servers":\[\]/);

  const got = await api.get(sluice("shop"));
  assert.deepEqual([got.status, got.headers.etag, got.text], [200, '"2"', replaced.text]);
  assert.deepEqual(await api.expect(200, "GET", "/api/sluice/1/upstreams"), { shop: replaced.body });
  const deleted = await api.delete(sluice("shop"));
  assert.deepEqual([deleted.status, deleted.text], [204, ""]);
  assert.equal((await api.get("/api/sluice/1/upstreams")).text, "{}");
});

test("PATCH changes only the fields that it names", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  const before = await api.expect(200, "GET", sluice());
  const same = await api.patch(sluice(), { method: "round_robin" });
  assert.deepEqual([same.status, same.body.servers], [200, before.servers]);
  assert.deepEqual((await api.patch(sluice(), {})).body.servers, before.servers);
  const other = await api.patch(sluice(), { servers: [{ server: "127.0.0.2:9" }] });
  assert.deepEqual(
    other.body.servers.map(({ id, server }) => [id, server]),
    [[1, "127.0.0.2:9"]],
  );
});

test("the answer of GET can be edited and sent back", async (context) => {
  const servers = [
    { server: "127.0.0.1:9", weight: 2, drain: true },
    { server: "127.0.0.2:9", backup: true },
  ];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const { body, headers } = await api.get(sluice());
  const same = await api.put(sluice(), body);
  assert.deepEqual([same.status, same.body], [200, body]);
  assert.equal(same.headers.etag, headers.etag, "an unchanged object causes no write");
  body.servers[1].weight = 5;
  assert.deepEqual(await api.expect(200, "PUT", sluice(), body), body);
});

test("If-Match makes a write conditional", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], upstreams: { other: {} } });
  const { api } = gateway;
  const servers = [{ server: "127.0.0.2:9" }];
  const { etag } = (await api.get(sluice())).headers;
  assert.match(etag, /^"\d+"$/);

  const won = await api.put(sluice(), { servers }, { "If-Match": etag });
  assert.equal(won.status, 200);
  assert.notEqual(won.headers.etag, etag);
  const before = await api.configuration();
  const late = { "If-Match": etag };
  for (const answer of [
    await api.put(sluice(), { servers: [] }, late),
    await api.patch(sluice(), { servers: [] }, late),
    await api.delete(sluice(), late),
    await api.put(sluice("new"), { servers }, { "If-Match": "*" }),
    await api.put(sluice("new"), { servers }, late),
  ]) {
    assert.deepEqual([answer.status, answer.body?.error?.code], [412, "PreconditionFailed"]);
  }
  assert.equal(await api.configuration(), before);

  await api.expect(200, "PATCH", sluice(), { servers: [] }, { "If-Match": won.headers.etag });
  await api.expect(200, "PUT", sluice(), { servers }, { "If-Match": "*" });
  const now = (await api.get(sluice())).headers.etag;
  await api.expect(200, "PUT", sluice("other"), { servers });
  assert.equal(
    (await api.get(sluice())).headers.etag,
    now,
    "a change of another upstream does not change the ETag",
  );
  await api.expect(204, "DELETE", sluice(), undefined, { "If-Match": now });
});

test("on the NGINX Plus API a failed If-Match is answered 412 and changes nothing", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  for (const [method, path, body] of [
    ["PATCH", `${serversOf()}/0`, { weight: 2 }],
    ["POST", serversOf(), { server: "127.0.0.2:9" }],
    ["DELETE", `${serversOf()}/0`],
  ]) {
    const before = await api.configuration();
    const { status } = await api.send(method, path, body, { "If-Match": '"999"' });
    const isChanged = (await api.configuration()) !== before;
    assert.equal(
      status === 412,
      !isChanged,
      `${method}: ${status}, and ${isChanged ? "changed" : "unchanged"}`,
    );
  }
});

test("a write through the NGINX Plus API also increments the ETag by one", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  const revision = async () => Number((await api.get(sluice())).headers.etag?.slice(1, -1));
  const first = await revision();
  const added = await api.post(serversOf(), { server: "127.0.0.2:9" });
  assert.equal(added.headers.etag, `"${first + 1}"`);
  const patched = await api.patch(`${serversOf()}/1`, { weight: 4 });
  assert.equal(patched.headers.etag, `"${first + 2}"`);
  const deleted = await api.delete(`${serversOf()}/1`);
  assert.equal(deleted.headers.etag, `"${first + 3}"`);
  assert.equal(await revision(), first + 3);
});

test("PUT of the answer of GET changes nothing", async (context) => {
  const servers = [{ server: someAddress(1) }, { server: someAddress(2), weight: 3 }];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const { body, headers } = await api.get(sluice());
  const again = await api.put(sluice(), body, { "If-Match": headers.etag });
  assert.deepEqual([again.status, again.headers.etag], [200, headers.etag]);
});
