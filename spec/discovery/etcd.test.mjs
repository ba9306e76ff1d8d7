/** Discovery by etcd: users, certificates, leases, members, and the forms of values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { writeCertificates } from "../gateway/support/registry_certificates.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("etcd", startEtcd);

const quiet = { traffic: false };
const user = "sluice";
const password = "correct horse battery";

/** Starts an etcd with authentication and one user besides root, who may read. */
async function startGuardedEtcd(context, options) {
  const etcd = await startEtcd(context, options);
  await etcd.enableUsers({ user, password });
  return etcd;
}

test("a user with a password is authenticated, also after a restart of etcd", async (context) => {
  const etcd = await startGuardedEtcd(context);
  const [one, other] = [someAddress(1), someAddress(2)];
  await etcd.set([{ server: one }]);
  const config = etcd.discovery().etcd;
  const discovery = { etcd: { ...config, user, password } };
  const { gateway } = await startDiscovery(context, etcd, { ...quiet, discovery });
  await waitForServers(gateway, [one]);
  // etcd keeps its tokens in memory only.
  await etcd.stop("SIGKILL");
  await etcd.start();
  await etcd.logIn();
  await etcd.set([{ server: one }, { server: other }]);
  await waitForServers(gateway, [one, other]);
  await waitForState(gateway, "ok");
});

test("an expired token is replaced", async (context) => {
  const etcd = await startGuardedEtcd(context);
  const [one, other] = [someAddress(1), someAddress(2)];
  await etcd.set([{ server: one }]);
  const discovery = { etcd: { ...etcd.discovery().etcd, user, password } };
  const { gateway } = await startDiscovery(context, etcd, { ...quiet, discovery });
  await waitForServers(gateway, [one]);
  await etcd.forgetTokens({ user, password });
  // The gateway checks etcd several times in this period.
  await sleep(3000);
  await waitForState(gateway, "ok");
  await etcd.set([{ server: one }, { server: other }]);
  await waitForServers(gateway, [one, other]);
  const failures = gateway.log.entries("warn").filter((line) => line.includes("could not follow etcd"));
  assert.deepEqual(failures, [], "the watch continues");
});

test("a wrong password is reported without any secret", async (context) => {
  const etcd = await startGuardedEtcd(context);
  await etcd.set([{ server: someAddress(1) }]);
  const config = etcd.discovery().etcd;
  const wrong = "wrong horse battery";
  const discovery = { etcd: { ...config, user, password: wrong } };
  const { gateway } = await startDiscovery(context, etcd, { ...quiet, discovery });
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /could not log in: status 400/);
  await waitForServers(gateway, [], 0);
  for (const text of [error, gateway.log.text()]) {
    assert.ok(!text.includes(wrong), "the text contains no password");
  }
  const right = { discovery: { etcd: { ...config, user, password } } };
  await gateway.api.expect(200, "PATCH", sluice(), right);
  await waitForServers(gateway, [someAddress(1)]);
  await waitForState(gateway, "ok");
});

test("a request without a password is refused", async (context) => {
  const etcd = await startGuardedEtcd(context);
  await etcd.set([{ server: someAddress(1) }]);
  const { gateway } = await startDiscovery(context, etcd, quiet);
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /user name is empty|permission denied|invalid auth token/);
});

test("a user without permission for the watched range gets a clear message", async (context) => {
  const etcd = await startEtcd(context);
  for (const name of ["app", "cart"]) await etcd.set([{ server: someAddress(1) }], name);
  await etcd.enableUsers({ user, password, prefixes: ["/upstreams/app/", "/upstreams/cart/"] });
  const discoveryFor = (name) => ({ etcd: { ...etcd.discovery(name).etcd, user, password } });
  const { gateway } = await startDiscovery(context, etcd, { ...quiet, discovery: discoveryFor("app") });
  await waitForState(gateway, "ok");
  await gateway.api.expect(201, "PUT", sluice("cart"), { discovery: discoveryFor("cart") });
  for (let look = 0; look < 20; look += 1) {
    const { error } = await waitForState(gateway, "failing");
    assert.match(error, /the watch was cancelled: .*permission denied/);
    await sleep(100);
  }
  assert.ok(gateway.log.entries("warn").length <= 2, "the log does not repeat the message");
  await gateway.api.expect(204, "DELETE", sluice("cart"));
  await waitForState(gateway, "ok");
});

