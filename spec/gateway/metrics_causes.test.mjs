/** `GET <prefix>/metrics`: queues, retries, panics, registries, the store and the workers. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { makeFolder } from "./support/folder.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { scrape } from "./support/metrics.mjs";
import { occupy, startQueue } from "./support/queues.mjs";
import { serversOf, settledPeersOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

test("waits and overflows of a queue are counted", async (context) => {
  const backend = await startBackend(context);
  const queued = await startQueue(context, backend, { size: 1, timeout: "30s" });
  const value = async (/** @type {string} */ name) =>
    (await scrape(queued.gateway)).value(`sluice_upstream_queue_${name}`, { upstream: "app" });
  const first = await occupy(queued, backend);
  const second = queued.begin("/");
  await queued.queue.holds(1);
  assert.equal((await ask(queued.gateway.port, "/")).status, 503);
  assert.deepEqual([await value("length"), await value("max_length")], [1, 1]);
  assert.deepEqual([await value("waits_total"), await value("overflows_total")], [1, 1]);
  backend.release();
  await Promise.all([first.ending, second.ending]);
  await waitFor("the queue is empty", async () => (await value("length")) === 0);
  assert.equal(await value("waits_total"), 1);
});

test("a request that the budget denies a retry is counted", async (context) => {
  const servers = [1, 2, 3].map((number) => ({ server: someAddress(number), max_fails: 0 }));
  const retries = { budget: { percent: 0, min_concurrent: 0 } };
  const gateway = await startGateway(context, { upstreams: { app: { servers, retries } } });
  gateway.log.allow(/connect\(\) failed|no live upstreams|has no budget left/);
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(gateway.port, "/")).status, 502);
  await settledPeersOf(gateway.api);
  const metrics = await scrape(gateway);
  const value = (/** @type {string} */ name) => metrics.value(`sluice_upstream_${name}`, { upstream: "app" });
  assert.equal(value("retries_denied_total"), 5);
  assert.equal(value("retries_total"), 0);
  assert.equal(value("retries_active"), 0);
  assert.equal(value("requests_total"), 5);
});

test("a panic is shown while it lasts", async (context) => {
  const servers = [1, 2].map((number) => ({ server: someAddress(number), fail_timeout: "1h" }));
  const gateway = await startGateway(context, { upstreams: { app: { servers, panic_threshold: 60 } } });
  gateway.log.allow(/connect\(\) failed|no live|no server/);
  const panic = async () => (await scrape(gateway)).value("sluice_upstream_panic", { upstream: "app" });
  assert.equal(await panic(), 0);
  await ask(gateway.port, "/");
  await waitFor("both servers have failed", async () => (await panic()) === 1);
  await gateway.api.expect(200, "PATCH", sluice(), { panic_threshold: 0 });
  assert.equal(await panic(), 0);
});

test("a registry shows whether it answers, how often it failed, and what is wrong with its entries", async (context) => {
  const path = join(makeFolder(context, "registry"), "servers.json");
  const gateway = await startGateway(context, { upstreams: { app: { discovery: { file: { path } } } } });
  gateway.log.allow(/file: /);
  const labels = { upstream: "app", source: "file" };
  const value = async (/** @type {string} */ name) =>
    (await scrape(gateway)).value(`sluice_discovery_${name}`, labels);
  await waitFor("an attempt has failed", async () => (await value("failures_total")) > 0);
  const before = await scrape(gateway);
  assert.equal(before.value("sluice_discovery_up", labels), 0);
  assert.equal(before.all("sluice_discovery_last_success_timestamp_seconds").length, 0);
  writeFileSync(path, JSON.stringify({ servers: [someAddress(1), "no address:x"] }));
  await waitFor("the registry answers", async () => (await value("up")) === 1);
  assert.deepEqual([await value("servers"), await value("skipped"), await value("pending")], [1, 1, 0]);
  const failures = await value("failures_total");
  assert.ok(failures > 0);
  const age = Date.now() / 1000 - (await value("last_success_timestamp_seconds"));
  assert.ok(age >= -1 && age < 60, `${age} s`);
  assert.equal(await value("failures_total"), failures);
});

test("writes, refused writes and their codes are counted", async (context) => {
  const gateway = await startGateway(context, { servers: [someAddress(1)] });
  const { api } = gateway;
  const before = await scrape(gateway);
  for (const weight of [2, 3, 4]) await api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 4 });
  for (let turn = 0; turn < 3; turn += 1) await api.expect(400, "PATCH", `${serversOf()}/0`, { weight: 0 });
  await api.expect(404, "DELETE", sluice("nope"));
  await api.expect(404, "GET", sluice("nope"));
  const after = await scrape(gateway);
  const grown = (/** @type {string} */ name, labels = {}) =>
    (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
  assert.equal(grown("sluice_store_writes_total"), 3, "a change that changes nothing is not written");
  assert.equal(grown("sluice_store_revision"), 3);
  assert.equal(grown("sluice_store_write_seconds_count"), 3);
  assert.ok(grown("sluice_store_write_seconds_sum") > 0);
  assert.equal(grown("sluice_store_refused_writes_total", { code: "UpstreamBadWeight" }), 3);
  assert.equal(grown("sluice_store_refused_writes_total", { code: "UpstreamNotFound" }), 1);
  assert.ok(grown("sluice_store_journal_bytes") > 0);
  assert.equal(after.value("sluice_store_saved"), 1);
  assert.ok(
    Number(after.value("sluice_store_dict_free_bytes")) < Number(after.value("sluice_store_dict_bytes")),
  );
});

test("each worker shows its Lua memory, also after a reload", async (context) => {
  const gateway = await startGateway(context, { servers: [someAddress(1)], workers: 3 });
  const assertWorkers = async () => {
    const metrics = await waitFor("the workers have slots", async () => {
      const found = await scrape(gateway);
      return found.value("sluice_workers_without_slot") === 0 && found;
    });
    const memory = metrics.all("sluice_worker_lua_memory_bytes");
    assert.deepEqual(
      memory.map(({ labels }) => labels.worker),
      ["0", "1", "2"],
    );
    for (const { value } of memory) assert.ok(value > 100_000 && value < 1e9, `${value} bytes`);
    assert.equal(metrics.value("sluice_workers"), 3);
    assert.equal(metrics.all("sluice_build_info").length, 1);
  };
  await assertWorkers();
  await gateway.reload();
  await assertWorkers();
});
