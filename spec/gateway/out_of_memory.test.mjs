/** When the shared dict is too small, a write is refused and nothing else is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

/**
 * Repeats a write until it is refused.
 * @param {(number: number) => Promise<import("./support/api.mjs").Answer>} write
 * @param {number} [from] the number of existing objects
 * @returns {Promise<number>} the number of objects after that
 */
async function fill(write, from = 0) {
  for (let number = from; number < 20_000; number += 1) {
    const { status, body, text } = await write(number);
    if (status === 200 || status === 201) continue;
    assert.deepEqual([status, body?.error?.code], [500, "UpstreamOutOfMemory"], text);
    return number;
  }
  throw new Error("the dict was never full");
}

/**
 * Adds servers to the upstream "big", most of them with a few large writes, until one is refused.
 * @param {import("./support/api.mjs").Api} api
 * @returns {Promise<number>} the number of its servers after that
 */
async function fillBig(api) {
  let count = 0;
  for (let wanted = 32; ; wanted = Math.ceil(wanted * 1.2)) {
    const servers = Array.from({ length: wanted }, (_, number) => ({ server: someAddress(number) }));
    const { status } = await api.put(sluice("big"), { servers });
    if (status !== 200) break;
    count = wanted;
  }
  return fill((number) => api.post(serversOf("big"), { server: someAddress(number) }), count);
}

/** @param {import("node:test").TestContext} context @param {string} dict */
async function startSmallGateway(context, dict) {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { dict, servers: [backend.address], upstreams: { big: {} } });
  return { backend, gateway, api: gateway.api };
}

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/backend.mjs").Backend} backend
 */
async function assertServes(gateway, backend) {
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway.port)));
  for (const { status, text } of answers) assert.deepEqual([status, text], [200, backend.id]);
}

test("a change that makes an upstream too large for the memory is refused and changes nothing", async (context) => {
  const { gateway, api, backend } = await startSmallGateway(context, "128k");
  const add = (number) => api.post(serversOf("big"), { server: someAddress(number) });
  const count = await fillBig(api);
  assert.ok(count > 50, `${count} servers fit into 128k`);

  const full = await api.configuration();
  assert.equal((await api.get(serversOf("big"))).body.length, count, "every acknowledged server exists");
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await add(30_000 + turn)).status, 500);
  assert.equal(await api.configuration(), full, "a refused write changes nothing");
  await assertServes(gateway, backend);

  for (let id = 0; id < 20; id += 1) await api.expect(200, "DELETE", `${serversOf("big")}/${id}`);
  const { status, text } = await add(40_000);
  assert.equal(status, 201, `deleting makes room: ${text}`);
});

test("upstreams that exceed the memory are refused, and the others stay unchanged", async (context) => {
  const { gateway, api, backend } = await startSmallGateway(context, "256k");
  const put = (number) => api.put(sluice(`u${number}`), { servers: [{ server: someAddress(number) }] });
  const count = await fill(put);
  assert.ok(count > 100, `${count} upstreams fit into 256k`);

  const full = await api.expect(200, "GET", "/api/sluice/1/upstreams");
  assert.equal(Object.keys(full).length, count + 2);
  for (let number = 0; number < count; number += 1) {
    assert.deepEqual(
      full[`u${number}`].servers.map(({ server }) => server),
      [someAddress(number)],
    );
  }
  assert.equal((await put(count)).status, 500);
  assert.equal((await api.get(sluice(`u${count}`))).status, 404, "a refused upstream does not exist");
  await assertServes(gateway, backend);

  await api.expect(204, "DELETE", sluice("u7"));
  const { status, text } = await put(7);
  assert.equal(status, 201, `deleting makes room: ${text}`);
});

test("a PUT that exceeds the memory leaves the upstream unchanged", async (context) => {
  const { gateway, api, backend } = await startSmallGateway(context, "128k");
  const before = await api.configuration();
  const servers = Array.from({ length: 3000 }, (_, number) => ({ server: someAddress(number) }));
  for (const name of ["app", "another"]) {
    const { status, body } = await api.put(sluice(name), { servers });
    assert.deepEqual([status, body.error.code], [500, "UpstreamOutOfMemory"]);
  }
  assert.equal(await api.configuration(), before);
  await assertServes(gateway, backend);
});

test("every acknowledged change fits into memory again at the next start", async (context) => {
  const { gateway, api, backend } = await startSmallGateway(context, "128k");
  await fill((number) => api.put(sluice(`u${number}`), { servers: [{ server: someAddress(number) }] }));
  await fillBig(api);
  for (const end of [() => gateway.killAll(), () => gateway.stop()]) {
    const before = await api.expect(200, "GET", "/api/sluice/1/upstreams");
    await end();
    await gateway.start();
    assert.deepEqual(await api.expect(200, "GET", "/api/sluice/1/upstreams"), before);
    await assertServes(gateway, backend);
  }
});
