/** `/workers`: the counters of each worker, and the totals of nginx that DELETE sets to 0. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { assertOnlyIntegers } from "./support/status_types.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** @typedef {import("./support/api.mjs").Api} Api */

/** @param {Api} api @param {string} path */
const read = (api, path) => api.expect(200, "GET", `/api/9/${path}`);

/** @param {Api} api @param {string} path */
const reset = (api, path) => api.expect(204, "DELETE", `/api/9/${path}`);

/** @param {{ http: { requests: { total: number } } }[]} workers */
const totalOf = (workers) => workers.reduce((sum, { http }) => sum + http.requests.total, 0);

/** Waits until every worker has begun its work. @param {import("./support/gateway.mjs").Gateway} gateway */
async function allAreListed(gateway) {
  await waitFor("every worker is listed", async () => {
    const pids = (await read(gateway.api, "workers")).map(({ pid }) => pid);
    return gateway.workers().every((pid) => pids.includes(pid));
  });
}

test("each worker counts its own requests, and the sum equals nginx's count", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address], listen: "reuseport" });
  const { api } = gateway;
  await allAreListed(gateway);
  const answer = await api.get("/api/9/workers");
  assertOnlyIntegers(answer.text);
  const before = totalOf(answer.body);
  await startLoad(context, { port: gateway.port, connections: 40, total: 400 }).finished;
  // A request is logged after its client has the answer. Each reading is another request, which ends later.
  let readings = 0;
  const after = await waitFor("all requests are logged", async () => {
    readings += 1;
    const workers = await read(api, "workers");
    const isIdle = workers.every(({ http }) => http.requests.current === 0);
    return totalOf(workers) >= before + 400 + readings && isIdle && workers;
  });
  assert.ok(totalOf(after) <= before + 400 + readings + 5, "no request is counted twice");
  const { total } = await read(api, "http/requests");
  assert.ok(total >= totalOf(after) && total <= totalOf(after) + 5, `${total}`);
  assert.ok(after.filter(({ http }) => http.requests.total > 0).length > 1, "several workers served");
  for (const { connections } of after)
    assert.equal(connections, undefined, "nginx does not count connections per worker");
});

test("the requests in flight of a worker are counted as current", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const { api } = gateway;
  const clients = [1, 2, 3].map(() => begin(context, gateway.port, "/?hang=1"));
  const current = async () =>
    (await read(api, "workers")).reduce((sum, { http }) => sum + http.requests.current, 0);
  await waitFor("three requests are in flight", async () => (await current()) === 3);
  clients.forEach(({ leave }) => leave());
  await waitFor("no request is in flight", async () => (await current()) === 0);
});

test("a worker is found by its id, the newer worker after a reload, and unknown ids are not found", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  await allAreListed(gateway);
  for (const worker of await read(api, "workers"))
    assert.equal((await read(api, `workers/${worker.id}`)).pid, worker.pid);
  assert.deepEqual(Object.keys(await read(api, "workers/1?fields=pid")), ["pid"]);
  assert.deepEqual(Object.keys((await read(api, "workers?fields=id"))[0]), ["id"]);
  for (const id of ["4", "-1", "01", "1.0", "x", "%2F"]) {
    assertErrorBody(await api.get(`/api/9/workers/${id}`), 404, "WorkerNotFound");
    assertErrorBody(await api.delete(`/api/9/workers/${id}`), 404, "WorkerNotFound");
  }
  const before = gateway.workers();
  await gateway.reload();
  await waitFor("the worker of the new configuration is found", async () => {
    const { pid } = await read(api, "workers/0");
    return !before.includes(pid);
  });
});

test("DELETE sets the totals of workers, requests, connections and deaths to 0", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  const { api } = gateway;
  await allAreListed(gateway);
  await startLoad(context, { port: gateway.port, connections: 8, total: 200 }).finished;
  const hasServed = (await read(api, "workers")).find(({ http }) => http.requests.total >= 50);
  await reset(api, `workers/${hasServed.id}`);
  const others = await read(api, "workers");
  assert.ok(
    others.find(({ id }) => id === hasServed.id).http.requests.total < 50,
    "the count of the worker was reset",
  );
  await reset(api, "workers");
  assert.ok(totalOf(await read(api, "workers")) < 50);

  assert.ok((await read(api, "http/requests")).total > 200);
  await reset(api, "http/requests");
  const requests = await read(api, "http/requests");
  assert.ok(requests.total < 50 && requests.current >= 1, JSON.stringify(requests));

  assert.ok((await read(api, "connections")).accepted > 8);
  await reset(api, "connections");
  const connections = await read(api, "connections");
  assert.ok(connections.accepted < 10 && connections.active >= 1, JSON.stringify(connections));
  assert.equal(connections.dropped, 0);

  await gateway.killWorker();
  await waitFor("the death is counted", async () => (await read(api, "processes")).respawned === 1);
  await reset(api, "processes");
  assert.deepEqual(await read(api, "processes"), { respawned: 0 });
  await gateway.reload();
  assert.deepEqual(await read(api, "processes"), { respawned: 0 }, "a reload does not restore the count");
  await reset(api, "ssl");
});
