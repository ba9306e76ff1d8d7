/** What fails between a gateway and the etcd that feeds its upstreams, and many upstreams, under traffic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import {
  namesOf,
  startTemplate,
  stateOf,
  templateFor,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const isOk = ({ state }) => state === "ok";
const isFailing = ({ state }) => state === "failing";
/** nginx logs this error for a kept connection even with lua_socket_log_errors off. */
const wasReset = /recv\(\) failed \(104: Connection reset by peer\), context: ngx.timer/;
const serversAt = (/** @type {string[]} */ ...addresses) => addresses.map((server) => ({ server }));

/** Starts an etcd with two upstreams of one server each, a gateway, and clients of the first. */
async function startAll(context) {
  const [one, two, three] = await startBackends(context, 3);
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(one.address), "app");
  await etcd.set(serversAt(two.address), "cart");
  const gateway = await startTemplate(context, templateFor(etcd));
  gateway.log.allow(wasReset);
  await waitForNames(gateway, ["app", "cart"]);
  const load = startLoad(context, { ...clientsOf(gateway), pause: 10 });
  return { one, two, three, etcd, gateway, load };
}

/** A reload closes idle connections, on which a client may just be sending. @param {any} gateway */
function clientsOf({ port }) {
  return { port, connections: 8, keepAlive: false, path: "/to/app" };
}

async function assertUnseen(load) {
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.ok(load.answers > 0);
}

test("an etcd that is down at the start is found later", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(someAddress(1)), "app");
  await etcd.stop();
  const gateway = await startTemplate(context, templateFor(etcd));
  gateway.log.allow(wasReset);
  const { error, upstreams } = await waitForTemplate(gateway, "it fails", isFailing);
  assert.match(error, /could not connect|refused/);
  assert.equal(upstreams, 0);
  await etcd.start();
  await waitForNames(gateway, ["app"]);
  await waitForTemplate(gateway, "it is ok", isOk);
});

test("an etcd that ends changes nothing, also over a restart and a crash of the gateway", async (context) => {
  const { one, two, three, etcd, gateway, load } = await startAll(context);
  await waitForTemplate(gateway, "it is ok", isOk);
  await etcd.stop("SIGKILL");
  await waitForTemplate(gateway, "it fails", isFailing);
  await gateway.reload();
  await waitForServers(gateway, [one.address], 0);
  await assertUnseen(load);
  await gateway.stop();
  await gateway.start();
  await waitForTemplate(gateway, "it fails", isFailing);
  await waitForServers(gateway, [one.address], 0);
  await gateway.killAll();
  await gateway.start();
  assert.deepEqual(await namesOf(gateway), ["app", "cart"]);
  await waitForServers(gateway, [two.address], 0, "cart");
  await etcd.start();
  await etcd.set(serversAt(three.address), "shop");
  await waitForNames(gateway, ["app", "cart", "shop"]);
  await waitForTemplate(gateway, "it is ok", isOk);
});

test("an etcd that has lost its data deletes nothing", async (context) => {
  const { one, two, etcd, gateway, load } = await startAll(context);
  await etcd.stop("SIGKILL");
  for (const member of etcd.members) member.wipe();
  await etcd.start();
  const { pending } = await waitForTemplate(gateway, "all wait", (state) => state.pending !== undefined);
  assert.equal(pending.count, 2);
  await etcd.set(serversAt(one.address), "app");
  await etcd.set(serversAt(two.address), "cart");
  await waitForTemplate(gateway, "nothing waits", (state) => isOk(state) && state.pending === undefined);
  assert.deepEqual(await namesOf(gateway), ["app", "cart"]);
  await assertUnseen(load);
});

test("another worker takes over when the one that follows etcd is killed", async (context) => {
  const { two, three, etcd, gateway } = await startAll(context);
  await waitForTemplate(gateway, "it is ok", isOk);
  // One of them follows etcd.
  for (const pid of gateway.workers()) await gateway.killWorker(pid);
  await etcd.set(serversAt(three.address), "shop");
  await waitForNames(gateway, ["app", "cart", "shop"]);
  await etcd.set(serversAt(two.address, three.address), "shop");
  await waitForServers(gateway, [two.address, three.address], undefined, "shop");
  await etcd.set([], "shop");
  await waitForNames(gateway, ["app", "cart"]);
});

