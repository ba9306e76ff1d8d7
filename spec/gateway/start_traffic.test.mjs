/** `npm start -- --traffic`: what a page that watches the gateway has to show. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { startTraffic } from "../../scripts/traffic.mjs";
import { startBackends } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { eventsOf } from "./support/health.mjs";
import { freePort } from "./support/ports.mjs";
import { peersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** The location of nginx.conf for upstreams that are created at run time. */
const dynamic = `location ~ ^/dynamic/[^/]+/ {
  rewrite ^/dynamic/(?<sluice_upstream>[^/]+)(/.*)$ $2 break;
  proxy_pass http://sluice_dynamic;
}`;

test("the traffic reaches both upstreams, a server is slow, and one fails and recovers", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => address);
  const gateway = await startGateway(context, { servers, traffic: dynamic });
  const { api } = gateway;
  const ports = { slowPort: await freePort(), failingPort: await freePort() };
  const stopTraffic = await startTraffic({
    ...ports,
    trafficPort: gateway.port,
    apiPort: gateway.apiPort,
    goodPorts: servers.map((server) => Number(server.split(":")[1])),
    failures: { begins: 5000, lasts: 8000, every: 16_000 },
  });
  let isStopped = false;
  atEnd(context, () => (isStopped ? undefined : stopTraffic()));
  const [slow, failing] = [`127.0.0.1:${ports.slowPort}`, `127.0.0.1:${ports.failingPort}`];
  await waitFor(
    "the server fails its checks and passes them again",
    async () => {
      const states = (await eventsOf(api, failing, "demo")).map(({ new_state }) => new_state);
      return states.includes("unhealthy") && states.at(-1) === "up";
    },
    120_000,
  );
  const peers = await peersOf(api, "demo");
  for (const [address, { requests }] of peers) assert.ok(requests > 5, `${address}: ${requests} requests`);
  const times = servers.map((address) => peers.get(address).response_time);
  assert.ok(peers.get(slow).response_time > Math.max(...times), `${peers.get(slow).response_time}, ${times}`);
  for (const { requests } of (await peersOf(api)).values()) assert.ok(requests > 5);

  isStopped = true;
  await stopTraffic();
  assert.equal((await api.get(sluice("demo"))).status, 404, "the upstream is deleted");
});

test("npm start refuses other options with one line", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, "scripts/start.mjs"), "--more"],
    {
      encoding: "utf8",
    },
  );
  assert.deepEqual([status, stdout, stderr], [1, "", "usage: npm start [-- --traffic]\n"]);
});
