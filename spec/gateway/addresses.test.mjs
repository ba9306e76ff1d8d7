/** Servers at every kind of address. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { settledPeersOf, serversOf } from "./support/upstreams.mjs";

/**
 * Asserts that an added server receives requests that are counted, and receives none after its deletion.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/backend.mjs").Backend} backend
 * @param {string} server the address in the request to the API
 */
async function assertServes(gateway, backend, server) {
  const { api } = gateway;
  const { id } = await api.expect(201, "POST", serversOf(), { server });
  for (let number = 0; number < 12; number += 1) {
    assert.deepEqual((await ask(gateway.port)).text, backend.id);
  }
  const peer = (await settledPeersOf(api)).get(server);
  assert.ok(peer, `the status names ${server}`);
  assert.deepEqual([peer.name, peer.requests, peer.responses["2xx"]], [server, 12, 12]);

  await api.expect(200, "DELETE", `${serversOf()}?server=${encodeURIComponent(server)}`);
  assert.equal((await ask(gateway.port)).status, 502);
  assert.ok(id >= 0);
}

test("servers can have IPv4 addresses, IPv6 addresses and unix sockets", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  gateway.log.allow(/no live upstreams/);
  const ipv4 = await startBackend(context, { host: "127.0.0.5" });
  await assertServes(gateway, ipv4, ipv4.address);
  const ipv6 = await startBackend(context, { host: "::1" });
  await assertServes(gateway, ipv6, ipv6.address);
  const port = ipv6.address.split("]:")[1];
  await assertServes(gateway, ipv6, `[0:0:0:0:0:0:0:1]:${port}`);
  const unix = await startBackend(context, { path: join(gateway.folder, "app.sock") });
  await assertServes(gateway, unix, unix.address);
});

test("one upstream can have servers of all kinds, from the API or from setup, and after a restart", async (context) => {
  const ipv4 = await startBackend(context);
  const ipv6 = await startBackend(context, { host: "::1" });
  const unix = await startBackend(context, { path: `/tmp/sluice-${process.pid}.sock` });
  const all = [ipv4, ipv6, unix];
  const gateway = await startGateway(context, { servers: all.map(({ address }) => address) });
  for (let turn = 0; turn < 2; turn += 1) {
    const answers = await Promise.all(Array.from({ length: 36 }, () => ask(gateway.port)));
    assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(all.map(({ id }) => id)));
    await gateway.stop();
    await gateway.start();
  }
});

test("an address without a port means port 80, and is shown with that port", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  for (const [given, shown] of [
    ["127.0.0.1", "127.0.0.1:80"],
    ["[::1]", "[::1]:80"],
  ]) {
    assert.equal((await gateway.api.expect(201, "POST", serversOf(), { server: given })).server, shown);
    const again = await gateway.api.post(serversOf(), { server: shown });
    assert.deepEqual([again.status, again.body.error.code], [409, "EntryExists"]);
  }
});
