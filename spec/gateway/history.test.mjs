/** The history: who changed what, when and why. */
import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHANGES, HISTORY, historyOf, postChanges, revisionOf, ROLLBACK } from "./support/changes.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { as, entry, startWithTokens } from "./support/tokens.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const server = someAddress(1);
const isTime = (/** @type {string} */ time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time);

test("a change is in the history with its author, origin, comment, request and difference", async (context) => {
  const { api } = await startWithTokens(context, [entry("deployer", "write")], {
    upstreams: { app: { servers: [{ server }] } },
  });
  const head = as("deployer");
  const made = await api.send(
    "POST",
    CHANGES,
    { upstreams: { new: { method: "random" } }, comment: "r42" },
    head,
  );
  assert.equal(made.status, 200, made.text);
  const { changes, oldest, newest } = (await api.get(HISTORY, head)).body;
  assert.equal(changes.length, 2);
  const [{ time, request_id, ...change }, seed] = changes;
  assert.ok(isTime(time));
  assert.match(request_id, /^[0-9a-f]{32}$/);
  assert.deepEqual(change, {
    revision: made.body.revision,
    author: "deployer",
    origin: "127.0.0.1",
    comment: "r42",
    upstreams: made.body.upstreams,
  });
  assert.deepEqual([oldest, newest], [0, made.body.revision]);
  assert.equal(seed.author, "setup");
  assert.deepEqual([seed.origin, seed.request_id, seed.comment], [undefined, undefined, undefined]);
  assert.deepEqual(seed.upstreams.app.servers.added, [{ id: 0, server }]);
  assert.deepEqual((await api.get(`${HISTORY}/${change.revision}`, head)).body, changes[0]);
});

test("each kind of write is in the history, as what it does to servers and settings", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: { servers: [{ server }] } } });
  const { id } = await api.expect(201, "POST", serversOf(), { server: someAddress(2), weight: 3 });
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { weight: 5 });
  await api.expect(200, "DELETE", `${serversOf()}/${id}`);
  await api.expect(200, "PATCH", sluice(), { panic_threshold: 7 });
  await api.expect(204, "DELETE", sluice());
  const { changes } = await historyOf(api, "?limit=5");
  const [deleted, patched, removed, weighed, added] = changes.map(({ upstreams }) => upstreams.app);
  assert.deepEqual(added.servers.added, [{ id, server: someAddress(2), weight: 3 }]);
  assert.equal(added.servers.kept, 1);
  assert.deepEqual(weighed.servers.changed, [
    { id, server: someAddress(2), fields: [{ field: "weight", from: 3, to: 5 }] },
  ]);
  assert.deepEqual(removed.servers.removed, [{ id, server: someAddress(2), weight: 5 }]);
  assert.deepEqual(patched.settings, [{ field: "panic_threshold", to: 7 }]);
  assert.equal(deleted.change, "deleted");
  assert.deepEqual(deleted.servers.removed, [{ id: 0, server }]);
});

test("the history can be limited to an upstream, to later changes, and to a number", async (context) => {
  const { api } = await startGateway(context, { upstreams: {} });
  const first = await revisionOf(api);
  for (const [index, name] of ["a", "b", "a", "b", "a"].entries())
    await postChanges(api, { upstreams: { [name]: { panic_threshold: index }, c: {} } });
  const revisions = async (query) =>
    (await historyOf(api, query)).changes.map(({ revision }) => revision - first);
  assert.deepEqual(await revisions(""), [5, 4, 3, 2, 1]);
  assert.deepEqual(await revisions("?limit=2"), [5, 4]);
  assert.deepEqual(await revisions(`?since=${first + 3}`), [5, 4]);
  assert.deepEqual(await revisions("?upstream=b"), [4, 2]);
  assert.deepEqual(await revisions(`?upstream=a&since=${first + 1}&limit=1`), [5]);
  assert.deepEqual(await revisions("?upstream=none"), []);
  const only = (await historyOf(api, "?upstream=c")).changes;
  assert.deepEqual(Object.keys(only[0].upstreams), ["c"]);
  for (const [query, name] of [
    ["?limit=0", "limit"],
    ["?limit=1001", "limit"],
    ["?since=-1", "since"],
    ["?since=x", "since"],
  ]) {
    const answer = await api.get(`${HISTORY}${query}`);
    assertErrorBody(answer, 400, "UpstreamConfFormatError");
    assert.match(answer.body.error.text, new RegExp(`invalid "${name}"`));
  }
  assertErrorBody(await api.get(`${HISTORY}/${first + 6}`), 404, "RevisionNotFound");
  assertErrorBody(await api.get(`${HISTORY}/x`), 400, "UpstreamConfFormatError");
});

