/** The state that `autoscale` keeps, and changes and registrations of standby servers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackend } from "../gateway/support/backend.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { ends, lives } from "./support/lives.mjs";
import {
  decisionsOf,
  explain,
  report,
  startScaled,
  statesOf,
  told,
  waitForDecisions,
} from "./support/scaled.mjs";

for (const [name, end] of Object.entries(lives)) {
  test(`the time of high load survives ${name}`, async (context) => {
    const lasts = 2500;
    const { gateway, api } = await startScaled(context, { autoscale: { for: `${lasts}ms` } });
    await report(api, [0.9]);
    const since = await waitFor(
      "the gateway has seen the high load",
      async () => (await explain(api)).autoscale.high_since,
    );
    await end(gateway);
    assert.equal((await explain(api)).autoscale.high_since, since);
    const [{ time, id, inputs }] = await waitForDecisions(api, 1);
    assert.deepEqual([id, inputs.utilization], [1, 0.9]);
    const milliseconds = Date.parse(time) - Date.parse(since);
    // The time is counted from `since` and has not been restarted. The clocks of the two times advance in
    // steps of some milliseconds.
    assert.ok(milliseconds >= lasts - 20, `after ${milliseconds} ms`);
  });
}

test("active standby servers and the cooldown survive reloads, killed workers and restarts", async (context) => {
  const autoscale = { cooldown: "1h" };
  const { gateway, api, backends } = await startScaled(context, { waiting: 2, autoscale });
  await report(api, [0.9]);
  assert.deepEqual(told(await waitForDecisions(api, 1)), ["scale_out 1"]);
  const { scaled_at } = (await explain(api)).autoscale;
  for (const [name, end] of Object.entries(ends)) {
    await end(gateway);
    assert.deepEqual(await statesOf(api), ["up", "up", "down"], name);
    assert.ok(
      Math.abs(Date.parse((await explain(api)).autoscale.scaled_at) - Date.parse(scaled_at)) < 100,
      name,
    );
    const had = backends.map(({ requests }) => requests.length);
    const load = startLoad(context, { port: gateway.port, connections: 4, total: 40 });
    await load.finished;
    assert.deepEqual([...load.errors], [], name);
    const got = backends.map(({ requests }, index) => requests.length - had[index]);
    assert.ok(got[0] > 10 && got[1] > 10 && got[2] === 0, `${name}: ${got}`);
    await report(api, [0.9, 0.9]);
  }
  const number = (await decisionsOf(api)).length;
  await sleep(500);
  assert.equal((await decisionsOf(api)).length, number, "the cooldown has not ended");
  const { autoscale: now } = await api.expect(200, "GET", sluice());
  await api.expect(200, "PATCH", sluice(), { autoscale: { ...now, cooldown: "1s" } });
  const decisions = await waitForDecisions(api, number + 1);
  assert.deepEqual(told(decisions.slice(number)), ["scale_out 2"]);
});

test("active standby servers stay active when autoscale is removed, and when a PUT replaces them unchanged", async (context) => {
  const { api } = await startScaled(context, { waiting: 2, autoscale: { cooldown: "1h" } });
  await report(api, [0.9]);
  await waitForDecisions(api, 1);
  const whole = await api.expect(200, "GET", sluice());
  await api.expect(200, "PUT", sluice(), whole);
  assert.deepEqual(await statesOf(api), ["up", "up", "down"], "replaced by an equal upstream");
  await api.expect(200, "PATCH", sluice(), { autoscale: null });
  assert.deepEqual(await statesOf(api), ["up", "up", "down"]);
  assert.equal((await explain(api)).autoscale, undefined);
});

test("a standby server keeps or loses its activation as each changed parameter requires", async (context) => {
  const { gateway, api } = await startScaled(context, { autoscale: { cooldown: "1h" } });
  await report(api, [0.9]);
  await waitForDecisions(api, 1);
  const patch = (/** @type {object} */ change) => api.expect(200, "PATCH", `${serversOf()}/1`, change);
  const state = async () => (await statesOf(api))[1];
  assert.equal((await patch({ weight: 3 })).in_service, true);
  assert.equal(await state(), "up");
  for (const [change, expected] of [
    [{ drain: true }, "draining"],
    [{ drain: false, down: true }, "down"],
    [{ down: false }, "up"],
  ]) {
    await patch(change);
    assert.equal(await state(), expected, JSON.stringify(change));
  }
  const asked = await api.patch(`${serversOf()}/1`, { in_service: false });
  assert.equal(asked.status, 400, "in_service is not a parameter");
  const other = await startBackend(context);
  const moved = await patch({ server: other.address });
  assert.deepEqual([moved.standby, moved.in_service], [true, undefined]);
  assert.equal(await state(), "down", "a server at another address is not in service");
  await patch({ standby: false });
  assert.equal(await state(), "up");
  await startLoad(context, { port: gateway.port, connections: 2, total: 40 }).finished;
  assert.ok(other.requests.length > 10, "the server receives requests like any other server");
  await patch({ standby: true });
  assert.equal(await state(), "down", "the server is a standby server again");
  const had = other.requests.length;
  await startLoad(context, { port: gateway.port, connections: 2, total: 20 }).finished;
  assert.equal(other.requests.length, had);
});

