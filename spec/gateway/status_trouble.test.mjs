/** What is wrong is in the status of the gateway: queues, panic, registries, files, and access. */
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bearer } from "./support/access.mjs";
import { startBackend, startBackends } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { allEvents, PROBE_ERRORS } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { overviewOf, statusOf, summaryOf } from "./support/overview.mjs";
import { freePort } from "./support/ports.mjs";
import { occupy, startQueue } from "./support/queues.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const path = "/api/sluice/1/status";

test("a queue shows the waiting requests, its places and the overflows", async (context) => {
  const backend = await startBackend(context);
  const queued = await startQueue(context, backend, { size: 1, timeout: "60s" });
  const { api, queue, begin } = queued;
  const first = await occupy(queued, backend);
  const second = begin();
  await queue.holds(1);
  const third = begin();
  assert.notEqual((await third.ending).status, 200);
  const { queue: shown, active } = await summaryOf(api);
  assert.deepEqual([shown, active], [{ size: 1, max_size: 1, overflows: 1 }, 1]);
  backend.release();
  assert.deepEqual([(await first.ending).status, (await second.ending).status], [200, 200]);
  await waitFor("the queue is empty", async () => (await summaryOf(api)).queue.size === 0);
});

test("an upstream panics while too few of its servers are available", async (context) => {
  const backends = await startBackends(context, 4);
  const health_check = { uri: "/health", interval: "100ms" };
  const servers = backends.map(({ address }) => ({ server: address }));
  const settings = { servers, health_check, panic_threshold: 50 };
  const gateway = await startGateway(context, { upstreams: { app: settings, calm: { servers } } });
  const { api } = gateway;
  const checked = async () => (await statusOf(api)).servers.every(({ check }) => check?.status === "passed");
  await waitFor("all are checked", checked);
  const fail = async (/** @type {number} */ count) => {
    for (const backend of backends.slice(0, count)) backend.behaviour = { status: 503 };
    await waitFor(`${count} fail`, async () => (await summaryOf(api)).states.unhealthy === count);
  };
  await fail(2);
  assert.equal((await summaryOf(api)).panic, undefined, "half of them are available");
  await fail(3);
  assert.equal((await summaryOf(api)).panic, true);
  assert.equal((await statusOf(api)).panic, true);
  assert.equal((await summaryOf(api, "calm")).panic, undefined);
  await api.expect(200, "PATCH", sluice(), { panic_threshold: 0 });
  assert.equal((await summaryOf(api)).panic, undefined);
});

test("the only server of an upstream gets requests although requests have failed", async (context) => {
  const backend = await startBackend(context);
  const outlier_detection = { consecutive_5xx: 1, max_ejection_percent: 100, base_ejection_time: "1h" };
  const upstreams = { app: { servers: [{ server: backend.address }], outlier_detection } };
  const { api, port } = await startGateway(context, { upstreams });
  await ask(port, "/?status=500");
  await waitFor("it is ejected", async () => (await summaryOf(api)).states.unavail === 1);
  const { panic, worst } = await summaryOf(api);
  assert.equal(panic, true);
  assert.match(worst.reason, /^1 responses? of 5xx in a row: ejected for 3600 s; it gets no requests until /);
  assert.equal((await ask(port)).status, 200);
});

test("a registry that fails and a check that has never passed are shown", async (context) => {
  const backend = await startBackend(context);
  backend.behaviour = { status: 404 };
  const consul = { address: `http://127.0.0.1:${await freePort()}`, service: "app" };
  const upstreams = {
    file: { discovery: { file: { path: "/nonexistent/servers.json" } } },
    registry: { discovery: { consul } },
    unproven: { servers: [{ server: backend.address }], health_check: { interval: "100ms" } },
  };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
  gateway.log.allow(PROBE_ERRORS);
  const { api } = gateway;
  await waitFor("all have failed", async () => {
    const [file, registry, unproven] = (await overviewOf(api)).upstreams;
    const states = [file.discovery.state, registry.discovery.state, unproven.problems?.[0].problem];
    return states.join() === "failing,failing,check_unproven";
  });
  const [file, registry, unproven] = (await overviewOf(api)).upstreams;
  assert.match(file.discovery.error, /servers\.json/);
  assert.match(registry.discovery.error, /connection refused/);
  assert.match(unproven.problems[0].reason, /\/ returned 404$/);
  assert.deepEqual(unproven.states, { up: 1 });
});

