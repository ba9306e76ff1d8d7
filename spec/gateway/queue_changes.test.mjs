/** `queue` while its upstream changes, and while workers and clients end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend, startBackends } from "./support/backend.mjs";
import { clientsByWorker } from "./support/clients.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { occupy, startQueue } from "./support/queues.mjs";
import { isRunning } from "./support/processes.mjs";
import { serversOf, settledPeersOf, sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** The error that nginx logs for a request without an available server. */
const full = /no live upstreams while connecting to upstream/;

test("an added server serves waiting requests at once", async (context) => {
  const [busy, added] = await startBackends(context, 2);
  // There are four workers. Some of them notice the change only because of the waiting requests.
  const app = await startQueue(context, busy);
  const held = await occupy(app, busy);
  const waiting = Array.from({ length: 8 }, () => app.begin());
  await app.queue.holds(8);
  await app.api.expect(201, "POST", serversOf(), { server: added.address });
  for (const { ending } of waiting) {
    const { status, by } = await ending;
    assert.deepEqual([status, by], [200, added.id]);
  }
  busy.release();
  assert.equal((await held.ending).status, 200);
});

test("a raised limit lets waiting requests in at once", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend);
  await occupy(app, backend);
  const waiting = Array.from({ length: 4 }, () => app.begin());
  await app.queue.holds(4);
  await app.api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns: 5 });
  // The first request still has its place.
  for (const { ending } of waiting) assert.equal((await ending).status, 200);
});

test("a changed queue applies to new requests, and waiting requests continue to wait", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 2, timeout: "30s" }, { workers: 1 });
  app.gateway.log.allow(full);
  const held = await occupy(app, backend);
  const waiting = [app.begin("/1"), app.begin("/2")];
  await app.queue.holds(2);
  assert.equal((await app.begin().ending).status, 503);

  const change = (/** @type {object | null} */ queue) => app.api.expect(200, "PATCH", sluice(), { queue });
  await change({ size: 4, timeout: "30s" });
  waiting.push(app.begin("/3"));
  await app.queue.holds(3);
  await change({ size: 1, timeout: "200ms" });
  assert.deepEqual(await app.queue.read(), { size: 3, max_size: 1, overflows: 1 });
  assert.equal((await app.begin().ending).status, 503);
  await change({ size: 4, timeout: "200ms" });
  assert.equal((await app.begin().ending).status, 504);
  await app.queue.holds(3);
  await change(null);
  assert.equal((await app.begin().ending).status, 502);
  backend.release();
  for (const { ending } of [held, ...waiting]) assert.equal((await ending).status, 200);
  assert.deepEqual(
    backend.requests.slice(1).map(({ url }) => url),
    ["/1", "/2", "/3"],
  );
});

test("deleting an upstream ends the wait, and a new upstream of the same name has its own queue", async (context) => {
  const [old, next] = await startBackends(context, 2);
  for (const isReplaced of [false, true]) {
    const app = await startQueue(context, old);
    app.gateway.log.allow(full);
    const held = await occupy(app, old);
    const waiting = Array.from({ length: 6 }, () => app.begin());
    await app.queue.holds(6);
    await app.api.expect(204, "DELETE", `${sluice()}?force=true`);
    const servers = [{ server: next.address }];
    if (isReplaced) await app.api.expect(201, "PUT", sluice(), { servers, queue: { size: 5 } });
    for (const { ending } of waiting) {
      const { status, by } = await ending;
      // Between the two writes the upstream does not exist.
      if (status !== 502 || !isReplaced)
        assert.deepEqual([status, by], isReplaced ? [200, next.id] : [502, undefined]);
    }
    if (isReplaced) {
      assert.equal((await app.begin().ending).by, next.id);
      assert.deepEqual(await app.queue.read(), { size: 0, max_size: 5, overflows: 0 });
    }
    old.release();
    assert.equal((await held.ending).status, 200, "a request in flight is finished");
  }
});

