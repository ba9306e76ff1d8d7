/** Changes that wait for the disk at the same time are forced to it together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { mountDisk } from "./support/disk.mjs";
import { makeGateway } from "./support/gateway.mjs";
import { startKillingAt } from "./support/killing.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { slowDisk } from "./support/slow_disk.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";
import { startWriters } from "./support/writers.mjs";

useWorkers(2);

const WRITERS = 32;
const upstreams = { app: {}, other: { servers: [{ server: "127.0.0.1:9" }] } };

/**
 * Sends requests at the same time, each on its own connection.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {(api: Api, number: number) => Promise<import("./support/api.mjs").Answer>} send
 * @param {number} [count]
 */
async function atOnce(gateway, send, count = WRITERS) {
  const apis = Array.from({ length: count }, () => new Api({ port: gateway.apiPort, keepAlive: true }));
  const answers = await Promise.all(apis.map(send));
  for (const api of apis) api.close();
  return answers;
}

/** Adds a server. @param {Api} api @param {number} number */
const add = (api, number) => api.post(serversOf(), { server: someAddress(number) });

/** @param {import("./support/gateway.mjs").Gateway} gateway */
async function assertKept(gateway) {
  const before = await gateway.api.configuration();
  await gateway.killAll();
  await gateway.start();
  assert.equal(await gateway.api.configuration(), before, "the saved state equals the served state");
}

/** @param {import("node:test").TestContext} context @param {number} [seconds] */
async function startSlow(context, seconds = 0.05) {
  const gateway = await makeGateway(context, { upstreams, setup: { fsync: true } });
  const disk = slowDisk(gateway, seconds);
  gateway.configure({ beforeSetup: disk.lua });
  await gateway.start();
  return { gateway, disk };
}

test("changes that wait share the waits for the disk, and each has a revision and an entry of its own", async (context) => {
  // The disk is slower than a busy machine, so that most changes come while it works.
  const { gateway, disk } = await startSlow(context, 0.25);
  const answers = await atOnce(gateway, add);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map(({ headers }) => headers.etag)).size, WRITERS);
  // Each change alone waits twice, for the history and for the journal.
  assert.ok(disk.waits() <= WRITERS, `${disk.waits()} waits for ${WRITERS} changes`);
  const { changes } = await gateway.api.expect(200, "GET", `/api/sluice/1/history?limit=${WRITERS}`);
  assert.equal(changes.length, WRITERS);
  await assertKept(gateway);
});

test("no change is visible or acknowledged before the disk holds it, and other requests do not wait", async (context) => {
  const { gateway, disk } = await startSlow(context);
  const before = await gateway.api.configuration();
  disk.stop();
  let isAnswered = false;
  const adding = atOnce(gateway, add, 4).then((answers) => {
    isAnswered = true;
    return answers;
  });
  await waitFor("a change waits for the disk", () => disk.waits() > 0);
  const reads = await atOnce(gateway, (api) => api.get("/api/sluice/1/upstreams"));
  for (const { text } of reads) assert.deepEqual(JSON.parse(text).app.servers, []);
  assert.equal(await gateway.api.configuration(), before);
  assert.equal(isAnswered, false);
  disk.goOn();
  assert.deepEqual(
    (await adding).map(({ status }) => status),
    [201, 201, 201, 201],
  );
});

test("when the disk fails, each change of the group is refused, and nothing has changed", async (context) => {
  const { gateway, disk } = await startSlow(context);
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.7:9" });
  const before = await gateway.api.configuration();
  disk.breakDown();
  const answers = await atOnce(gateway, add);
  for (const { status, body } of answers) {
    assert.deepEqual([status, body.error.code], [500, "StateNotSaved"]);
    assert.match(body.error.text, /Input\/output error/);
  }
  assert.equal(await gateway.api.configuration(), before);
  disk.recover();
  const later = await atOnce(gateway, add);
  assert.deepEqual(new Set(later.map(({ status }) => status)), new Set([201]));
  const servers = await gateway.api.expect(200, "GET", serversOf());
  assert.equal(servers.length, 1 + WRITERS);
  await assertKept(gateway);
});

test("what depends on a change that the disk does not hold is refused with it", async (context) => {
  const { gateway, disk } = await startSlow(context);
  disk.breakDown();
  const server = someAddress(1);
  // The second one would be refused with 409, because the first one has added the server.
  const answers = await atOnce(gateway, (api) => api.post(serversOf(), { server }), 8);
  assert.deepEqual(new Set(answers.map(({ body }) => body.error.code)), new Set(["StateNotSaved"]));
  disk.recover();
  const later = await atOnce(gateway, (api) => api.post(serversOf(), { server }), 8);
  assert.deepEqual(later.map(({ status }) => status).toSorted(), [201, ...Array(7).fill(409)]);
});

