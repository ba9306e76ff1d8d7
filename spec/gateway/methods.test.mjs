/**
 * Every balancing method serves with four workers, can be changed under load, and never retries the same
 * server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { settledPeersOf, sluice } from "./support/upstreams.mjs";

useWorkers(4);

const cookie = { name: "srv" };

/** Every method with every parameter that changes it. */
const configurations = [
  { method: "round_robin" },
  { method: "least_conn" },
  { method: "least_time" },
  { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
  { method: "random" },
  { method: "random", random: { two: "least_conn" } },
  { method: "random", random: { two: "least_time" } },
  { method: "hash", hash: { key: "$arg_k" } },
  { method: "hash", hash: { key: "$arg_k$uri", consistent: true } },
  { method: "hash", hash: { key: "x${arg_k}y", consistent: true, balance_factor: 125 } },
  { method: "ip_hash" },
  { method: "round_robin", sticky: { cookie } },
  { method: "least_conn", sticky: { route: { variables: ["$cookie_r", "$arg_r"] } } },
];

test("every method distributes requests over all workers and counts them correctly", async (context) => {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  for (const configuration of configurations) {
    await context.test(JSON.stringify(configuration), async () => {
      await gateway.api.expect(200, "PUT", sluice(), { ...configuration, servers });
      await gateway.api.expect(204, "DELETE", "/api/9/http/upstreams/app");
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, number) => ask(gateway.port, `/?k=${number}&delay=5`)),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const peers = await settledPeersOf(gateway.api);
      const counted = [...peers.values()].map(({ requests }) => requests);
      assert.equal(
        counted.reduce((sum, requests) => sum + requests, 0),
        100,
      );
      // All clients have the same address in this test.
      const used = counted.filter((requests) => requests > 0).length;
      assert.equal(used, configuration.method === "ip_hash" ? 1 : 4);
    });
  }
});

test("PATCH of the method under load fails no request and keeps the servers' state", async (context) => {
  const backends = await startBackends(context, 4);
  const gateway = await startGateway(context, { servers: backends.map(({ address }) => address) });
  const load = startLoad(context, { port: gateway.port, connections: 16, path: "/?k=1&delay=1" });
  for (let turn = 0; turn < 2; turn += 1) {
    for (const configuration of configurations) {
      const change = { sticky: null, ...configuration };
      await gateway.api.expect(200, "PATCH", sluice(), change);
      await load.round();
    }
  }
  await load.stop();
  assert.deepEqual([...load.errors], []);
  const peers = await settledPeersOf(gateway.api);
  for (const { address, requests } of backends) {
    assert.equal(peers.get(address).requests, requests.length, "no counts are lost");
    assert.equal(peers.get(address).active, 0);
  }
});

test("a retried request never goes to a server that was already tried", async (context) => {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }, index) => ({
    server: address,
    route: `r${index}`,
    max_fails: 0,
  }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  const [, , , good] = backends;
  for (const backend of backends) backend.behaviour = backend === good ? {} : { reset: 1 };
  for (const configuration of configurations) {
    await context.test(JSON.stringify(configuration), async () => {
      await gateway.api.expect(200, "PUT", sluice(), { ...configuration, servers });
      for (let number = 0; number < 12; number += 1) {
        for (const backend of backends) backend.requests.length = 0;
        const { status, text } = await ask(gateway.port, `/?k=${number}&r=r1`);
        assert.deepEqual([status, text], [200, good.id]);
        for (const { requests } of backends)
          assert.ok(requests.length <= 1, "each server is tried at most once");
      }
    });
  }
});