test("a client sees the changes of its upstreams only", async (context) => {
  const tokens = [entry("all", "admin"), entry("some", "read", { upstreams: ["shop-*"] })];
  const { api } = await startWithTokens(context, tokens, { upstreams: {} });
  const upstreams = { app: {}, "shop-1": {} };
  const made = await api.send("POST", CHANGES, { upstreams }, as("all"));
  await api.send("PATCH", sluice("app"), { method: "random" }, as("all"));
  const { changes } = (await api.get(HISTORY, as("some"))).body;
  assert.deepEqual(
    changes.map(({ revision }) => revision),
    [made.body.revision],
  );
  assert.deepEqual(Object.keys(changes[0].upstreams), ["shop-1"]);
  assertErrorBody(await api.get(`${HISTORY}?upstream=app`, as("some")), 403, "UpstreamNotAllowed");
  assertErrorBody(await api.get(`${HISTORY}/${made.body.revision + 1}`, as("some")), 404, "RevisionNotFound");
});

test("secrets are not in the history, and a rollback restores them", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers: [{ server }] } } });
  const { api } = gateway;
  const secret = "a-secret-of-the-webhook";
  const autoscale = { max: 2, webhook: { url: "http://127.0.0.1:9/", secret } };
  await api.expect(200, "PATCH", sluice(), { autoscale });
  const { newest } = await historyOf(api);
  await api.expect(200, "PATCH", sluice(), { autoscale: null });
  await api.expect(200, "POST", ROLLBACK, { to: newest });
  assert.ok(!JSON.stringify(await historyOf(api)).includes(secret));
  assert.equal((await api.get(sluice())).body.autoscale.webhook.secret, "***");
  const image = ["journal.0", "journal.1"].map((name) =>
    readFileSync(join(gateway.folder, "state", name), "utf8"),
  );
  assert.equal(image.join("").split(secret).length, 3);
});

test("drain jobs, registrations that end and registries are the authors of their changes", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: {
      app: { servers: [{ server }, { server: someAddress(2) }, { server: someAddress(3) }] },
      filed: {},
    },
  });
  const { api } = gateway;
  const authorsOf = async (name) =>
    (await historyOf(api, `?upstream=${name}`)).changes.map(({ author, origin }) => [author, origin]);
  await api.expect(202, "POST", `${sluice()}/servers/0/drain`);
  await waitFor("the drained server is removed", async () => (await api.get(serversOf())).body.length === 2);
  assert.deepEqual((await authorsOf("app")).slice(0, 2), [
    ["drain", undefined],
    ["local", "127.0.0.1"],
  ]);
  for (let node = 1; node <= 4; node += 1)
    await api.expect(201, "PUT", nodeOf(`n${node}`), {
      server: someAddress(10 + node),
      ttl: node === 1 ? "1s" : "600s",
    });
  await waitFor("a registration has ended", async () => (await api.get(serversOf())).body.length === 5);
  // A slow machine may register the last nodes after that.
  assert.ok((await authorsOf("app")).some(([author]) => author === "expiry"));
  const path = join(gateway.folder, "servers.json");
  writeFileSync(path, JSON.stringify({ servers: [{ server: someAddress(5) }] }));
  await api.expect(200, "PATCH", sluice("filed"), { discovery: { file: { path } } });
  await waitFor(
    "the registry's server is there",
    async () => (await api.get(serversOf("filed"))).body.length === 1,
  );
  assert.equal((await authorsOf("filed"))[0][0], "discovery");
});

test("the history survives the end of all processes, and begins anew if its end was lost", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  for (let number = 1; number <= 5; number += 1)
    await postChanges(api, { upstreams: { [`u${number}`]: {} } });
  const before = await historyOf(api);
  assert.equal(before.changes.length, 5);
  await gateway.killAll();
  await gateway.start();
  assert.deepEqual(await historyOf(api), before);
  await gateway.reload();
  assert.deepEqual(await historyOf(api), before);
  await gateway.killAll();
  const files = ["history.0", "history.1"].map((name) => join(gateway.folder, "state", name));
  const path = files.find((file) => statSync(file).size > 0) ?? "";
  truncateSync(path, statSync(path).size - 20);
  await gateway.start();
  const warning = /the history ends at revision \d+, but the state has revision \d+/;
  assert.equal(gateway.log.entries("warn").filter((line) => warning.test(line)).length, 1);
  const after = await historyOf(api);
  assert.deepEqual(after, { changes: [], oldest: before.newest, newest: before.newest });
  await postChanges(api, { upstreams: { u6: {} } });
  assert.deepEqual(Object.keys((await historyOf(api)).changes[0].upstreams), ["u6"]);
  assertErrorBody(await api.post(ROLLBACK, { to: before.newest - 1 }), 404, "RevisionNotFound");
});

