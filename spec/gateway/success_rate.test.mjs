/** Outlier detection by success rate: a server that is clearly worse than the others is ejected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ejectionsOf, startWatched } from "./support/ejections.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { peersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

test("success_rate: one server of five that fails every second request is ejected after an interval", async (context) => {
  const { gateway, backends } = await startWatched(context, 5, {
    consecutive_5xx: 5,
    interval: "4s",
    success_rate_minimum_hosts: 5,
    success_rate_request_volume: 30,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
    max_ejection_percent: 20,
  });
  const [bad] = backends;
  let turn = 0;
  bad.server.prependListener("request", () => {
    turn += 1;
    bad.behaviour = turn % 2 === 0 ? { status: 500 } : {};
  });
  const load = startLoad(context, { port: gateway.port, connections: 8 });
  const started = performance.now();
  const [{ server, reason }] = await waitFor("a server is ejected", async () => {
    const ejections = await ejectionsOf(gateway);
    return ejections.length > 0 && ejections;
  });
  const milliseconds = performance.now() - started;
  await load.stop();
  assert.equal(server, bad.address);
  // The other servers have a rate of 100 %, and this server has 50 %. The mean is 90 %, the deviation 20 %,
  // and the threshold 90 - 1.9 × 20.
  const [, threshold] = /^its success rate is below ([\d.]+) %$/.exec(reason) ?? [];
  assert.ok(Math.abs(Number(threshold) - 52) < 3, reason);
  // The first interval begins within 100 ms of the first request.
  assert.ok(milliseconds > 3800, `after ${milliseconds} ms`);
  assert.equal((await peersOf(gateway.api)).get(bad.address).state, "unavail");
  const requests = bad.requests.length;
  for (let number = 0; number < 40; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.equal(bad.requests.length, requests);
});

test("success_rate: responses before it was set do not count", async (context) => {
  const { gateway, backends } = await startWatched(context, 5, { consecutive_5xx: 0 });
  const askMany = () => startLoad(context, { port: gateway.port, connections: 8, total: 500 }).finished;
  backends[0].behaviour = { status: 500 };
  await askMany();
  backends[0].behaviour = {};
  const outlier_detection = { consecutive_5xx: 0, interval: "200ms", success_rate_minimum_hosts: 5 };
  await gateway.api.expect(200, "PATCH", sluice(), { outlier_detection });
  for (let turn = 0; turn < 5; turn += 1) await Promise.all([askMany(), sleep(200)]);
  assert.deepEqual(await ejectionsOf(gateway), []);
});
