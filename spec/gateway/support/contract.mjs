/** Tests that apply to every kind of registry. Each registry has its own spec, which calls them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./backend.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "./discovery.mjs";
import { assertKept, serversOf, sluice, someAddress } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/**
 * The functions of a registry that the contract uses.
 *
 * @typedef {object} Registry
 * @property {string} name
 * @property {() => object} discovery returns the `discovery` of the upstream "app"
 * @property {(servers: { server: string, weight?: number }[]) => Promise<void>} set makes the servers of
 *   "app" exactly these
 * @property {() => Promise<string>} addBad adds an invalid entry until the next `set`; returns the name of
 *   the entry in reports
 * @property {() => Promise<void>} start
 * @property {(how?: NodeJS.Signals) => Promise<void>} stop
 * @property {() => void} freeze makes it stop answering, with its connections open
 * @property {() => void} thaw
 * @property {RegExp[]} [complaints] errors that nginx itself logs while the registry is down
 */

/**
 * Defines the tests of the contract.
 * @param {string} name of the registry
 * @param {(context: import("node:test").TestContext) => Promise<Registry>} start starts a registry that ends
 *   with the test
 */
export function testContract(name, start) {
  test(`${name}: servers of the registry are added, changed and removed`, async (context) => {
    const [first, second] = await startBackends(context, 2);
    const registry = await start(context);
    await registry.set([{ server: first.address }]);
    const { gateway, load } = await startDiscovery(context, registry);
    await waitForServers(gateway, [first.address]);
    const [before] = await gateway.api.expect(200, "GET", serversOf());
    assert.equal(before.source, "discovery");
    await registry.set([{ server: first.address }, { server: second.address }]);
    await waitForServers(gateway, [first.address, second.address]);
    await waitFor("the second gets requests", () => second.requests.length > 0);
    const [kept] = await gateway.api.expect(200, "GET", serversOf());
    assert.deepEqual(kept, before, "the first server is still the same");
    await registry.set([{ server: second.address }]);
    await waitForServers(gateway, [second.address]);
    await load.round();
    const count = first.requests.length;
    await load.round();
    assert.equal(first.requests.length, count, "a removed server receives no further request");
    await load.stop();
    assert.deepEqual([...load.errors], []);
  });

  test(`${name}: servers added by hand and servers of the registry do not affect each other`, async (context) => {
    const [hand, found] = await startBackends(context, 2);
    const registry = await start(context);
    await registry.set([{ server: found.address }]);
    const { gateway } = await startDiscovery(context, registry, { servers: [{ server: hand.address }] });
    const { api } = gateway;
    await waitForServers(gateway, [hand.address, found.address]);
    // A duplicate address: the server added by hand stays unchanged until it is deleted.
    await registry.set([{ server: found.address }, { server: hand.address }]);
    await waitFor(
      "the duplicate address is reported",
      async () => (await discoveryOf(api)).skipped_count === 1,
    );
    assert.equal((await discoveryOf(api)).skipped[0].entry, hand.address);
    const mine = (await api.expect(200, "GET", serversOf())).find(({ server }) => server === hand.address);
    assert.equal(mine.source, undefined);
    await api.expect(200, "DELETE", `${serversOf()}/${mine.id}`);
    await waitFor("the registry's takes its place", async () => {
      const servers = await api.expect(200, "GET", serversOf());
      return servers.length === 2 && servers.every(({ source }) => source === "discovery");
    });
    // Servers of a registry can be changed only in the registry.
    const [theirs] = await api.expect(200, "GET", serversOf());
    for (const [method, path, body] of [
      ["DELETE", `${serversOf()}/${theirs.id}`],
      ["DELETE", `${serversOf()}/?server=${theirs.server}`],
      ["PATCH", `${serversOf()}/${theirs.id}`, { weight: 2 }],
      ["POST", `${sluice()}/servers/${theirs.id}/drain`, {}],
      ["PATCH", sluice(), { servers: [{ server: theirs.server, weight: 7 }] }],
    ]) {
      const answer = await api.send(method, path, body);
      assert.equal(answer.status, 400, `${method} ${path}: ${answer.text}`);
      assert.equal(answer.body.error.code, "UpstreamServerImmutable");
    }
    const [whole, etag] = await api.get(sluice()).then(({ body, headers }) => [body, headers.etag]);
    const again = await api.send("PUT", sluice(), whole);
    assert.equal(again.status, 200, again.text);
    assert.equal(again.headers.etag, etag, "a PUT of the answer to a GET changes nothing");
    await assertKept(gateway);
  });

  test(`${name}: an invalid entry is skipped and reported, and the others are applied`, async (context) => {
    const registry = await start(context);
    const good = [someAddress(1), someAddress(2)];
    await registry.set(good.map((server) => ({ server })));
    const { gateway } = await startDiscovery(context, registry, { traffic: false });
    await waitForServers(gateway, good);
    const bad = await registry.addBad();
    const report = await waitFor("the invalid entry is reported", async () => {
      const found = await discoveryOf(gateway.api);
      return found.skipped_count === 1 && found.state === "ok" ? found : undefined;
    });
    assert.ok(report.skipped[0].entry.includes(bad), JSON.stringify(report.skipped));
    assert.notEqual(report.skipped[0].reason, "");
    await waitForServers(gateway, good);
  });

  test(`${name}: a registry that is down changes nothing, even after a restart of the gateway`, async (context) => {
    const [first, second, third] = await startBackends(context, 3);
    const registry = await start(context);
    await registry.set([{ server: first.address }, { server: second.address }]);
    const { gateway, load } = await startDiscovery(context, registry);
    await waitForServers(gateway, [first.address, second.address]);
    await registry.stop("SIGKILL");
    await waitFor("the failure is reported", async () => {
      const { state, error } = await discoveryOf(gateway.api);
      return state === "failing" && error !== "";
    });
    await load.round();
    await load.stop();
    assert.deepEqual([...load.errors], []);
    await gateway.stop();
    await gateway.start();
    await waitForServers(gateway, [first.address, second.address], 0);
    await waitFor("the failure is known", async () => (await discoveryOf(gateway.api)).state === "failing");
    await registry.start();
    await registry.set([{ server: first.address }, { server: third.address }]);
    await waitForServers(gateway, [first.address, third.address]);
    // The answer is applied first and reported afterwards.
    await waitForState(gateway, "ok");
  });

  test(`${name}: a registry that does not answer changes nothing, and is followed when it answers again`, async (context) => {
    const servers = [1, 2, 3].map((number) => ({ server: someAddress(number) }));
    const addresses = servers.map(({ server }) => server);
    const registry = await start(context);
    await registry.set(servers);
    const { gateway } = await startDiscovery(context, registry, { traffic: false });
    await waitForServers(gateway, addresses);
    registry.freeze();
    await sleep(4000);
    await waitForServers(gateway, addresses, 0);
    registry.thaw();
    await registry.set([...servers, { server: someAddress(4) }]);
    await waitForServers(gateway, [...addresses, someAddress(4)]);
  });

  test(`${name}: the removal of most servers waits, and the last server is never removed`, async (context) => {
    const registry = await start(context);
    const servers = [1, 2, 3, 4, 5].map((number) => ({ server: someAddress(number) }));
    const addresses = servers.map(({ server }) => server);
    await registry.set(servers);
    const { gateway } = await startDiscovery(context, registry, { traffic: false });
    const { api } = gateway;
    await waitForServers(gateway, addresses);
    await registry.set(servers.slice(0, 1));
    const { pending } = await waitFor("removals wait", async () => {
      const report = await discoveryOf(api);
      return report.pending === undefined ? undefined : report;
    });
    assert.deepEqual(pending.servers.toSorted(), addresses.slice(1));
    await waitForServers(gateway, addresses, 0);
    await waitForServers(gateway, addresses.slice(0, 1));
    // The answer is applied first and reported afterwards.
    await waitFor("no removal waits", async () => (await discoveryOf(api)).pending === undefined);
    // The removal of half of the servers is within the limit.
    await registry.set(servers.slice(0, 2));
    await waitForServers(gateway, addresses.slice(0, 2));
    await registry.set([]);
    await waitFor("the empty answer is reported", async () => (await discoveryOf(api)).pending?.count === 2);
    await sleep(4500);
    await waitForServers(gateway, addresses.slice(0, 2), 0);
  });
}
