/**
 * Issues of other systems about slow start, limits and ejections, one test each. health_regressions.test.mjs
 * lists issues that other specs cover and issues without a test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { noneIsLeft } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { assertShare } from "./support/shares.mjs";
import { peersOf, serversOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

test("Kong #4864: no request fails while a target is toggled", async (context) => {
  const backends = await startBackends(context, 3);
  const gateway = await startGateway(context, { servers: backends.map(({ address }) => address) });
  const load = startLoad(context, { port: gateway.port, connections: 16, pause: 15 });
  for (let turn = 0; turn < 60; turn += 1)
    await gateway.api.expect(200, "PATCH", `${serversOf()}/${turn % 2}`, { down: turn % 4 < 2 });
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.ok(load.answers > 100);
});

test("kubernetes-ingress #287, NGF #2161, Traefik #4845, APISIX #4838: slow start for a new server, without checks", async (context) => {
  const [old, added] = await startBackends(context, 2);
  const seed = { server: old.address, slow_start: "2s" };
  const gateway = await startGateway(context, { upstreams: { app: { servers: [seed] } } });
  const ramp = { from: Date.now(), until: 0, lasts: 2000 };
  await gateway.api.expect(201, "POST", serversOf(), { server: added.address, slow_start: "2s" });
  ramp.until = Date.now();
  await assertShare(context, gateway, added, ramp, [0, 400]);
  await assertShare(context, gateway, added, ramp, [2400, 2800]);
});

test("NGINX Plus (docs), Kong #4557, ingress-nginx #7508: max_conns holds over all workers and kept connections", async (context) => {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { delay: 10 };
  const servers = backends.map(({ address }) => ({ server: address, max_conns: 5 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  gateway.log.allow(noneIsLeft);
  const peaks = watchPeaks(backends);
  const load = startLoad(context, { port: gateway.port, connections: 64 });
  await waitFor("both servers are full", () => peaks.highest().every((highest) => highest >= 5));
  await waitFor("every worker took part", () => load.workers.size === 4);
  for (let round = 0; round < 8; round += 1) await load.round();
  await load.stop();
  peaks.stop();
  assert.deepEqual(peaks.highest(), [5, 5]);
  assert.deepEqual([...load.errors.keys()], ["status 502"]);
  await waitFor("no request is in flight", async () => {
    return [...(await peersOf(gateway.api)).values()].every(({ active }) => active === 0);
  });
});

test("Envoy #3263, #26877, #27066: one server of a small cluster may be ejected, but never the last one", async (context) => {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { status: 500 };
  const servers = backends.map(({ address }) => ({ server: address }));
  const outlier_detection = { consecutive_5xx: 2, base_ejection_time: "1h", max_ejection_time: "1h" };
  const gateway = await startGateway(context, { upstreams: { app: { servers, outlier_detection } } });
  for (let turn = 0; turn < 40; turn += 1) assert.equal((await ask(gateway.port)).status, 500);
  const states = [...(await peersOf(gateway.api)).values()].map(({ state }) => state);
  assert.deepEqual(states.sort(), ["unavail", "up"]);
});

test("APISIX #12217: least_conn keeps the counts of requests in flight when servers change", async (context) => {
  const [busy, idle] = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    upstreams: { app: { method: "least_conn", servers: [{ server: busy.address }] } },
    listen: "reuseport",
  });
  const held = Array.from({ length: 8 }, () => ask(gateway.port, "/?delay=1500"));
  await waitFor("eight requests are in flight", () => busy.active === 8);
  await gateway.api.expect(201, "POST", serversOf(), { server: idle.address });
  const third = await startBackend(context);
  const { id } = await gateway.api.expect(201, "POST", serversOf(), { server: third.address });
  await gateway.api.expect(200, "DELETE", `${serversOf()}/${id}`);
  for (let turn = 0; turn < 24; turn += 1) assert.equal((await ask(gateway.port)).text, idle.id);
  await Promise.all(held);
});
