/** Going back to a revision of the past. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { CHANGES, historyOf, postChanges, revisionOf, ROLLBACK } from "./support/changes.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { exported, someChange, sorted } from "./support/histories.mjs";
import { ask } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { as, entry, startWithTokens } from "./support/tokens.mjs";
import { assertKept, serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const [one, two] = [someAddress(1), someAddress(2)];

test("a rollback to each revision of a history of 200 changes restores exactly that state", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  let model = {};
  const states = new Map([[await revisionOf(api), model]]);
  for (let step = 0; step < 200; step += 1) {
    const { upstreams, after } = someChange(model);
    const { revision } = await postChanges(api, { upstreams });
    model = after;
    states.set(revision, model);
  }
  await gateway.killAll();
  await gateway.start();
  for (const [revision, wanted] of [...states].toSorted(() => Math.random() - 0.5)) {
    await api.expect(200, "POST", ROLLBACK, { to: revision, comment: `back to ${revision}` });
    assert.deepEqual(sorted(await exported(gateway)), sorted(wanted), `revision ${revision}`);
  }
  await assertKept(gateway);
});

test("servers that are added again get the ids that they had, and new ones", async (context) => {
  const { api } = await startGateway(context, {
    upstreams: {
      app: { servers: [{ server: one }, { server: two, weight: 3 }, { server: someAddress(3) }] },
    },
  });
  const before = await api.expect(200, "GET", serversOf());
  const to = await revisionOf(api);
  await api.expect(200, "DELETE", `${serversOf()}/1`);
  await api.expect(201, "POST", serversOf(), { server: someAddress(4) });
  await api.expect(200, "POST", ROLLBACK, { to });
  assert.deepEqual(await api.expect(200, "GET", serversOf()), before);
  const { id } = await api.expect(201, "POST", serversOf(), { server: someAddress(5) });
  assert.ok(id > 3, "an id is not used for another server");
  await api.expect(204, "DELETE", sluice());
  await api.expect(200, "POST", ROLLBACK, { to });
  assert.deepEqual(await api.expect(200, "GET", serversOf()), before);
});

test("servers with host names are in the history and are restored", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: { servers: [{ server: one }] } } });
  // A resolver is not asked for localhost.
  const resolver = { addresses: ["127.0.0.1:9"], ipv6: false };
  const named = { server: "localhost:9", resolve: true, weight: 2 };
  await api.expect(200, "PUT", sluice(), { resolver, servers: [{ server: one }, named] });
  const addresses = async () => (await api.get(serversOf())).body.map((each) => each.server);
  const all = [one, "localhost:9", "127.0.0.1:9"];
  await waitFor("the name is looked up", async () => (await addresses()).length === all.length);
  const to = await revisionOf(api);
  const before = await api.expect(200, "GET", serversOf());
  await api.expect(200, "PUT", sluice(), { resolver, servers: [{ server: one }] });
  assert.deepEqual(await addresses(), [one]);
  const { servers } = (await historyOf(api, "?limit=1")).changes[0].upstreams.app;
  assert.deepEqual(servers.removed.map((each) => each.server).toSorted(), ["127.0.0.1:9", "localhost:9"]);
  assert.equal(servers.kept, 1);
  const made = await api.expect(200, "POST", ROLLBACK, { to });
  assert.deepEqual(
    made.upstreams.app.servers.added.map((each) => each.server),
    ["localhost:9"],
  );
  await waitFor("the name is looked up again", async () => (await addresses()).length === all.length);
  const after = await api.expect(200, "GET", serversOf());
  // The servers at its addresses are new.
  const parameters = ({ id, server, weight, host, resolve }) => ({ id: resolve && id, server, weight, host });
  assert.deepEqual(after.map(parameters), before.map(parameters));
});

test("named upstreams are restored, and the others stay", async (context) => {
  const [first, second] = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: first.address }] }, other: {} },
  });
  const { api } = gateway;
  const to = await revisionOf(api);
  await api.expect(200, "PUT", sluice(), { servers: [{ server: second.address }] });
  await api.expect(200, "PATCH", sluice("other"), { method: "random" });
  const dry = await api.expect(200, "POST", `${ROLLBACK}?dry_run=true`, { to, upstreams: ["app"] });
  assert.equal((await ask(gateway.port)).text, second.id);
  const made = await api.expect(200, "POST", `${ROLLBACK}?wait=10s`, {
    to,
    upstreams: ["app"],
    comment: "slow",
  });
  assert.deepEqual([dry.dry_run, made.dry_run], [true, false]);
  assert.deepEqual(Object.keys(made.upstreams), ["app"]);
  assert.deepEqual(made.workers, { following: 4, total: 4 });
  assert.equal((await ask(gateway.port)).text, first.id);
  assert.equal((await api.get(sluice("other"))).body.method, "random");
  const [change] = (await historyOf(api)).changes;
  assert.deepEqual([change.revision, change.comment], [made.revision, "slow"]);
  assert.deepEqual(change.upstreams, made.upstreams);
  const again = await api.expect(200, "POST", ROLLBACK, { to, upstreams: ["app"] });
  assert.deepEqual([again.changed, again.upstreams.app.change], [false, "unchanged"]);
});

test("registered servers and those of a registry stay as they are", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: { servers: [{ server: one }] } } });
  const to = await revisionOf(api);
  await api.expect(201, "PUT", nodeOf("n1"), { server: two, ttl: "60s" });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 4 });
  await api.expect(200, "POST", ROLLBACK, { to });
  const servers = await api.expect(200, "GET", serversOf());
  assert.deepEqual(
    servers.map((each) => [each.server, each.weight, each.source]),
    [
      [one, 1, undefined],
      [two, 1, "register"],
    ],
  );
});

test("a rollback is refused for the reasons for which a change is refused", async (context) => {
  const backends = await startBackends(context, 3);
  const gateway = await startGateway(context, { upstreams: { app: {}, full: {} } });
  const { api } = gateway;
  const to = await revisionOf(api);
  const servers = backends.map(({ address }) => ({ server: address }));
  await api.expect(200, "PUT", sluice(), { servers });
  await ask(gateway.port);
  const before = await api.configuration();
  assertErrorBody(await api.post(ROLLBACK, { to }), 409, "WouldEmptyUpstream");
  const limited = await api.post(`${ROLLBACK}?force=true`, { to, max_removal_percent: 50 });
  assertErrorBody(limited, 409, "TooManyRemoved");
  const late = await api.send("POST", `${ROLLBACK}?force=true`, { to }, { "If-Match": `"${to}"` });
  assertErrorBody(late, 412, "PreconditionFailed");
  const unknown = await api.post(ROLLBACK, { to, upstreams: ["app", "none"] });
  assertErrorBody(unknown, 409, "ChangesRefused");
  assert.deepEqual(
    unknown.body.problems.map(({ path, code }) => [path, code]),
    [
      ["upstreams.app", "WouldEmptyUpstream"],
      ["upstreams.none", "UpstreamNotFound"],
    ],
  );
  assertErrorBody(await api.post(ROLLBACK, { to: to + 1000 }), 404, "RevisionNotFound");
  for (const [body, reason] of [
    [{}, /"to"/],
    [{ to: "1" }, /"to"/],
    [{ to: 1.5 }, /"to"/],
    [{ to, upstreams: [] }, /"upstreams"/],
    [{ to, upstreams: ["a b"] }, /"upstreams\[0\]"/],
    [{ to, upstreams: ["app", "app"] }, /duplicate upstream "app"/],
    [{ to, dry_run: 1 }, /"dry_run"/],
    [{ to, comment: 1 }, /"comment"/],
    [{ to, more: 1 }, /"more"/],
  ]) {
    const answer = await api.post(ROLLBACK, body);
    assertErrorBody(answer, 400, "UpstreamConfFormatError");
    assert.match(answer.body.error.text, reason);
  }
  assert.equal(await api.configuration(), before);
  await api.expect(200, "POST", `${ROLLBACK}?force=true`, { to });
});

test("only an admin may roll back, and only upstreams that it sees", async (context) => {
  const shop = { upstreams: ["shop-*"] };
  const tokens = [entry("root", "admin"), entry("writer", "write"), entry("shop", "admin", shop)];
  const { api } = await startWithTokens(context, tokens, { upstreams: { app: {}, "shop-1": {} } });
  const to = (await api.get("/api/sluice/1/history", as("root"))).body.newest;
  const patch = { patch: { method: "random" } };
  await api.send("POST", CHANGES, { upstreams: { app: patch, "shop-1": patch } }, as("root"));
  const roll = (name, body) => api.send("POST", ROLLBACK, { to, ...body }, as(name));
  assertErrorBody(await roll("writer"), 403, "RoleMissing");
  assertErrorBody(await roll("shop", { upstreams: ["app"] }), 403, "UpstreamNotAllowed");
  assert.deepEqual(Object.keys((await roll("shop")).body.upstreams), ["shop-1"]);
  assert.deepEqual(
    Object.entries((await roll("root")).body.upstreams).map(([name, { change }]) => [name, change]),
    [
      ["app", "changed"],
      ["shop-1", "unchanged"],
    ],
  );
});

test("a rollback beside other writes restores its upstreams, and loses none of the others", async (context) => {
  const { api } = await startGateway(context, {
    upstreams: { app: { servers: [{ server: one }] }, busy: {} },
  });
  const to = await revisionOf(api);
  const busy = (async () => {
    for (let weight = 1; weight <= 40; weight += 1)
      await api.expect(200, "PUT", sluice("busy"), { servers: [{ server: two, weight }] });
  })();
  for (let round = 2; round < 12; round += 1) {
    await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: round });
    await api.expect(200, "POST", ROLLBACK, { to, upstreams: ["app"] });
    assert.equal((await api.get(serversOf())).body[0].weight, 1);
  }
  await busy;
  assert.equal((await api.get(serversOf("busy"))).body[0].weight, 40);
});