test("a waiting request is never sent to a server that was deleted in the meantime", async (context) => {
  const [busy, other] = await startBackends(context, 2);
  const app = await startQueue(context, busy);
  for (const hasWaited of [true, false]) {
    // The server of this request is chosen before its body is read, and the body arrives late.
    const held = hasWaited ? await occupy(app, busy) : undefined;
    const slow = app.begin("/slow", { length: 4 });
    if (held !== undefined) {
      await app.queue.holds(1);
      busy.release();
      assert.equal((await held.ending).status, 200);
    }
    await waitFor("a server is chosen", async () => (await sumOf(app.api, "active")) === 1);
    await app.queue.holds(0);
    await app.api.expect(200, "PUT", sluice(), {
      servers: [{ server: other.address, max_conns: 1 }],
      queue: { size: 10 },
    });
    const before = busy.requests.length;
    slow.send("body");
    const { status, by } = await slow.ending;
    assert.deepEqual([status, by], [200, other.id]);
    assert.equal(busy.requests.length, before);
    await app.api.expect(200, "PUT", sluice(), {
      servers: [{ server: busy.address, max_conns: 1 }],
      queue: { size: 10 },
    });
    await settledPeersOf(app.api);
  }
  assert.equal((await app.api.expect(200, "GET", "/api/9/http/upstreams/app")).zombies, 0);
});

test("requests that wait during a reload continue to wait and are served", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend);
  await occupy(app, backend);
  const waiting = Array.from({ length: 5 }, () => app.begin());
  await app.queue.holds(5);
  const before = await app.gateway.reload();
  assert.equal((await app.queue.read()).size, 5);
  waiting.push(app.begin());
  await app.queue.holds(6);
  backend.release();
  for (const { ending } of waiting) assert.equal((await ending).status, 200);
  await waitFor("the old workers have ended", () => !before.some(isRunning));
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 10, overflows: 0 });
});

test("a killed worker leaves no request in the queue", async (context) => {
  const backend = await startBackend(context);
  const { gateway, queue, begin } = await startQueue(context, backend);
  const [[victim, lost], [, [holder]]] = await clientsByWorker(context, gateway.port);
  const held = holder.get("/?hold=1");
  await waitFor("the server is full", () => backend.active === 1);
  const died = lost.slice(0, 5).map((client) => client.get("/").catch((cause) => cause.code));
  await queue.holds(5);
  await gateway.killWorker(Number(victim));
  assert.deepEqual(new Set(await Promise.all(died)), new Set(["ECONNRESET"]));
  await queue.holds(0);
  const waiting = begin();
  await queue.holds(1);
  backend.release();
  assert.equal((await held).status, 200);
  assert.equal((await waiting.ending).status, 200);
  await waitFor("no request is in flight", async () => (await sumOf(gateway.api, "active")) === 0);
});

test("the queue is empty after many clients have closed their connections in every phase", async (context) => {
  const backends = await startBackends(context, 3);
  const app = await startQueue(context, backends, { size: 40, timeout: "300ms" });
  const statuses = new Map();
  let left = 0;
  const client = async () => {
    for (let turn = 0; turn < 25; turn += 1) {
      const chance = Math.random();
      // A client leaves in the queue, at the server, before its body is complete, or not at all.
      const request = app.begin(
        `/?delay=${Math.floor(Math.random() * 30)}`,
        chance < 0.2 ? { length: 4 } : {},
      );
      const leave = chance < 0.5;
      if (leave) await sleep(Math.random() * 40);
      if (leave) request.leave();
      left += leave ? 1 : 0;
      const { status } = await request.ending;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 80 }, client));
  assert.deepEqual(new Set(statuses.keys()), new Set([0, 200, 503, 504]), "each outcome has occurred");
  assert.ok(left > 500);
  assert.ok(statuses.get(200) > 20, `${statuses.get(200)} were served`);

  await app.queue.holds(0);
  for (const { active } of (await settledPeersOf(app.api)).values()) assert.equal(active, 0);
  await app.api.expect(200, "PATCH", sluice(), { queue: { size: 40 } });
  const all = backends.map(() => app.begin("/?hold=1"));
  await waitFor("every place can be taken", () => backends.every(({ active }) => active === 1));
  const next = app.begin();
  await app.queue.holds(1);
  for (const backend of backends) backend.release();
  for (const { ending } of [...all, next]) assert.equal((await ending).status, 200);
});
