/**
 * Tests the intervals of active health checks for a minute. spec/gateway/probes.test.mjs does the same for
 * ten seconds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { useWorkers } from "../gateway/support/nginx.mjs";
import { startProbed, startProber } from "../gateway/support/probes.mjs";

useWorkers(4);

const SECONDS = 66;
const INTERVAL = 1000;
/** Tolerance of a probe's time on a busy machine, in milliseconds. */
const TOLERANCE = 300;

for (const jitter of [0, 200]) {
  test(`four workers probe each server once an interval, jitter ${jitter} ms, through reloads and kills`, async (context) => {
    const servers = [];
    for (let number = 0; number < 40; number += 1) servers.push(await startProbed(context));
    const addresses = servers.map(({ address }) => address);
    const gateway = await startProber(context, { interval: "1s", jitter: `${jitter}ms` }, addresses);
    const started = performance.now();
    for (let turn = 0; turn < 3; turn += 1) {
      await sleep(10 * INTERVAL);
      await gateway.reload();
      await sleep(10 * INTERVAL);
      await gateway.killWorker(gateway.workers()[turn]);
    }
    await sleep(SECONDS * INTERVAL - (performance.now() - started));
    const elapsed = performance.now() - started;
    for (const server of servers) {
      for (const gap of server.gaps()) {
        assert.ok(gap > INTERVAL - TOLERANCE, `${server.address}: two probes within ${gap} ms`);
        assert.ok(gap < INTERVAL + jitter + TOLERANCE, `${server.address}: no probe for ${gap} ms`);
      }
      // No probe is added and none is left out. The first one comes within the first interval.
      const most = Math.ceil(elapsed / INTERVAL);
      const least = Math.floor((elapsed - INTERVAL - TOLERANCE) / (INTERVAL + jitter));
      const count = server.arrivals.length;
      assert.ok(count >= least && count <= most + 1, `${server.address}: ${count}, not ${least} to ${most}`);
    }
  });
}
