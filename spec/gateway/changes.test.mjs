/** Changes of many upstreams: all of them or none, with one revision. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { CHANGES, postChanges, revisionOf } from "./support/changes.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { assertKept, serversOf, sluice, someAddress } from "./support/upstreams.mjs";

useWorkers(4);

const serversAt = (/** @type {string[]} */ ...addresses) => addresses.map((server) => ({ server }));

test("a change creates, replaces, changes and deletes upstreams in one step", async (context) => {
  const [one, two] = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: serversAt(one.address) }, old: {} },
  });
  const { api } = gateway;
  await api.expect(201, "PUT", sluice("shop"), { panic_threshold: 5, servers: serversAt(someAddress(1)) });
  const before = await revisionOf(api);
  const answer = await api.expect(200, "POST", `${CHANGES}?wait=10s`, {
    upstreams: {
      app: { servers: serversAt(two.address) },
      old: null,
      shop: { patch: { panic_threshold: null, method: "least_conn" } },
      new: { method: "random" },
    },
    comment: "release 42",
  });
  assert.equal(answer.revision, before + 1);
  assert.equal(await revisionOf(api), before + 1);
  assert.deepEqual(answer.workers, { following: 4, total: 4 });
  const changes = Object.fromEntries(
    Object.entries(answer.upstreams).map(([name, { change }]) => [name, change]),
  );
  assert.deepEqual(changes, { app: "changed", old: "deleted", shop: "changed", new: "created" });
  assert.deepEqual(answer.upstreams.shop.settings, [
    { field: "method", from: "round_robin", to: "least_conn" },
    { field: "panic_threshold", from: 5 },
  ]);
  assert.equal((await ask(gateway.port)).text, two.id);
  assert.equal((await api.get(sluice("old"))).status, 404);
  for (const name of ["app", "shop", "new"])
    assert.equal((await api.get(sluice(name))).headers.etag, `"${before + 1}"`);
  await assertKept(gateway);
});

test("a refusal lists every problem with its path, and changes nothing", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: { servers: serversAt(someAddress(1)) } } });
  const before = await api.configuration();
  const answer = await api.post(CHANGES, {
    upstreams: {
      good: { servers: serversAt(someAddress(2)) },
      bad: {
        method: "none",
        health_check: { interval: 7, fails: 0 },
        servers: [{ server: someAddress(1), weight: 0, down: 1 }, { server: "nowhere:x" }, { color: "red" }],
      },
      app: { patch: { queue: { size: -1 } } },
      wrong: 7,
    },
  });
  assertErrorBody(answer, 400, "ChangesRefused");
  assert.deepEqual(
    answer.body.problems.map(({ path }) => path),
    [
      "upstreams.bad.method",
      "upstreams.bad.health_check.interval",
      "upstreams.bad.health_check.fails",
      "upstreams.bad.servers[0].weight",
      "upstreams.bad.servers[0].down",
      "upstreams.bad.servers[1].server",
      "upstreams.app.queue.size",
      "upstreams.wrong",
    ],
  );
  assert.equal(await api.configuration(), before);
  assertErrorBody(await api.post(CHANGES, { upstreams: { nope: { patch: {} } } }), 404, "UpstreamNotFound");
  for (const [body, code] of [
    ["", "JsonError"],
    ["[]", "JsonError"],
    ['{"upstreams":{"a":{}}', "JsonError"],
    ['{"upstreams":{"a":{},"a":{}}}', "UpstreamConfFormatError"],
    ['{"upstreams":{"a b":{}}}', "UpstreamConfFormatError"],
    ['{"upstreams":[]}', "UpstreamConfFormatError"],
    ['{"upstreams":true}', "UpstreamConfFormatError"],
    ['{"upstreams":{},"prunes":true}', "UpstreamConfFormatError"],
    ['{"upstreams":{"a":{"servers":{}}}}', "UpstreamConfFormatError"],
    ['{"upstreams":{"a":{"patch":[]}}}', "UpstreamConfFormatError"],
  ]) {
    const refused = await api.post(CHANGES, body);
    assert.equal(refused.body.error.code, code, `${body}: ${refused.text}`);
  }
  assert.equal(await api.configuration(), before);
});

test("a dry run says what a change would do, and changes nothing", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: { servers: serversAt(someAddress(1)) } } });
  const before = await api.configuration();
  const revision = await revisionOf(api);
  const body = {
    upstreams: {
      app: { servers: [{ server: someAddress(1), weight: 2 }, { server: someAddress(2) }] },
      shop: { servers: serversAt(someAddress(3)) },
    },
  };
  const foreseen = await api.expect(200, "POST", `${CHANGES}?dry_run=true`, body);
  assert.equal(foreseen.revision, revision);
  assert.equal(foreseen.changed, true);
  assert.deepEqual(foreseen.upstreams.app.servers, {
    added: [{ server: someAddress(2) }],
    removed: [],
    changed: [{ id: 0, server: someAddress(1), fields: [{ field: "weight", from: 1, to: 2 }] }],
    kept: 0,
  });
  assert.equal(await api.configuration(), before);
  const made = await api.expect(200, "POST", CHANGES, body);
  for (const { servers } of Object.values(made.upstreams))
    for (const server of servers.added) delete server.id;
  assert.deepEqual(made.upstreams, foreseen.upstreams);
  const again = await api.expect(200, "POST", CHANGES, body);
  assert.deepEqual([again.changed, again.revision], [false, made.revision]);
  assert.equal(again.upstreams.app.change, "unchanged");
});

