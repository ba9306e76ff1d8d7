/** The cost of `explain` for the workers, and the data that it uses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { heapOf, heapPage } from "../gateway/support/worker_memory.mjs";
import { lives } from "./support/lives.mjs";
import { reportTo } from "./support/reporting.mjs";
import { explain } from "./support/scaled.mjs";

test("explaining all upstreams does not fill the worker's memory, and keeps the prediction of the last upstream", async (context) => {
  const servers = Array.from({ length: 20 }, (_, number) => ({ server: someAddress(number) }));
  const names = Array.from({ length: 60 }, (_, number) => `u${number}`);
  const [backend, other] = await startBackends(context, 2);
  const app = { servers: [{ server: backend.address }, { server: other.address }] };
  const upstreams = { app, ...Object.fromEntries(names.map((name) => [name, { servers }])) };
  const gateway = await startGateway(context, { workers: 1, upstreams, api: heapPage });
  const { api } = gateway;
  for (const name of names.slice(0, 2)) await explain(api, name);
  const before = await heapOf(gateway);
  for (const name of names) assert.notEqual((await explain(api, name)).next.id, undefined);
  const grown = (await heapOf(gateway)) - before;
  // 20 servers take about 20 kB.
  assert.ok(grown < 300_000, `${grown} bytes more`);
  for (let turn = 0; turn < 4; turn += 1) {
    const { next } = await explain(api);
    assert.deepEqual((await explain(api)).next, next);
    assert.equal(
      (await ask(gateway.port)).text,
      next.server,
      "the first request goes to the predicted server",
    );
  }
});

test("an expired report counts neither for the state nor for the prediction", async (context) => {
  const servers = [0, 1].map((number) => ({ server: someAddress(number), weight: 1 + 99 * (1 - number) }));
  const upstreams = { app: { servers, load: { expiry: "1s" } } };
  const { api } = await startGateway(context, { workers: 1, upstreams });
  await explain(api);
  await api.expect(204, "POST", reportTo(0), { state: "drain" });
  assert.equal((await explain(api)).servers[0].state, "draining");
  await sleep(1100);
  await api.expect(204, "POST", reportTo(1), { state: "drain" });
  const { servers: shown, next } = await explain(api);
  assert.deepEqual([shown[0].state, shown[1].state, next.id], ["up", "draining", 0]);
});

test("a backup keeps its weight although it reports a load, and the reason is shown", async (context) => {
  const load = { update: "100ms", blackout: "0s" };
  const servers = [{ server: someAddress(0) }, { server: someAddress(1), backup: true, weight: 3 }];
  const { api } = await startGateway(context, { upstreams: { app: { load, servers } } });
  await api.expect(204, "POST", reportTo(1), { utilization: 0.9 });
  const { weight } = (await explain(api)).servers[1];
  assert.deepEqual(
    [weight.effective, weight.reason],
    [3, "as configured: the weight of a backup server does not follow its load"],
  );
});

test("the picks of the last minute survive reloads", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startGateway(context, { workers: 2, servers: [backend.address] });
  // In the first second the first minute begins.
  await sleep(1500);
  const began = performance.now();
  const { finished } = startLoad(context, { port: gateway.port, connections: 4, total: 300 });
  await finished;
  for (let turn = 0; turn < 3; turn += 1) {
    await lives["a reload"](gateway);
    await sleep(1500);
    const { picks } = (await explain(gateway.api)).servers[0];
    const passed = performance.now() - began;
    assert.equal(picks, 300, `after ${turn + 1} reloads and ${passed} ms`);
  }
});