test("a standby node is activated, and its renewals keep it active", async (context) => {
  const { gateway, api } = await startScaled(context, { waiting: 0, autoscale: { cooldown: "1h" } });
  const { address, requests } = await startBackend(context);
  const body = { server: address, ttl: "3s", standby: true, incarnation: 1 };
  const renew = (/** @type {object} */ change, status = 200) =>
    api.expect(status, "PUT", nodeOf("n"), { ...body, ...change });
  await renew({}, 201);
  assert.deepEqual(await statesOf(api), ["up", "down"]);
  await renew({ report: { utilization: 0.9 } });
  await report(api, [0.9]);
  const [{ id, server }] = await waitForDecisions(api, 1);
  assert.deepEqual([id, server], [1, address]);
  for (const change of [{}, { weight: 2 }, { weight: 2, meta: { zone: "b" } }, {}]) {
    await renew(change);
    assert.equal((await statesOf(api))[1], "up", JSON.stringify(change));
  }
  await gateway.stop();
  await gateway.start();
  await renew({});
  assert.equal((await statesOf(api))[1], "up", "after a restart");
  await startLoad(context, { port: gateway.port, connections: 2, total: 40 }).finished;
  assert.ok(requests.length > 10);
  await renew({ incarnation: 2 }, 201);
  assert.equal((await statesOf(api))[1], "up", "after the node has restarted");
  await renew({ incarnation: 2, standby: false });
  assert.equal((await statesOf(api))[1], "up");
});

for (const [name, sticky] of Object.entries({
  cookie: { cookie: { name: "srv" } },
  route: { route: { variables: ["$cookie_srv"] } },
})) {
  test(`a standby server receives no requests from clients bound to it by a ${name}`, async (context) => {
    const { gateway, api, backends } = await startScaled(context, { standby: { route: "b" } });
    await api.expect(200, "PATCH", sluice(), { sticky });
    await report(api, [0.9]);
    await waitForDecisions(api, 1);
    let cookie = "srv=b";
    await waitFor("a client is bound", async () => {
      const { headers } = await ask(gateway.port);
      const [given] = headers["set-cookie"] ?? [];
      if (given !== undefined) [cookie] = given.split(";");
      return headers["x-backend"] === backends[1].address;
    });
    const askBound = async () => {
      const { status, headers } = await ask(gateway.port, "/", { headers: { Cookie: cookie } });
      return [status, headers["x-backend"]];
    };
    for (let turn = 0; turn < 4; turn += 1) assert.deepEqual(await askBound(), [200, backends[1].address]);
    await report(api, [0.1, 0.1]);
    await waitForDecisions(api, 2);
    for (let turn = 0; turn < 4; turn += 1) assert.deepEqual(await askBound(), [200, backends[0].address]);
    await report(api, [0.9, 0.9]);
    await waitForDecisions(api, 3);
    for (let turn = 0; turn < 4; turn += 1) assert.deepEqual(await askBound(), [200, backends[1].address]);
  });
}