test("the certificate must be trusted and match the name", async (context) => {
  const files = writeCertificates(makeFolder(context, "certificates"));
  const startWith = ({ cert, key }) => startEtcd(context, { args: ["--cert-file", cert, "--key-file", key] });
  const etcd = await startWith(files.named);
  await etcd.set([{ server: someAddress(1) }]);
  const http = `lua_socket_log_errors off; lua_ssl_trusted_certificate ${files.trusted};`;
  const { gateway } = await startDiscovery(context, etcd, { ...quiet, options: { http } });
  await waitForServers(gateway, [someAddress(1)]);
  await etcd.set([{ server: someAddress(1) }, { server: someAddress(2) }]);
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  await waitForState(gateway, "ok");
  for (const name of ["otherName", "unknown"]) {
    const other = await startWith(files[name]);
    await other.set([{ server: someAddress(3) }]);
    const upstream = { discovery: other.discovery() };
    await gateway.api.expect(201, "PUT", sluice(name), upstream);
    // Several looks are necessary, because nginx's message varies.
    for (let look = 0; look < 20; look += 1) {
      const { error } = await waitForState(gateway, "failing", name);
      assert.match(error, /could not shake hands: .*certificate/);
      await sleep(100);
    }
    await waitForServers(gateway, [], 0, name);
    upstream.discovery.etcd.tls = { verify: false };
    await gateway.api.expect(200, "PATCH", sluice(name), upstream);
    await waitForServers(gateway, [someAddress(3)], undefined, name);
    await waitForState(gateway, "ok", name);
  }
});

test("a key whose lease expires removes its server", async (context) => {
  const etcd = await startEtcd(context);
  const addresses = [someAddress(1), someAddress(2), someAddress(3)];
  await etcd.set(addresses.map((server) => ({ server })));
  const { gateway } = await startDiscovery(context, etcd, quiet);
  await waitForServers(gateway, addresses);
  const lease = await etcd.grant(2);
  await etcd.put(`/upstreams/app/${someAddress(4)}`, "", lease);
  await waitForServers(gateway, [...addresses, someAddress(4)]);
  await etcd.keepAlive(lease);
  await waitForServers(gateway, [...addresses, someAddress(4)], 0);
  await waitForServers(gateway, addresses, 20_000);
});

test("values may be JSON, an address, nginx-upsync-module's parameters, or nothing", async (context) => {
  const etcd = await startEtcd(context);
  const prefix = "/upstreams/app/";
  const [named, bare, upsync, empty, backup] = [1, 2, 3, 4, 5].map((number) => someAddress(number));
  await etcd.put(`${prefix}a`, JSON.stringify({ server: named, weight: 3, max_conns: 7, zone: "eu-1a" }));
  await etcd.put(`${prefix}b`, bare);
  await etcd.put(`${prefix}${upsync}`, '{"weight":2,"max_fails":4,"fail_timeout":20,"backup":0,"down":1}');
  await etcd.put(`${prefix}${empty}`, "");
  await etcd.put(`${prefix}${backup}`, '{"backup":1,"down":0}');
  const { gateway } = await startDiscovery(context, etcd, quiet);
  await waitForServers(gateway, [named, bare, upsync, empty, backup]);
  const all = await gateway.api.expect(200, "GET", serversOf());
  const parametersOf = (address) => {
    const { weight, max_conns, max_fails, fail_timeout, backup, down } = all.find(
      ({ server }) => server === address,
    );
    return { weight, max_conns, max_fails, fail_timeout, backup, down };
  };
  const plain = { weight: 1, max_conns: 0, max_fails: 1, fail_timeout: "10s", backup: false, down: false };
  assert.deepEqual(parametersOf(named), { ...plain, weight: 3, max_conns: 7 });
  assert.equal(all.find(({ server }) => server === named).zone, "eu-1a");
  assert.deepEqual(parametersOf(bare), plain);
  assert.deepEqual(parametersOf(upsync), {
    ...plain,
    weight: 2,
    max_fails: 4,
    fail_timeout: "20s",
    down: true,
  });
  assert.deepEqual(parametersOf(empty), plain);
  assert.deepEqual(parametersOf(backup), { ...plain, backup: true });
  assert.equal((await discoveryOf(gateway.api)).skipped_count, 0);
  // A changed parameter changes the server, which stays the same server.
  const { id } = all.find(({ server }) => server === bare);
  await etcd.put(`${prefix}b`, JSON.stringify({ server: bare, weight: 9 }));
  await waitFor("the weight has changed", async () => {
    const servers = await gateway.api.expect(200, "GET", serversOf());
    return servers.find((server) => server.id === id)?.weight === 9;
  });
});

test("one reachable endpoint of several is enough", async (context) => {
  const backends = await startBackends(context, 1);
  const etcd = await startEtcd(context);
  await etcd.set([{ server: backends[0].address }]);
  const { endpoints, prefix } = etcd.discovery().etcd;
  const dead = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const discovery = { etcd: { endpoints: [...dead, ...endpoints], prefix } };
  const { gateway, load } = await startDiscovery(context, etcd, { discovery });
  await waitForServers(gateway, [backends[0].address]);
  await waitForState(gateway, "ok");
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
});

test("keys on several pages are all read", async (context) => {
  const etcd = await startEtcd(context, { args: ["--max-txn-ops", "2000"] });
  const addresses = Array.from({ length: 1201 }, (_, number) => someAddress(number));
  await etcd.set(addresses.map((server) => ({ server })));
  const { gateway } = await startDiscovery(context, etcd, quiet);
  await waitForServers(gateway, addresses);
  await etcd.set(addresses.slice(1).map((server) => ({ server })));
  await waitForServers(gateway, addresses.slice(1));
});