test("a reload with another prefix follows the new one, and its guard protects the old upstreams", async (context) => {
  const { one, etcd, gateway, load } = await startAll(context);
  const { etcd: place } = templateFor(etcd);
  const discovery = { etcd: { ...place, prefix: "/other/{name}/servers/" }, removal_confirmations: 1000 };
  await etcd.put(`/other/shop/servers/${one.address}`, "");
  await etcd.put("/other/shop/owner", "somebody");
  gateway.configure({ setup: { discovery } });
  await gateway.reload();
  await waitForNames(gateway, ["app", "cart", "shop"]);
  const { pending, skipped_count } = await waitForTemplate(
    gateway,
    "two wait",
    (state) => state.pending?.count === 2,
  );
  assert.deepEqual(pending.upstreams, ["app", "cart"]);
  assert.equal(skipped_count, 0, "keys beside those of the servers are nobody's fault");
  await assertUnseen(load);
});

const UPSTREAMS = 1000;
const SERVERS = 10;

test(`${UPSTREAMS} upstreams with ${SERVERS} servers appear at once, and no client notices`, async (context) => {
  const backends = await startBackends(context, SERVERS);
  const etcd = await startEtcd(context);
  await etcd.set(serversAt(backends[0].address), "app");
  const gateway = await startTemplate(context, templateFor(etcd), { dict: "32m", workers: 2 });
  await waitForNames(gateway, ["app"]);
  await waitForTemplate(gateway, "it is ok", isOk);
  const load = startLoad(context, { ...clientsOf(gateway), pause: 5 });
  await load.round();
  await etcd.stop();
  await waitForTemplate(gateway, "it fails", isFailing);
  await etcd.start();
  const names = Array.from({ length: UPSTREAMS }, (_, number) => `u${number}`);
  const began = performance.now();
  for (const name of names)
    await etcd.putAll(backends.map(({ address }) => [`/upstreams/${name}/${address}`, ""]));
  const written = performance.now();
  await waitForTemplate(gateway, "all are there", ({ upstreams }) => upstreams === UPSTREAMS + 1);
  const done = performance.now();
  const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
  context.diagnostic(`written in ${seconds(began, written)} s, there ${seconds(written, done)} s later`);
  for (const name of ["u0", "u500", "u999"]) {
    await waitForServers(
      gateway,
      backends.map(({ address }) => address),
      undefined,
      name,
    );
    assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/to/${name}`)).status, 200);
  }
  const before = performance.now();
  await gateway.reload();
  await waitForTemplate(gateway, "it is ok", isOk);
  context.diagnostic(`a reload takes ${seconds(before, performance.now())} s`);
  await etcd.set(serversAt(backends[1].address), "u7");
  await waitForServers(gateway, [backends[1].address], undefined, "u7");
  await assertUnseen(load);
});

test(`${UPSTREAMS} upstreams that exist already appear soon after the start`, async (context) => {
  const etcd = await startEtcd(context);
  const names = Array.from({ length: UPSTREAMS }, (_, number) => `u${number}`);
  for (const [place, name] of names.entries()) {
    const addresses = Array.from({ length: SERVERS }, (_, number) => someAddress(place * SERVERS + number));
    await etcd.putAll(addresses.map((address) => [`/upstreams/${name}/${address}`, ""]));
  }
  const gateway = await startTemplate(context, templateFor(etcd), { dict: "32m" });
  const began = performance.now();
  let slowest = 0;
  await waitFor("all are there", async () => {
    const asked = performance.now();
    const { upstreams, skipped } = await stateOf(gateway);
    slowest = Math.max(slowest, performance.now() - asked);
    assert.deepEqual(skipped, []);
    return upstreams === UPSTREAMS;
  });
  context.diagnostic(
    `there after ${(performance.now() - began).toFixed(0)} ms, slowest answer ${slowest.toFixed(0)} ms`,
  );
  await waitFor(
    "each has its servers",
    async () => (await discoveryOf(gateway.api, "u999")).servers === SERVERS,
  );
  const { servers } = await gateway.api.expect(200, "GET", sluice("u500"));
  assert.equal(servers.length, SERVERS);
});
