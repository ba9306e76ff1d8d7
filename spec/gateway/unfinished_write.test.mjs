/** Another worker completes or undoes a write of a killed worker immediately, without a further write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { wasReset } from "./support/faults.mjs";
import { becomes, recordedEvents, stateOf } from "./support/health.mjs";
import { startKilling } from "./support/killing.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @param {import("./support/gateway.mjs").Gateway} gateway */
async function assertKept(gateway) {
  const before = await gateway.api.configuration();
  await gateway.killAll();
  await gateway.start();
  assert.equal(await gateway.api.configuration(), before, "the saved state equals the served state");
}

/** @type {Record<string, import("./support/killing.mjs").Point>} */
const journalled = {
  "before its line counts": { module: "disk.writer", name: "count_bytes", when: "before" },
  "after its line counts": { module: "disk.writer", name: "count_bytes", when: "after" },
  "after the dict has it": { module: "memory.dict", name: "put_text", when: "after" },
};

for (const [when, point] of Object.entries(journalled)) {
  test(`a journalled change whose writer is killed ${when} takes effect at once`, async (context) => {
    const [one, other] = [await startBackend(context), await startBackend(context)];
    const options = { servers: [one.address], upstreams: { other: {} } };
    const { gateway, killWith } = await startKilling(context, point, options);
    const { api } = gateway;
    await ask(gateway.port);

    await killWith(() => api.put(sluice(), { servers: [{ server: other.address }] }));
    await waitFor(
      "a new request goes to the new server",
      async () => (await ask(gateway.port)).text === other.id,
    );
    const [{ server }] = await api.expect(200, "GET", serversOf());
    assert.equal(server, other.address);
    await waitFor("no request is in flight", async () => (await sumOf(api, "active")) === 0);
    await assertKept(gateway);

    await api.expect(201, "POST", serversOf("other"), { server: one.address });
    await assertKept(gateway);
  });
}

for (const when of ["before its line counts", "after its line counts"]) {
  test(`a journalled deletion whose writer is killed ${when} takes effect at once`, async (context) => {
    const { gateway, killWith } = await startKilling(context, journalled[when], { servers: [] });
    const { api } = gateway;
    // A seed would be created again by a restart.
    await api.expect(201, "PUT", sluice("other"), { servers: [{ server: "127.0.0.1:9" }] });
    await killWith(() => api.delete(sluice("other")));
    await waitFor("the upstream is deleted", async () => (await api.get(sluice("other"))).status === 404);
    await assertKept(gateway);
    await api.expect(201, "PUT", sluice("other"), { servers: [{ server: "127.0.0.2:9" }] });
    await assertKept(gateway);
  });
}

test("a drain job whose new deadline a killed worker was writing keeps that deadline", async (context) => {
  const backend = await startBackend(context);
  // Each worker has a listening socket, so that other workers also have some of the requests.
  const options = { servers: [backend.address], listen: "reuseport" };
  const { gateway, killWith } = await startKilling(context, journalled["after its line counts"], options);
  const { api } = gateway;
  for (let number = 0; number < 16; number += 1) begin(context, gateway.port, "/?hang=1");
  await waitFor("the server is busy", () => backend.active === 16);
  const drain = `${sluice()}/servers/0/drain`;
  await api.expect(202, "POST", `${drain}?force=true`, { deadline: "1h" });
  await killWith(() => api.post(drain, { deadline: "1s" }));
  assert.ok((await sumOf(api, "active")) > 0);
  await waitFor(
    "the server is removed at the deadline",
    async () => (await api.expect(200, "GET", serversOf())).length === 0,
  );
  assert.ok(backend.active > 0);
});

test("new limits take effect at once even if their writer is killed before it has concluded the states", async (context) => {
  const [bad, good] = [await startBackend(context), await startBackend(context)];
  bad.behaviour = { reset: 1 };
  const servers = [bad, good].map(({ address }) => ({ server: address, fail_timeout: "1h" }));
  const point = /** @type {const} */ ({ module: "memory.state", name: "conclude", when: "before" });
  const { gateway, killWith } = await startKilling(context, point, { upstreams: { app: { servers } } });
  gateway.log.allow(wasReset);
  const { api } = gateway;
  await waitFor("the server is unavailable", async () => {
    await ask(gateway.port);
    return (await stateOf(api, bad.address)) === "unavail";
  });
  bad.behaviour = {};
  await killWith(() => api.patch(`${serversOf()}/0`, { max_fails: 3 }));
  await becomes(api, bad.address, "up");
  const reasons = (await recordedEvents(api, bad.address, 2)).map(({ reason }) => reason);
  assert.deepEqual(reasons, ["a request failed with 502", "its limits have changed"]);
  await assertKept(gateway);
});

test("a change whose writer is killed before it is journalled is undone", async (context) => {
  const point = /** @type {const} */ ({ module: "disk.writer", name: "append", when: "before" });
  const { gateway, killWith } = await startKilling(context, point, { servers: ["127.0.0.1:9"] });
  const before = await gateway.api.configuration();
  await killWith(() => gateway.api.post(serversOf(), { server: "127.0.0.2:9" }));
  await assertKept(gateway);
  assert.equal(await gateway.api.configuration(), before);
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.3:9" });
  await assertKept(gateway);
});

test("without a state_dir a change whose writer is killed also takes effect", async (context) => {
  const point = /** @type {const} */ ({ module: "memory.dict", name: "put_text", when: "before" });
  const { gateway, killWith } = await startKilling(context, point, { servers: [], stateDir: null });
  await killWith(() => gateway.api.post(serversOf(), { server: "127.0.0.2:9" }));
  await waitFor(
    "the server exists",
    async () => (await gateway.api.expect(200, "GET", serversOf())).length === 1,
  );
});
