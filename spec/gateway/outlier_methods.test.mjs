/** The lost weights of outliers with each method that uses weights, and with bound clients. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startGateway } from "./support/gateway.mjs";
import { askKeys } from "./support/keys.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { failSometimes, followPart, LEAST, nextShare, prepareJudged, sendTo } from "./support/outliers.mjs";
import { askEach, newClients } from "./support/sessions.mjs";
import { sluice } from "./support/upstreams.mjs";

useWorkers(4);

/** Workers follow a changed weight within a quarter of a second. */
const FOLLOWED = 500;

/** @param {import("node:test").TestContext} context @param {object} settings @param {object} [more] limits */
async function start(context, settings, more = {}) {
  const limits = { mode: "degrade", ...more };
  const { backends, options } = await prepareJudged(context, 4, limits, settings);
  const gateway = await startGateway(context, options);
  gateway.log.allow(/loses weight step by step/);
  return { backends, gateway };
}

for (const settings of [
  { method: "least_conn" },
  { method: "least_time", least_time: { measure: "header" } },
  { method: "least_load" },
  { method: "random" },
  { method: "random", random: { two: "least_conn" } },
  { method: "round_robin", zones: {} },
]) {
  const { method, ...rest } = settings;
  test(`${method} ${JSON.stringify(rest)} follows a lost weight`, async (context) => {
    // Some methods avoid a failing server by themselves. It therefore loses its weight with another method,
    // and has a lower weight than it deserves while these requests are counted.
    const { backends, gateway } = await start(context, {}, { step_up_percent: 1 });
    const mend = failSometimes(backends[0]);
    const load = sendTo(context, gateway);
    await followPart(gateway, LEAST);
    await gateway.api.expect(200, "PATCH", sluice(), settings);
    mend();
    await sleep(FOLLOWED);
    const share = await nextShare(backends);
    await load.stop();
    assert.ok(share < 0.17, `its share is ${share}; it was 0.25, and by weight it is 0.05 ÷ 3.05`);
  });
}

/** Lets the first server answer late. @param {import("./support/backend.mjs").Backend[]} backends */
function slowDown(backends) {
  for (const [index, backend] of backends.entries()) backend.behaviour = { delay: index === 0 ? 150 : 5 };
}

test("hash consistent moves only keys of the outlier", async (context) => {
  const settings = { method: "hash", hash: { key: "$uri", consistent: true } };
  const { backends, gateway } = await start(context, settings);
  const keys = Array.from({ length: 400 }, (_, number) => ({ path: `/key/${number}` }));
  const before = await askKeys(gateway.port, keys);
  slowDown(backends);
  sendTo(context, gateway, { path: (number) => `/${number}` });
  await followPart(gateway, LEAST);
  await sleep(FOLLOWED);
  const after = await askKeys(gateway.port, keys);
  const moved = before.filter((id, index) => id !== after[index]);
  const [{ id }] = backends;
  const kept = after.filter((its) => its === id).length;
  assert.deepEqual(new Set(moved), new Set([id]), "other keys stay where they are");
  assert.ok(kept < 30, `the outlier keeps ${kept} of ${before.filter((its) => its === id).length} keys`);
});

test("bound clients stay with an outlier, and new clients go elsewhere", async (context) => {
  const { backends, gateway } = await start(context, { sticky: { cookie: { name: "srv" } } });
  const clients = await newClients(gateway.port, 40);
  slowDown(backends);
  sendTo(context, gateway);
  await followPart(gateway, LEAST);
  await sleep(FOLLOWED);
  assert.ok(clients.some(({ server }) => server === backends[0].id));
  assert.deepEqual(await askEach(clients), []);
  const later = await newClients(gateway.port, 60);
  const its = later.filter(({ server }) => server === backends[0].id).length;
  assert.ok(its <= 6, `${its} of 60 new clients`);
});