test("conditions, dry runs, deletions and changes of several upstreams hold among grouped changes", async (context) => {
  const { gateway } = await startSlow(context, 0.02);
  const { etag } = (await gateway.api.get(sluice("other"))).headers;
  const weighted = (/** @type {number} */ weight) => ({ servers: [{ server: "127.0.0.1:9", weight }] });
  const answers = await atOnce(gateway, (api, number) => {
    if (number % 4 === 0) return api.put(sluice("other"), weighted(2 + number), { "If-Match": etag });
    if (number % 4 === 1) return add(api, number);
    const changes = { upstreams: { [`made-${number}`]: weighted(1), [`also-${number}`]: weighted(1) } };
    if (number % 4 === 2) return api.post("/api/sluice/1/changes?dry_run=true", changes);
    return api.post("/api/sluice/1/changes", changes);
  });
  const statusesOf = (/** @type {number} */ kind) =>
    answers.filter((_, number) => number % 4 === kind).map(({ status }) => status);
  assert.deepEqual(statusesOf(0).toSorted(), [200, ...Array(WRITERS / 4 - 1).fill(412)]);
  assert.deepEqual(new Set(statusesOf(1)), new Set([201]));
  assert.deepEqual(new Set([...statusesOf(2), ...statusesOf(3)]), new Set([200]));
  const names = Object.keys(await gateway.api.expect(200, "GET", "/api/sluice/1/upstreams"));
  assert.equal(names.length, 2 + WRITERS / 2, "dry runs have changed nothing");
  const deleted = await atOnce(gateway, (api, number) =>
    number % 2 === 0 ? api.delete(sluice(`made-${number + 1}`)) : add(api, 1000 + number),
  );
  const expected = deleted.map((_, number) => (number % 4 === 2 ? 204 : number % 2 === 0 ? 404 : 201));
  assert.deepEqual(
    deleted.map(({ status }) => status),
    expected,
  );
  await assertKept(gateway);
});

/** What becomes of the timer that makes a group. */
const timers = {
  "nginx has too many timers": "function() end",
  "the worker exits": "function(_, after) after(nil) end",
};

for (const [reason, runSoon] of Object.entries(timers)) {
  test(`changes are made one by one when no timer can make a group because ${reason}`, async (context) => {
    const beforeSetup = `require("resty.sluice.lib.job").run_soon = ${runSoon}`;
    const gateway = await makeGateway(context, { upstreams, setup: { fsync: true } });
    gateway.configure({ beforeSetup });
    await gateway.start();
    const answers = await atOnce(gateway, add, 8);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    await assertKept(gateway);
  });
}

test("on a full disk changes of a group are refused and change nothing", async (context) => {
  const disk = mountDisk(context, "size=256k");
  const gateway = await makeGateway(context, {
    stateDir: `${disk.folder}/state`,
    upstreams,
    setup: { fsync: true },
  });
  await gateway.start();
  disk.fill();
  const acknowledged = new Set();
  let isFull = false;
  for (let turn = 0; turn < 100 && !isFull; turn += 1) {
    const answers = await atOnce(gateway, (api, number) => add(api, turn * WRITERS + number));
    for (const [number, { status, body }] of answers.entries()) {
      if (status === 201) acknowledged.add(someAddress(turn * WRITERS + number));
      else assert.deepEqual([status, body.error.code], [500, "StateNotSaved"]);
    }
    isFull = answers.every(({ status }) => status === 500);
  }
  assert.ok(isFull, "the disk is full in the end");
  const there = await gateway.api.expect(200, "GET", serversOf());
  assert.deepEqual(new Set(there.map(({ server }) => server)), acknowledged);
  await assertKept(gateway);
  disk.free();
  await atOnce(gateway, (api, number) => add(api, 90_000 + number));
  await assertKept(gateway);
});

/** @type {import("./support/killing.mjs").Point[]} */
const points = [
  { module: "disk.sync", name: "sync_change", when: "before" },
  { module: "disk.writer", name: "append", when: "before" },
  { module: "disk.writer", name: "count_bytes", when: "before" },
  { module: "disk.writer", name: "count_bytes", when: "after" },
  { module: "memory.dict", name: "put_text", when: "before" },
  { module: "memory.dict", name: "put_text", when: "after" },
];

test("kill -9 in the middle of a group loses no acknowledged change, and others finish or undo the group", async (context) => {
  const options = { upstreams, setup: { fsync: true }, listen: "reuseport" };
  const { gateway, killAt } = await startKillingAt(context, points, options);
  const writers = startWriters(context, gateway, { count: WRITERS });
  let deaths = 0;
  for (const index of points.keys()) {
    for (const call of [1, 2, 5]) {
      const wanted = writers.acknowledged.size + WRITERS;
      await waitFor("writers go on", () => writers.acknowledged.size >= wanted);
      await killAt(index, call, async () => {
        const workers = gateway.workers().join();
        await waitFor("a worker has died", () => gateway.workers().join() !== workers);
        deaths += 1;
      });
    }
  }
  await writers.stop();
  assert.equal(deaths, points.length * 3);
  const there = await gateway.api.expect(200, "GET", serversOf());
  const ids = new Map(there.map(({ server, id }) => [server, id]));
  assert.equal(new Set(ids.values()).size, there.length, "there are no duplicate ids");
  assert.deepEqual(
    [...writers.acknowledged].filter(([server, id]) => ids.get(server) !== id),
    [],
    "all acknowledged servers exist",
  );
  assert.deepEqual(
    [...ids.keys()].filter((server) => !writers.attempted.has(server)),
    [],
  );
  assert.deepEqual(writers.problems, []);
  await assertKept(gateway);
});
