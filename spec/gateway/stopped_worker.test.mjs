/** A worker that is stopped while it holds the write lock delays only writes, and only for a limited time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { startBackend } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { locksOf, writeLock } from "./support/locks.mjs";
import { signal } from "./support/processes.mjs";
import { assertOneClearLine } from "./support/start_error.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** A large number of servers, so that a write takes some time. */
const servers = Array.from({ length: 500 }, (_, number) => ({ server: someAddress(number) }));

/**
 * Stops a worker while it holds the write lock. Clients write without a pause for this purpose.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function stopWriter(gateway) {
  const written = { to: true };
  const writing = [1, 2, 3, 4].map(async (number) => {
    const api = new Api({ port: gateway.apiPort });
    for (let weight = 1; written.to; weight += 1) {
      const weighted = servers.map((server) => ({ ...server, weight: 1 + (weight % 9) }));
      // The worker of this request may be killed.
      await api.put(sluice(`busy-${number}`), { servers: weighted }).catch(() => {});
    }
  });
  const pid = await waitFor("a worker is stopped while it writes", async () => {
    const writer = gateway.workers().find((worker) => locksOf(worker).includes(writeLock));
    if (writer === undefined) return undefined;
    signal(writer, "SIGSTOP");
    if (locksOf(writer).includes(writeLock)) return writer;
    signal(writer, "SIGCONT");
    return undefined;
  });
  written.to = false;
  return {
    pid,
    /** Lets the worker continue, and waits for the writers. */
    async goOn() {
      signal(pid, "SIGCONT");
      await Promise.all(writing);
    },
  };
}

/** Waits until each of some workers has answered requests. @param {number} port @param {number[]} pids */
async function allServe(port, pids) {
  const served = new Set();
  await waitFor(`the workers ${pids.join(", ")} serve`, async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(port)));
    for (const { status, headers } of answers) {
      assert.equal(status, 200);
      served.add(Number(headers["x-worker"]));
    }
    return pids.every((pid) => served.has(pid));
  });
}

test("while a stopped worker holds the lock, new workers serve at once and a reload succeeds", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const stopped = await stopWriter(gateway);

  const others = gateway.workers().filter((pid) => pid !== stopped.pid);
  await gateway.killWorker(others[0]);
  await allServe(
    gateway.port,
    gateway.workers().filter((pid) => pid !== stopped.pid),
  );

  const before = await gateway.reload();
  const fresh = gateway.workers().filter((pid) => !before.includes(pid));
  await allServe(gateway.port, fresh);

  assertErrorBody(await gateway.api.post(serversOf(), { server: "127.0.0.2:9" }), 503, "StoreBusy");
  await stopped.goOn();
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
});

test("while a stopped worker holds the lock, a reload that must write fails with one clear message", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const stopped = await stopWriter(gateway);

  const before = gateway.workers();
  gateway.configure({ upstreams: { fresh: { servers } } });
  signal(gateway.master, "SIGHUP");
  const reason = new RegExp(
    `resty.sluice: could not create upstream fresh: could not lock the store: process ${stopped.pid} holds the lock`,
  );
  gateway.log.allow(reason);
  await waitFor("the reload is refused", () => gateway.log.severeEntries().length > 0);
  assertOneClearLine(gateway.log.severeEntries(), reason);
  await allServe(
    gateway.port,
    before.filter((pid) => pid !== stopped.pid),
  );
  assert.deepEqual(gateway.workers().toSorted(), before.toSorted());

  await stopped.goOn();
  await gateway.reload();
  await gateway.api.expect(200, "GET", sluice("fresh"));
});