test("a change is made only if its conditions hold", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: {}, shop: {} } });
  const { etag = "" } = (await api.get("/api/sluice/1/upstreams")).headers;
  const body = { upstreams: { app: { patch: { panic_threshold: 1 } } } };
  await api.expect(200, "POST", CHANGES, body, { "If-Match": etag });
  assertErrorBody(await api.post(CHANGES, body, { "If-Match": etag }), 412, "PreconditionFailed");
  const own = (await api.get(sluice("app"))).headers.etag;
  const shop = (await api.get(sluice("shop"))).headers.etag;
  const both = {
    upstreams: { app: { patch: { panic_threshold: 2 }, if_match: own }, shop: { if_match: shop } },
  };
  await api.expect(200, "POST", CHANGES, both);
  const before = await api.configuration();
  assertErrorBody(await api.post(CHANGES, both), 412, "PreconditionFailed");
  assert.equal(await api.configuration(), before);
});

test("prune deletes the other upstreams of the same owner only", async (context) => {
  const { api } = await startGateway(context, { upstreams: { seed: {} } });
  const owned = (/** @type {string} */ owner) => ({ owner, servers: serversAt(someAddress(1)) });
  await postChanges(api, { upstreams: { a1: {}, a2: {}, a3: owned("team-a") }, owner: "team-a" });
  await postChanges(api, { upstreams: { b1: owned("team-b"), free: {} } });
  await api.expect(201, "PUT", sluice("nodes"), { owner: "team-a" });
  await api.expect(201, "PUT", nodeOf("one", "nodes"), { server: someAddress(2), ttl: "1m" });
  await postChanges(api, { upstreams: { a1: {} }, owner: "team-a", prune: true });
  const names = Object.keys(await api.expect(200, "GET", "/api/sluice/1/upstreams")).sort();
  assert.deepEqual(names, ["a1", "b1", "free", "nodes", "seed"]);
  assert.equal((await api.expect(200, "GET", sluice("a1"))).owner, "team-a");
  await postChanges(api, { upstreams: { a1: {} } });
  assert.equal((await api.expect(200, "GET", sluice("a1"))).owner, "team-a", "a replacement keeps the owner");
  await postChanges(api, { upstreams: { a1: { patch: { owner: null } } } });
  assert.equal((await api.expect(200, "GET", sluice("a1"))).owner, undefined);
  const taken = { upstreams: { b1: {} }, owner: "team-a" };
  assertErrorBody(await api.post(CHANGES, taken), 409, "OwnerConflict");
  await api.expect(200, "POST", `${CHANGES}?force=true`, taken);
  assert.equal((await api.expect(200, "GET", sluice("b1"))).owner, "team-a");
});

test("max_removal_percent and a live service protect the servers of an upstream", async (context) => {
  const [live] = await startBackends(context, 1);
  const gateway = await startGateway(context, { upstreams: { app: { servers: serversAt(live.address) } } });
  const { api } = gateway;
  const addresses = [1, 2, 3, 4].map((number) => someAddress(number));
  await postChanges(api, { upstreams: { shop: { servers: serversAt(...addresses) } } });
  const half = { upstreams: { shop: { servers: serversAt(...addresses.slice(2)) } } };
  assertErrorBody(await api.post(CHANGES, { ...half, max_removal_percent: 49 }), 409, "TooManyRemoved");
  const pruning = { upstreams: { app: { patch: {} } }, prune: true };
  assertErrorBody(await api.post(CHANGES, { ...pruning, max_removal_percent: 49 }), 409, "TooManyRemoved");
  await api.expect(200, "POST", `${CHANGES}?dry_run=true`, { ...pruning, max_removal_percent: 50 });
  await api.expect(200, "POST", `${CHANGES}?dry_run=true`, {
    upstreams: { shop: null },
    max_removal_percent: 1,
  });
  await postChanges(api, { ...half, max_removal_percent: 50 });
  await ask(gateway.port);
  assertErrorBody(await api.post(CHANGES, { upstreams: { app: null, shop: {} } }), 409, "WouldEmptyUpstream");
  assert.equal((await api.expect(200, "GET", serversOf("shop"))).length, 2);
});

test("an export is a body for changes that restores the same upstreams", async (context) => {
  const { api } = await startGateway(context, {
    upstreams: {
      app: {
        method: "least_conn",
        servers: [
          { server: someAddress(1), weight: 3 },
          { server: someAddress(2), backup: true },
        ],
      },
      shop: { queue: { size: 5, timeout: "1s" }, servers: [{ server: someAddress(3), down: true }] },
    },
  });
  await api.expect(201, "PUT", nodeOf("one", "shop"), { server: someAddress(4), ttl: "1h" });
  const saved = await api.expect(200, "GET", "/api/sluice/1/upstreams?format=export");
  assert.deepEqual(saved.upstreams.app.servers, [
    { server: someAddress(1), weight: 3 },
    { server: someAddress(2), backup: true },
  ]);
  assert.equal(saved.upstreams.shop.servers.length, 1);
  const same = await api.expect(200, "POST", CHANGES, saved);
  assert.equal(same.changed, false);
  await postChanges(api, { upstreams: { app: null, shop: { patch: { servers: [] } } } });
  await postChanges(api, saved);
  assert.deepEqual(await api.expect(200, "GET", "/api/sluice/1/upstreams?format=export"), saved);
  assert.equal((await api.expect(200, "GET", serversOf("shop"))).length, 2, "the node stays");
  assertErrorBody(await api.get("/api/sluice/1/upstreams?format=xml"), 400, "UpstreamConfFormatError");
});
