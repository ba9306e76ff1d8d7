/**
 * The options of load on their way: written through either API, read, exported, restored, rolled back,
 * changed in part, and kept over a reload, a restart and a crash.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES, postChanges, revisionOf, ROLLBACK } from "./support/changes.mjs";
import { startGateway } from "./support/gateway.mjs";
import { LOAD_OPTIONS, partsOf } from "./support/load_options.mjs";
import { assertKept, serversOf, sluice } from "./support/upstreams.mjs";

const EXPORT = "/api/sluice/1/upstreams?format=export";
const names = /** @type {(keyof typeof LOAD_OPTIONS)[]} */ (Object.keys(LOAD_OPTIONS));

/** Asserts that each upstream has all the given values. @param {import("./support/api.mjs").Api} api */
async function assertAll(api) {
  for (const name of names) {
    const shown = await api.expect(200, "GET", sluice(name));
    assert.deepEqual(partsOf(shown, LOAD_OPTIONS[name]), LOAD_OPTIONS[name], name);
  }
}

test("each option is shown as it was written, and kept over a reload, a restart and a crash", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  for (const name of names) await gateway.api.expect(201, "PUT", sluice(name), LOAD_OPTIONS[name]);
  await assertAll(gateway.api);
  await assertKept(gateway);
  await assertAll(gateway.api);
});

test("seeds of setup may have each option", async (context) => {
  const gateway = await startGateway(context, { upstreams: LOAD_OPTIONS });
  await assertAll(gateway.api);
  await assertKept(gateway);
});

test("an export has each option, and restores it after it was changed or deleted", async (context) => {
  const { api } = await startGateway(context, { upstreams: {} });
  await postChanges(api, { upstreams: LOAD_OPTIONS });
  const saved = await api.expect(200, "GET", EXPORT);
  assert.deepEqual(partsOf(saved.upstreams, LOAD_OPTIONS), LOAD_OPTIONS);
  assert.equal((await api.expect(200, "POST", CHANGES, saved)).changed, false);
  for (const name of names) await api.expect(204, "DELETE", `${sluice(name)}?force=true`);
  await postChanges(api, saved);
  assert.deepEqual(await api.expect(200, "GET", EXPORT), saved);
  await postChanges(api, { upstreams: Object.fromEntries(names.map((name) => [name, { servers: [] }])) });
  assert.notDeepEqual(await api.expect(200, "GET", EXPORT), saved);
  await postChanges(api, saved);
  assert.deepEqual(await api.expect(200, "GET", EXPORT), saved);
});

test("a rollback brings each option back, from an upstream without it and from no upstream", async (context) => {
  const { api } = await startGateway(context, { upstreams: {} });
  const empty = await revisionOf(api);
  for (const name of names) await api.expect(201, "PUT", sluice(name), LOAD_OPTIONS[name]);
  const full = await revisionOf(api);
  const saved = await api.expect(200, "GET", EXPORT);
  for (const name of names)
    await api.expect(200, "PUT", sluice(name), {
      servers: LOAD_OPTIONS[name].servers.map(({ server }) => ({ server })),
    });
  const bare = await revisionOf(api);
  for (const to of [full, bare, full, empty, full]) await api.expect(200, "POST", ROLLBACK, { to });
  assert.deepEqual(await api.expect(200, "GET", EXPORT), saved);
  await assertAll(api);
});

test("a change of one option leaves the others, and null takes it away", async (context) => {
  const gateway = await startGateway(context, { upstreams: LOAD_OPTIONS });
  const { api } = gateway;
  const { least_load } = LOAD_OPTIONS.least;
  const { probe, ...withoutProbe } = least_load;
  await api.expect(200, "PATCH", sluice("least"), { least_load: withoutProbe });
  assert.equal((await api.expect(200, "GET", sluice("least"))).least_load.probe, undefined);
  await api.expect(200, "PATCH", sluice("least"), { least_load: { ...withoutProbe, probe } });
  await api.expect(200, "PATCH", sluice("limits"), { adaptive_limit: null });
  assert.equal((await api.expect(200, "GET", sluice("limits"))).adaptive_limit, undefined);
  await api.expect(200, "PATCH", sluice("limits"), { adaptive_limit: LOAD_OPTIONS.limits.adaptive_limit });
  await api.expect(200, "PATCH", sluice("degraded"), { load: null });
  const { load, outlier_detection } = await api.expect(200, "GET", sluice("degraded"));
  assert.equal(load, undefined);
  assert.equal(outlier_detection.mode, "degrade");
  await api.expect(200, "PATCH", sluice("degraded"), { load: LOAD_OPTIONS.degraded.load });
  await assertAll(api);
  await assertKept(gateway);
});

test("both APIs change a limit from adaptive to a number and back, and the journal keeps the last one", async (context) => {
  const gateway = await startGateway(context, { upstreams: LOAD_OPTIONS });
  const { api } = gateway;
  const first = `${serversOf("limits")}/0`;
  assert.equal((await api.expect(200, "PATCH", first, { max_conns: 3 })).max_conns, 3);
  await gateway.killAll();
  await gateway.start();
  assert.equal((await api.expect(200, "GET", sluice("limits"))).servers[0].max_conns, 3);
  await api.expect(200, "PATCH", first, { max_conns: "adaptive" });
  await gateway.killAll();
  await gateway.start();
  await assertAll(api);
});
