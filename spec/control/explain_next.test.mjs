/** The server that `explain` names as next receives the next request. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { explain } from "./support/scaled.mjs";

/**
 * Waits until no request is counted as in flight. Returns the answer of `explain`.
 * @param {import("../gateway/support/api.mjs").Api} api
 */
const settled = (api, query = "") =>
  waitFor("no request is in flight", async () => {
    const explained = await explain(api, "app", query);
    return explained.servers.every(({ active }) => active === 0) && explained;
  });

/**
 * Starts a gateway with one worker. Each worker has its own rotation, and the test must ask the worker that
 * serves.
 * @param {import("node:test").TestContext} context
 */
async function startOne(context, settings = {}) {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }, index) => ({ server: address, weight: [1, 3, 2, 1][index] }));
  const upstreams = {
    app: { ...settings, servers: servers.slice(0, settings.method === "ip_hash" ? 3 : 4) },
  };
  const http = "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;";
  const gateway = await startGateway(context, { workers: 1, upstreams, http });
  return { gateway, api: gateway.api, backends };
}

for (const method of ["round_robin", "least_conn", "least_time"]) {
  test(`${method}: the predicted server receives the next request, also when a server is full`, async (context) => {
    const settings = method === "least_time" ? { method, least_time: { measure: "header" } } : { method };
    const { gateway, api, backends } = await startOne(context, settings);
    const seen = new Set();
    for (let number = 0; number < 40; number += 1) {
      const { next } = await settled(api);
      const again = await settled(api);
      assert.deepEqual(again.next, next, "explain does not change the next choice");
      const { headers } = await ask(gateway.port);
      assert.equal(headers["x-backend"], next.server, `request ${number}`);
      assert.equal(next.reason, "by the state of the method in this worker");
      assert.equal(again.servers.find(({ id }) => id === next.id).server, next.server);
      seen.add(next.server);
    }
    assert.ok(seen.size > (method === "least_time" ? 0 : 3), `${seen.size} were next`);
    await api.expect(200, "PATCH", `${serversOf()}/1`, { max_conns: 1 });
    backends[1].behaviour = { delay: 2000 };
    // One request stays at the server; the others end quickly.
    const slow = [];
    await waitFor("the server is full", async () => {
      slow.push(ask(gateway.port));
      await Promise.race([
        slow.at(-1),
        waitFor("the request is at the server", () => backends[1].active === 1).catch(() => {}),
      ]);
      return backends[1].active === 1;
    });
    const { next } = await explain(api);
    assert.notEqual(next.id, 1);
    await Promise.all(slow);
  });
}

for (const [name, settings] of Object.entries({
  hash: { method: "hash", hash: { key: "$arg_user" } },
  "consistent hash": { method: "hash", hash: { key: "$arg_user", consistent: true } },
})) {
  test(`${name}: requests with a key go to the server that is predicted for the key`, async (context) => {
    const { gateway, api, backends } = await startOne(context, settings);
    const seen = new Set();
    for (let number = 0; number < 60; number += 1) {
      const { next } = await settled(api, `?key=user%20${number}`);
      const { headers } = await ask(gateway.port, `/?user=user%20${number}`);
      // nginx does not decode $arg_user.
      const { next: raw } = await settled(api, `?key=user%2520${number}`);
      assert.equal(headers["x-backend"], raw.server);
      assert.equal(next.reason, "by its key");
      seen.add(raw.server);
    }
    assert.equal(seen.size, backends.length);
    const { next } = await settled(api);
    assert.equal(next.reason, "by the state of the method in this worker", "without a key");
    assert.equal((await ask(gateway.port)).headers["x-backend"], next.server);
    await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
    for (let number = 0; number < 20; number += 1) {
      const { next: other } = await settled(api, `?key=${number}`);
      assert.notEqual(other.id, 0);
      assert.equal((await ask(gateway.port, `/?user=${number}`)).headers["x-backend"], other.server);
    }
  });
}

test("ip_hash: requests from an address go to the server that is predicted for the address", async (context) => {
  const { gateway, api } = await startOne(context, { method: "ip_hash" });
  const seen = new Set();
  for (let number = 0; number < 40; number += 1) {
    const address = number % 4 === 3 ? `2001:db8:${number}::1` : `10.${number * 5}.7.${number}`;
    const { next } = await settled(api, `?key=${address}`);
    const { headers } = await ask(gateway.port, "/", { headers: { "X-Real-IP": address } });
    assert.equal(headers["x-backend"], next.server, address);
    assert.equal(next.reason, "by its key");
    seen.add(next.server);
  }
  assert.equal(seen.size, 3);
});

test("random: the next server is drawn at random and cannot be predicted", async (context) => {
  const { api } = await startOne(context, { method: "random" });
  assert.deepEqual((await explain(api)).next, { reason: "the server is chosen at random" });
  await api.expect(200, "PATCH", sluice(), { method: "round_robin" });
  assert.notEqual((await explain(api)).next.id, undefined);
});
