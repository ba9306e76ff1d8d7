/** `queue`: while every server is full, a limited number of requests waits in order, for a limited time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { begin, clientsByWorker } from "./support/clients.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { occupy, QueueStatus, startQueue } from "./support/queues.mjs";
import { settledPeersOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** Upper bound on the delay of the end of a wait on a busy machine, in milliseconds. */
const LATE = 5000;

/** The error that nginx logs for a request without an available server. */
const full = /no live upstreams while connecting to upstream/;

test("waiting requests are served in the order of their arrival", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 20 }, { workers: 1 });
  const first = await occupy(app, backend);
  const waiting = [];
  for (let number = 0; number < 20; number += 1) {
    waiting.push(app.begin(`/${number}?delay=5`));
    await app.queue.holds(number + 1);
  }
  assert.equal(backend.requests.length, 1);
  backend.release();
  const endings = await Promise.all([first, ...waiting].map(({ ending }) => ending));
  assert.deepEqual(new Set(endings.map(({ status }) => status)), new Set([200]));
  const times = endings.map(({ at }) => at);
  assert.deepEqual(
    times,
    [...times].sort((one, other) => one - other),
  );
  const wanted = waiting.map((_, number) => `/${number}?delay=5`);
  assert.deepEqual(
    backend.requests.slice(1).map(({ url }) => url),
    wanted,
  );
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 20, overflows: 0 });
});

test("when the queue is full over all workers, a request is answered with 503 and Retry-After at once", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 3 });
  await occupy(app, backend);
  const waiting = [];
  for (let number = 0; number < 3; number += 1) {
    waiting.push(app.begin());
    await app.queue.holds(number + 1);
  }
  const endings = await Promise.all(Array.from({ length: 12 }, () => app.begin().ending));
  for (const { status, headers } of endings) {
    assert.equal(status, 503);
    assert.match(String(headers["retry-after"]), /^[1-9]\d*$/);
  }
  assert.equal(backend.requests.length, 1, "the server is still busy");
  assert.deepEqual(await app.queue.read(), { size: 3, max_size: 3, overflows: 12 });
  backend.release();
  for (const { ending } of waiting) assert.equal((await ending).status, 200);
  assert.equal(backend.requests.length, 4);
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 3, overflows: 12 });
  await app.api.expect(204, "DELETE", "/api/9/http/upstreams/app");
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 3, overflows: 0 });
});

test("a request gets 504 when its wait times out", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 10, timeout: "2s" });
  await occupy(app, backend);
  const started = performance.now();
  // The requests begin at different times, and each has its own time-out.
  const waiting = [app.begin(), app.begin()];
  await app.queue.holds(2);
  const later = performance.now();
  waiting.push(app.begin());
  for (const [index, { ending }] of waiting.entries()) {
    const { status, at } = await ending;
    const waited = at - (index < 2 ? started : later);
    assert.equal(status, 504);
    assert.ok(waited > 1995 && waited < 2000 + LATE, `the request waited ${waited} ms`);
  }
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 10, overflows: 0 });
  assert.equal(backend.requests.length, 1);
  backend.release();
  await settledPeersOf(app.api);
  assert.equal((await app.begin().ending).status, 200);
});

test("a client that closes its connection frees its place, and requests behind it proceed", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 3 }, { workers: 1 });
  const first = await occupy(app, backend);
  const waiting = [];
  for (let number = 0; number < 3; number += 1) {
    waiting.push(app.begin(`/${number}`));
    await app.queue.holds(number + 1);
  }
  assert.equal((await app.begin().ending).status, 503);
  waiting[1].leave();
  await app.queue.holds(2);
  waiting.push(app.begin("/3"));
  await app.queue.holds(3);
  waiting[0].leave();
  await app.queue.holds(2);
  assert.equal(backend.requests.length, 1, "the server is still busy");
  backend.release();
  for (const { ending } of [first, waiting[2], waiting[3]]) assert.equal((await ending).status, 200);
  assert.deepEqual(
    backend.requests.slice(1).map(({ url }) => url),
    ["/2", "/3"],
  );
});

test("a request that waits on one worker is served when a request of another worker ends", async (context) => {
  const backend = await startBackend(context);
  const { gateway, queue } = await startQueue(context, backend);
  const clients = await clientsByWorker(context, gateway.port);
  assert.equal(clients.length, 4);
  const [[, [holder]], ...others] = clients;
  const held = holder.get("/?hold=1");
  await waitFor("the server is full", () => backend.active === 1);
  const answers = others.map(([, [client]]) => client.get("/"));
  await queue.holds(3);
  const left = performance.now();
  backend.release();
  assert.equal((await held).status, 200);
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  const milliseconds = performance.now() - left;
  assert.ok(milliseconds < LATE, `the requests were served after ${milliseconds} ms`);
});

test("no request waits while a server has room, or when no full server would be available", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const app = await startQueue(context, [one, other]);
  app.gateway.log.allow(full);
  const held = [app.begin("/?hold=1"), app.begin("/?hold=1")];
  await waitFor("each has a request", () => one.active === 1 && other.active === 1);
  const last = app.begin();
  await app.queue.holds(1);
  for (const backend of [one, other]) backend.release();
  for (const { ending } of [...held, last]) assert.equal((await ending).status, 200);

  await app.api.expect(200, "PATCH", "/api/sluice/1/upstreams/app?force=true", {
    servers: [{ server: one.address, down: true, max_conns: 1 }],
  });
  const started = performance.now();
  const { status, at } = await app.begin().ending;
  assert.equal(status, 502);
  assert.ok(at - started < LATE, `the request waited ${at - started} ms unnecessarily`);
});

test("the upstream's name comes from $sluice_upstream when the hook names none", async (context) => {
  const backend = await startBackend(context);
  const shop = { servers: [{ server: backend.address, max_conns: 1 }], queue: { size: 1 } };
  const gateway = await startGateway(context, {
    upstreams: { shop },
    traffic: `location ~ ^/wait/(?<sluice_upstream>[^/]*) {
      access_by_lua_block { require("resty.sluice").access() }
      proxy_pass http://sluice_dynamic;
    }`,
  });
  const held = begin(context, gateway.port, "/wait/shop/?hold=1");
  await waitFor("the server is full", () => backend.active === 1);
  const waiting = begin(context, gateway.port, "/wait/shop/");
  await new QueueStatus(gateway.api, "shop").holds(1);
  assert.equal((await begin(context, gateway.port, "/wait/shop/").ending).status, 503);
  backend.release();
  for (const { ending } of [held, waiting]) assert.equal((await ending).status, 200);
  gateway.log.allow(full);
  assert.equal((await begin(context, gateway.port, "/wait/nothing/").ending).status, 502);
});

test("without the hook requests are answered with 502, and one log line names the missing hook", async (context) => {
  const backend = await startBackend(context);
  const app = await startQueue(context, backend, { size: 10 }, { workers: 1, traffic: "" });
  app.gateway.log.allow(full, /"queue" needs access_by_lua_block/);
  const held = await occupy(app, backend);
  for (let number = 0; number < 3; number += 1) assert.equal((await app.begin().ending).status, 502);
  const lines = app.gateway.log.severeEntries().filter((line) => line.includes("queue"));
  assert.equal(lines.length, 1, lines.join("\n"));
  const hook =
    'sluice: upstream app: "queue" needs access_by_lua_block { require("resty.sluice").access("app") }';
  assert.ok(lines[0].includes(hook), lines[0]);
  backend.release();
  assert.equal((await held.ending).status, 200);
  assert.deepEqual(await app.queue.read(), { size: 0, max_size: 10, overflows: 0 });
});