test("what follows a damaged line cannot be read or restored, and the later changes can", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  for (let number = 1; number <= 5; number += 1)
    await postChanges(api, { upstreams: { [`u${number}`]: {} }, comment: `number ${number}` });
  const { newest } = await historyOf(api);
  const files = ["history.0", "history.1"].map((name) => join(gateway.folder, "state", name));
  const path = files.find((file) => statSync(file).size > 0) ?? "";
  writeFileSync(path, readFileSync(path, "utf8").replace("number 3", "number 8"));
  const left = await historyOf(api);
  assert.deepEqual(
    left.changes.map(({ comment }) => comment),
    ["number 5", "number 4"],
  );
  assert.equal(left.oldest, newest - 2);
  assertErrorBody(await api.get(`${HISTORY}/${newest - 3}`), 500, "HistoryUnreadable");
  assertErrorBody(await api.post(ROLLBACK, { to: newest - 3 }), 500, "HistoryUnreadable");
  await api.expect(200, "POST", ROLLBACK, { to: newest - 2 });
  assert.deepEqual(Object.keys((await api.get("/api/sluice/1/upstreams")).body).toSorted(), [
    "u1",
    "u2",
    "u3",
  ]);
});

test("the history keeps as many changes as it shall, and not many more", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup: { history: { changes: 5 } } });
  const { api } = gateway;
  for (let weight = 1; weight <= 23; weight += 1) {
    await api.expect(200, "PUT", sluice(), { servers: [{ server, weight }] });
    const { length } = (await historyOf(api)).changes;
    assert.ok(length > Math.min(weight, 5) && length <= 10, `${length} after ${weight}`);
  }
  const { changes, oldest } = await historyOf(api);
  assert.equal(oldest, changes.at(-1).revision - 1);
  await gateway.killAll();
  await gateway.start();
  assert.deepEqual((await historyOf(api)).changes, changes);
  assertErrorBody(await api.post(ROLLBACK, { to: oldest - 1 }), 404, "RevisionNotFound");
  await api.expect(200, "POST", ROLLBACK, { to: oldest });
});

test("the history is whole after more changes than the gateway keeps in memory", async (context) => {
  const { api } = await startGateway(context, { upstreams: { app: {} } });
  const first = await revisionOf(api);
  for (let change = 1; change <= 1050; change += 1)
    await api.expect(200, "PATCH", sluice(), { panic_threshold: 1 + (change % 100) });
  const { changes } = await historyOf(api, "?limit=1000");
  assert.deepEqual(
    changes.map(({ revision }) => revision),
    Array.from({ length: 1000 }, (_, number) => first + 1050 - number),
  );
  await api.expect(200, "POST", ROLLBACK, { to: first + 500 });
  assert.equal((await api.get(sluice())).body.panic_threshold, 1);
});

test("the history is smaller than its bound", async (context) => {
  const setup = { history: { max_size: "64k" } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup });
  const { api } = gateway;
  const servers = Array.from({ length: 50 }, (_, number) => ({ server: someAddress(number) }));
  const size = () =>
    ["history.0", "history.1"].reduce(
      (sum, name) => sum + statSync(join(gateway.folder, "state", name)).size,
      0,
    );
  for (let weight = 2; weight < 20; weight += 1)
    await api.expect(200, "PUT", sluice(), { servers: servers.map((each) => ({ ...each, weight })) });
  const entry = size() / 18;
  assert.ok(entry > 1000 && size() <= 65536 + entry, `${size()}`);
  assert.ok((await historyOf(api)).oldest > 0);
});

test("without state_dir, and with no changes to keep, there is no history", async (context) => {
  for (const options of [{ stateDir: null }, { setup: { history: { changes: 0 } } }]) {
    const { api } = await startGateway(context, { upstreams: { app: {} }, ...options });
    await api.expect(200, "PATCH", sluice(), { method: "random" });
    for (const path of [HISTORY, `${HISTORY}/1`]) assertErrorBody(await api.get(path), 404, "HistoryNotKept");
    assertErrorBody(await api.post(ROLLBACK, { to: 0 }), 404, "HistoryNotKept");
  }
});
