/**
 * Every worker has a slot for its counters, whatever the number of workers. A worker without a slot does not
 * serve.
 */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { firstSlotLock, holdLocks, locksOf } from "./support/locks.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { signal } from "./support/processes.mjs";
import { assertOneClearLine } from "./support/start_error.mjs";
import { serversOf, sluice, someAddress, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const noneIsLeft = /no live upstreams while connecting to upstream/;
/** The locks of all slots of a gateway with few workers. */
const slotLocks = Array.from({ length: 256 }, (_, index) => firstSlotLock + index);

/**
 * Starts a server that begins each answer and never ends it.
 * @param {import("node:test").TestContext} context
 */
async function startEndless(context) {
  const backend = await startBackend(context);
  backend.server.removeAllListeners("request").on("request", (_, response) => {
    // Otherwise nginx would buffer the header.
    response.writeHead(200, { "X-Accel-Buffering": "no" }).flushHeaders();
  });
  return backend;
}

/**
 * Begins a request that lasts until its client closes the connection.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 * @returns {Promise<{ worker: number, leave: () => void }>}
 */
function hold(context, port) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, agent: new Agent() }, (response) => {
      response.on("error", () => {}).resume();
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      else resolve({ worker: Number(response.headers["x-worker"]), leave: () => sent.destroy() });
    });
    sent.on("error", reject).end();
    atEnd(context, () => sent.destroy());
  });
}

/**
 * Holds requests until each of some workers has one. Returns the held requests.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 * @param {number[]} workers
 */
async function holdEach(context, port, workers) {
  const held = [];
  await waitFor(`the workers ${workers.join(", ")} have requests`, async () => {
    held.push(await hold(context, port));
    return workers.every((pid) => held.some(({ worker }) => worker === pid));
  });
  return held;
}

test("after five reloads under long requests all workers' requests are counted", async (context) => {
  const backend = await startEndless(context);
  const gateway = await startGateway(context, { servers: [backend.address], listen: "reuseport" });
  const { api } = gateway;
  const held = await holdEach(context, gateway.port, gateway.workers());
  for (let turn = 0; turn < 5; turn += 1) {
    const before = await gateway.reload();
    const fresh = gateway.workers().filter((pid) => !before.includes(pid));
    held.push(...(await holdEach(context, gateway.port, fresh)));
    assert.equal(await sumOf(api, "active"), held.length);
  }
  assert.equal(gateway.workers().length, 24, "all old workers still have requests");
  assert.equal((await api.expect(200, "GET", "/api/9/workers")).length, 24);

  gateway.log.allow(noneIsLeft);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns: held.length });
  for (let number = 0; number < 16; number += 1) assert.equal((await ask(gateway.port)).status, 502);
  held.pop()?.leave();
  await waitFor("one slot of the server is free", async () => (await sumOf(api, "active")) === held.length);
  held.push(await hold(context, gateway.port));

  const idle = someAddress(1);
  const { id } = await api.expect(201, "POST", serversOf(), { server: idle });
  await api.expect(202, "POST", `${sluice()}/servers/0/drain`);
  // If the busy server counted as idle, the same check of the drain jobs would remove both servers.
  await api.expect(202, "POST", `${sluice()}/servers/${id}/drain?force=true`);
  const there = async () => (await api.expect(200, "GET", serversOf())).map(({ server }) => server);
  await waitFor("the idle server is gone", async () => !(await there()).includes(idle));
  assert.deepEqual(await there(), [backend.address]);
  for (const { leave } of held) leave();
  await waitFor("the server is gone once it is idle", async () => (await there()).length === 0);
});

test("a reload that would leave workers without a slot is refused, and the old workers keep running", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address], workers: 1 });
  const [worker] = gateway.workers();
  const free = slotLocks.filter((byte) => !locksOf(worker).includes(byte));
  assert.equal(free.length, slotLocks.length - 1, "a worker has one slot");
  const others = holdLocks(context, gateway.master, free);
  await waitFor("no slot is free", () => others.held.size === free.length);

  const reason = /resty\.sluice: could not start 1 more workers: 256 of at most 256 are running; wait until/;
  gateway.log.allow(reason);
  signal(gateway.master, "SIGHUP");
  await waitFor("the reload is refused", () => gateway.log.severeEntries().length > 0);
  assertOneClearLine(gateway.log.severeEntries(), reason);
  assert.equal((await ask(gateway.port)).text, backend.id);
  assert.deepEqual(gateway.workers(), [worker]);

  await others.release();
  await gateway.reload();
  assert.equal((await ask(gateway.port)).text, backend.id);
});

test("a worker without a slot answers 502 until a slot is free", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address], workers: 1 });
  const { api } = gateway;
  const [worker] = gateway.workers();
  const own = slotLocks.filter((byte) => locksOf(worker).includes(byte));
  const others = holdLocks(context, gateway.master, [
    ...slotLocks.filter((byte) => !own.includes(byte)),
    ...own,
  ]);
  await waitFor("no slot is free", () => others.held.size === slotLocks.length - 1);
  gateway.log.allow(noneIsLeft, new RegExp(`worker process ${worker} exited on signal 9`));
  signal(gateway.master, "SIGSTOP");
  signal(worker, "SIGKILL");
  await waitFor("another process holds the slot of the worker", () => others.held.size === slotLocks.length);
  signal(gateway.master, "SIGCONT");
  await waitFor(
    "another worker is there",
    async () => !gateway.workers().includes(worker) && (await api.isThere()),
  );

  assert.equal((await ask(gateway.port)).status, 502);
  await api.expect(201, "POST", serversOf(), { server: someAddress(1), down: true });
  const warnings = gateway.log.entries("warn").filter((line) => line.includes("slot"));
  assert.match(warnings[0], /no slot is free for this worker's counters: it answers 502 until/);
  assert.match(warnings[1], /this worker has no slot for its counters/);
  assert.equal(backend.requests.length, 0);

  await others.release();
  assert.equal((await ask(gateway.port)).text, backend.id);
  assert.equal(await sumOf(api, "requests"), 1);
});