test("the status tells whether the credentials of the request may change something", async (context) => {
  const api = { write_tokens: ["writer"], read_tokens: ["reader"] };
  const servers = ["127.0.0.1:9"];
  const both = await startGateway(context, { servers, setup: { api } });
  const rights = async (gateway, headers = {}) => {
    const { status, body } = await gateway.api.get(path, headers);
    return status === 200 ? [body.may_write, body.write_needs_token] : status;
  };
  assert.deepEqual(await rights(both, bearer("writer")), [true, true]);
  assert.deepEqual(await rights(both, bearer("reader")), [false, true]);
  assert.equal(await rights(both, bearer("other")), 401);
  assert.equal(await rights(both), 401);
  const open = await startGateway(context, { servers });
  assert.deepEqual(await rights(open), [true, false]);
  const reading = await startGateway(context, { servers, setup: { api: { read_tokens: ["reader"] } } });
  assert.deepEqual(
    await rights(reading, bearer("reader")),
    [true, false],
    "without write tokens local clients write",
  );
  const writing = await startGateway(context, { servers, setup: { api: { write_tokens: ["writer"] } } });
  assert.deepEqual(await rights(writing), [false, true]);
  assert.deepEqual(await rights(writing, bearer("writer")), [true, true]);
  const closed = await startGateway(context, { servers, setup: { api: { write: false } } });
  assert.deepEqual(await rights(closed), [false, false]);
  const tokens = { write: false, write_tokens: ["writer"], read_tokens: ["reader"] };
  const locked = await startGateway(context, { servers, setup: { api: tokens } });
  assert.deepEqual(await rights(locked, bearer("writer")), [false, false]);
});

test("HEAD has no body, and wrong questions are refused", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"], upstreams: { b: {}, c: {} } });
  const head = await api.send("HEAD", path);
  assert.deepEqual([head.status, head.text], [200, ""]);
  assert.deepEqual([(await api.send("HEAD", `${sluice()}/status`)).text], [""]);
  assertErrorBody(await api.get(`${path}?since=yesterday`), 400, "UpstreamConfFormatError");
  assertErrorBody(await api.get(`${sluice("none")}/status`), 404, "UpstreamNotFound");
  assert.equal((await api.post(path, {})).status, 405);
  const { upstreams, upstream_count } = await overviewOf(api, "?upstream=c,none,app");
  assert.deepEqual([upstreams.map(({ name }) => name), upstream_count], [["app", "c"], 3]);
  const { etag } = (await api.get(`${sluice()}/status`)).headers;
  assert.equal(etag, (await api.get(sluice())).headers.etag);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 });
  assert.notEqual((await api.get(`${sluice()}/status`)).headers.etag, etag);
});

test("a gateway says that it cannot save its state, and that its memory is nearly full", async (context) => {
  const gateway = await startGateway(context, { dict: "300k", upstreams: { app: {}, big: {} } });
  const { api, folder } = gateway;
  const problems = async () => (await overviewOf(api)).problems;
  assert.deepEqual(await problems(), []);
  renameSync(join(folder, "state"), join(folder, "elsewhere"));
  const [moved] = await problems();
  assert.equal(moved.problem, "state_not_saved");
  assert.match(moved.reason, /^changes are refused: .*state.* was moved, removed or replaced/);
  renameSync(join(folder, "elsewhere"), join(folder, "state"));
  assert.deepEqual(await problems(), []);
  let number = 0;
  await waitFor("the memory is nearly full", async () => {
    const servers = Array.from({ length: 50 }, (_, index) => ({ server: someAddress(number * 50 + index) }));
    number += 1;
    await api.send("PUT", sluice(`more${number}`), { servers });
    return (await problems()).length > 0;
  });
  const [full] = await problems();
  assert.equal(full.problem, "dict_nearly_full");
  assert.match(full.reason, /^\d % of the shared dict is free/);
});

test("the cursor names the newest event", async (context) => {
  const backend = await startBackend(context);
  const health_check = { interval: "100ms" };
  const upstreams = {
    app: { servers: [{ server: backend.address }, { server: someAddress(1) }], health_check },
  };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
  gateway.log.allow(PROBE_ERRORS);
  await waitFor("there is an event", async () => (await allEvents(gateway.api)).length > 0);
  // A further event may come between the two answers.
  await waitFor("the cursor names it", async () => {
    const { event, revision } = await overviewOf(gateway.api);
    const events = await allEvents(gateway.api);
    return event.split(".").slice(0, 2).join(".") === `${events.at(-1)?.number}.${revision}`;
  });
});
