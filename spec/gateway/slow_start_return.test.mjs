/**
 * `slow_start` also begins when a server returns from `drain`, `down` or standby, because its caches are as
 * cold as those of a new server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

/** Longer than any test. */
const slow_start = "1h";

/**
 * Returns the fraction of its weight that the second server has.
 * @param {import("./support/api.mjs").Api} api
 * @returns {Promise<number>}
 */
async function partOf(api) {
  const { servers } = await api.expect(200, "GET", `${sluice()}/explain`);
  return servers[1].weight.slow_start;
}

/** @param {object} [second] parameters of the second of two servers @param {object} [settings] */
const upstreams = (second = {}, settings = {}) => ({
  app: {
    ...settings,
    servers: [{ server: someAddress(1) }, { server: someAddress(2), slow_start, ...second }],
  },
});

for (const parameter of ["drain", "down"]) {
  test(`slow_start begins when a server returns from "${parameter}"`, async (context) => {
    const { api } = await startGateway(context, { upstreams: upstreams() });
    assert.equal(await partOf(api), 1, "slow_start does not apply to the first servers of an upstream");
    await api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 3 });
    assert.equal(await partOf(api), 1, "slow_start does not apply to a changed server");
    await api.expect(200, "PATCH", `${serversOf()}/1`, { [parameter]: true });
    await api.expect(200, "PATCH", `${serversOf()}/1`, { [parameter]: false });
    assert.ok((await partOf(api)) < 0.5, "the weight is still low");
  });
}

test("slow_start begins when a server returns by a PUT of the whole upstream, and continues after a restart", async (context) => {
  const gateway = await makeGateway(context, { upstreams: upstreams({ down: true }) });
  await gateway.start();
  const { api } = gateway;
  await api.expect(200, "PUT", sluice(), upstreams().app);
  assert.ok((await partOf(api)) < 0.5, "the weight is still low");
  await gateway.stop();
  await gateway.start();
  assert.ok((await partOf(api)) < 0.5, "the weight is still low after a restart");
});

test('slow_start begins when a server that reported "draining" reports "up"', async (context) => {
  const { api } = await startGateway(context, { upstreams: upstreams() });
  const path = `${sluice()}/servers/1/report`;
  for (const state of ["drain", "up"]) {
    const { status, text } = await api.post(path, { state });
    assert.ok(status < 300, text);
  }
  assert.ok((await partOf(api)) < 0.5, "the weight is still low");
});

test("slow_start does not apply when all servers of an upstream return together", async (context) => {
  const app = { servers: [1, 2].map((number) => ({ server: someAddress(number), slow_start })) };
  const down = { servers: app.servers.map((server) => ({ ...server, down: true })) };
  const { api } = await startGateway(context, { upstreams: { app: down } });
  await api.expect(200, "PUT", sluice(), app);
  assert.equal(await partOf(api), 1, "no other server can receive the requests");
});
