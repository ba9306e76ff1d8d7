/** Requests without a value for the key of `hash` are balanced by round robin and counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { sluice } from "./support/upstreams.mjs";

useWorkers(4);

const status = "/api/9/http/upstreams/app";
const plain = { method: "hash", hash: { key: "$arg_k" } };
const consistent = { method: "hash", hash: { key: "$arg_k", consistent: true } };

/** @param {import("./support/gateway.mjs").Gateway} gateway */
async function withoutKey(gateway) {
  return (await gateway.api.expect(200, "GET", status)).without_key;
}

for (const config of [plain, consistent]) {
  test(`${JSON.stringify(config.hash)}: spread evenly, and counted over all workers`, async (context) => {
    const backends = await startBackends(context, 4);
    const servers = backends.map(({ address }) => ({ server: address }));
    const gateway = await startGateway(context, {
      upstreams: { app: { ...config, servers } },
      listen: "reuseport",
    });
    const counts = () => backends.map(({ requests }) => requests.length);
    assert.equal(await withoutKey(gateway), 0);

    const paths = ["/", "/?k=", "/?other=1", "/?k"];
    const path = (number) => paths[number % paths.length];
    const load = startLoad(context, { port: gateway.port, connections: 32, total: 800, path });
    await load.finished;
    assert.deepEqual([...load.errors], []);
    assert.ok(load.workers.size > 1);
    assert.equal(await withoutKey(gateway), 800);
    // Each worker is exact over a full cycle, and may be in the middle of a cycle.
    for (const count of counts()) assert.ok(Math.abs(count - 200) <= load.workers.size, `${counts()}`);

    const before = counts();
    for (let turn = 0; turn < 30; turn += 1) assert.equal((await ask(gateway.port, "/?k=one")).status, 200);
    assert.equal(
      counts().filter((count, index) => count > before[index]).length,
      1,
      "all requests with a key go to one server",
    );
    assert.equal(await withoutKey(gateway), 800, "requests with a key are not counted");

    await gateway.reload();
    assert.equal((await ask(gateway.port)).status, 200);
    assert.equal(await withoutKey(gateway), 801, "the count survives a reload");
    await gateway.api.expect(204, "DELETE", status);
    assert.equal(await withoutKey(gateway), 0, "the count is reset with the statistics");
    assert.equal((await ask(gateway.port)).status, 200);
    assert.equal(await withoutKey(gateway), 1);
  });
}

test("requests without a key are spread evenly even with a bound or with a key of several empty variables", async (context) => {
  const backends = await startBackends(context, 4);
  const hash = { key: "${arg_k}$arg_more", consistent: true, balance_factor: 125 };
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { method: "hash", hash, servers } } });
  for (let turn = 0; turn < 20; turn += 1) {
    for (const path of ["/", "/?k=&more=", "/?k=1", "/?more=1"])
      assert.equal((await ask(gateway.port, path)).status, 200);
  }
  assert.equal(await withoutKey(gateway), 40);
  for (const { requests } of backends) assert.ok(requests.some(({ url }) => !url.includes("1")));
});

test("a request without a key counts once, whatever the number of its tries", async (context) => {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startGateway(context, { upstreams: { app: { ...consistent, servers } } });
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  for (const backend of backends.slice(1)) backend.behaviour = { reset: 1 };
  for (let turn = 0; turn < 40; turn += 1) assert.equal((await ask(gateway.port)).status, 200);
  const tries = backends.reduce((sum, { requests }) => sum + requests.length, 0);
  assert.ok(tries >= 80, `${tries} tries were made of 40 requests`);
  assert.equal(await withoutKey(gateway), 40);
});

test("the counter exists only for hash, and starts at zero in a new upstream of the same name", async (context) => {
  const [backend] = await startBackends(context, 1);
  const servers = [{ server: backend.address }];
  const gateway = await startGateway(context, { upstreams: { app: { ...plain, servers } } });
  const { api } = gateway;
  await ask(gateway.port);
  assert.equal(await withoutKey(gateway), 1, "requests to a single server are counted");
  for (const config of [{ method: "round_robin" }, { method: "ip_hash" }, { method: "least_conn" }]) {
    await api.expect(200, "PATCH", sluice(), config);
    await ask(gateway.port);
    assert.equal(await withoutKey(gateway), undefined, config.method);
  }
  await api.expect(204, "DELETE", `${sluice()}?force=true`);
  await api.expect(201, "PUT", sluice(), { ...plain, servers });
  assert.equal(await withoutKey(gateway), 0);
  await ask(gateway.port);
  assert.equal(await withoutKey(gateway), 1);
});
