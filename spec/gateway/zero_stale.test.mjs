/** After a write is acknowledged, no request that begins later sees the previous state, on any worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { times } from "./support/repeat.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/**
 * Starts a gateway with two servers under load on every worker, and a third server that is not added.
 * @param {import("node:test").TestContext} context
 */
async function startLoadedGateway(context) {
  const [first, second, third] = await startBackends(context, 3);
  // With one listening socket per worker, the connections are spread over all workers.
  const gateway = await startGateway(context, {
    servers: [first.address, second.address],
    listen: "reuseport",
  });
  const load = startLoad(context, { port: gateway.port, connections: 40 });
  const api = new Api({ port: gateway.apiPort, keepAlive: true });
  await load.round();
  return { gateway, load, api, first, second, third };
}

/**
 * Removes the third server, and asserts that it receives no request that began after the acknowledgement. The
 * server is not added again before this function returns, so every later request in its record is stale.
 * @param {{ load: import("./support/load.mjs").Load, third: import("./support/backend.mjs").Backend }} loaded
 * @param {() => Promise<unknown>} takeOut
 */
async function assertNoneAfter({ load, third }, takeOut) {
  await takeOut();
  const acknowledged = performance.now();
  await load.round();
  const stale = third.requests.filter(({ started }) => started > acknowledged);
  assert.equal(stale.length, 0, `a server received ${stale.length} requests after its removal`);
}

/** @param {{ third: import("./support/backend.mjs").Backend }} loaded */
async function waitForRequests({ third }) {
  const before = third.requests.length;
  await waitFor("the third server gets requests", () => third.requests.length > before);
}

const deletions = times(100);

test(`a deleted server receives no further request, ${deletions} times under load`, async (context) => {
  const loaded = await startLoadedGateway(context);
  const { api, load, third } = loaded;
  for (let turn = 0; turn < deletions; turn += 1) {
    const { id } = await api.expect(201, "POST", serversOf(), { server: third.address });
    await waitForRequests(loaded);
    await assertNoneAfter(loaded, () => api.expect(200, "DELETE", `${serversOf()}/${id}`));
  }
  await load.stop();
  assert.deepEqual([...load.errors], [], "no request fails");
  assert.equal(load.workers.size, 4, "every worker served requests");
  assert.ok(third.requests.length >= deletions, `the third server had ${third.requests.length} requests`);
});

test("a server receives no further request, in whichever way it is taken out", async (context) => {
  const loaded = await startLoadedGateway(context);
  const { api, load, first, second, third } = loaded;
  const { id } = await api.expect(201, "POST", serversOf(), { server: third.address });
  const path = `${serversOf()}/${id}`;
  const withThird = [first, second, third].map(({ address }) => ({ server: address }));
  const without = withThird.slice(0, 2);
  const ways = [
    [
      () => api.expect(200, "PATCH", path, { down: true }),
      () => api.expect(200, "PATCH", path, { down: false }),
    ],
    [
      () => api.expect(200, "PATCH", path, { drain: true }),
      () => api.expect(200, "PATCH", path, { drain: false }),
    ],
    [
      () => api.expect(200, "PUT", sluice(), { servers: without }),
      () => api.expect(200, "PUT", sluice(), { servers: withThird }),
    ],
    [
      () => api.expect(200, "DELETE", `${serversOf()}?server=${third.address}`),
      () => api.expect(201, "POST", serversOf(), { server: third.address }),
    ],
    [
      () => api.expect(200, "PATCH", sluice(), { servers: without }),
      () => api.expect(200, "PATCH", sluice(), { servers: withThird }),
    ],
  ];
  for (const [index, [takeOut, putBack]] of ways.entries()) {
    // A PUT creates a server with another id, so the changes by id come first.
    for (let turn = 0; turn < times(6); turn += 1) {
      await assertNoneAfter(loaded, takeOut);
      await putBack();
      await waitForRequests(loaded);
    }
    assert.deepEqual([...load.errors], [], `what clients saw, way ${index}`);
  }
});

test("an added server receives the next request of every worker", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, { servers: [one.address], listen: "reuseport" });
  const workers = new Set();
  for (let turn = 0; turn < times(24); turn += 1) {
    const wanted = turn % 2 === 0 ? other : one;
    await gateway.api.expect(200, "PUT", sluice(), { servers: [{ server: wanted.address }] });
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port)));
    for (const { status, text, headers } of answers) {
      workers.add(headers["x-worker"]);
      assert.deepEqual({ status, text }, { status: 200, text: wanted.id });
    }
  }
  assert.equal(workers.size, 4, "every worker served requests");
});
