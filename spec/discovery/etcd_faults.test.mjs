/**
 * Every kind of failure of etcd under load: clients are not affected, and the servers are soon correct again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { portOf, startEtcd } from "../gateway/support/registries/etcd.mjs";
import { startTcpProxy } from "../gateway/support/tcp_proxy.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { connectionsTo, watchesOf } from "../gateway/support/watches.mjs";
import { heapOf, heapPage, rssOf } from "../gateway/support/worker_memory.mjs";

/** The servers must be correct again within 2 s; a busy machine may need longer. */
const SOON = 3000;
/** nginx logs this error for a kept connection even with lua_socket_log_errors off. */
const wasReset = /recv\(\) failed \(104: Connection reset by peer\), context: ngx.timer/;

const serversAt = (/** @type {string[]} */ addresses) => addresses.map((server) => ({ server }));

/** Asserts that the set of servers is soon correct. */
async function waitSoon(context, gateway, addresses) {
  const started = performance.now();
  await waitForServers(gateway, addresses, SOON);
  context.diagnostic(`correct again after ${(performance.now() - started).toFixed(0)} ms`);
  await waitForState(gateway, "ok");
}

/**
 * Asserts that one prefix is watched, and that the only other connections are one per member for questions.
 */
async function assertOneWatch(members, gateway) {
  await waitFor("one watch is left", async () => {
    const counts = await Promise.all(members.map((member) => watchesOf(member)));
    return counts.reduce((sum, { watchers }) => sum + watchers, 0) === 1;
  });
  await waitFor("no more connections are left", () => {
    const counts = members.map((member) => connectionsTo(gateway.workers(), portOf(member)));
    return counts.reduce((sum, count) => sum + count, 0) <= 1 + members.length;
  });
}

/** Starts three backends, an etcd that lists two of them, and clients. */
async function startAll(context, options) {
  const addresses = (await startBackends(context, 3)).map(({ address }) => address);
  const etcd = await startEtcd(context, options);
  await etcd.set(serversAt(addresses.slice(0, 2)));
  const { gateway, load } = await startDiscovery(context, etcd);
  await waitForServers(gateway, addresses.slice(0, 2));
  await waitForState(gateway, "ok");
  return { addresses, etcd, gateway, load };
}

/** Asserts that no request has failed. */
async function assertUnseen(load) {
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], [], "no request fails");
}

/** @type {Record<string, (etcd: import("../gateway/support/registries/etcd.mjs").Etcd) => Promise<void>>} */
const outages = {
  stopped: async (etcd) => {
    await etcd.stop("SIGTERM");
    await sleep(1500);
    await etcd.start();
  },
  "restarted at once": async (etcd) => {
    await etcd.stop("SIGTERM");
    await etcd.start();
  },
  "killed with kill -9": async (etcd) => {
    await etcd.stop("SIGKILL");
    await sleep(1500);
    await etcd.start();
  },
  "cut off for longer than any time-out": async (etcd) => {
    etcd.freeze();
    await sleep(5000);
    etcd.thaw();
  },
  "cut off for a moment": async (etcd) => {
    etcd.freeze();
    await sleep(500);
    etcd.thaw();
  },
};

for (const [how, fail] of Object.entries(outages)) {
  test(`etcd ${how}: no request fails, and the servers are soon correct again`, async (context) => {
    const { addresses, etcd, gateway, load } = await startAll(context);
    for (const set of [addresses.slice(1), addresses.slice(0, 2)]) {
      await fail(etcd);
      await etcd.set(serversAt(set));
      await waitSoon(context, gateway, set);
    }
    await assertUnseen(load);
    await assertOneWatch(etcd.members, gateway);
  });
}

test("changes that were made and compacted while etcd was unreachable are followed", async (context) => {
  const { addresses, etcd, gateway, load } = await startAll(context);
  const proxy = await startTcpProxy(context, portOf(etcd.members[0]));
  const discovery = etcd.discovery();
  discovery.etcd.endpoints = [proxy.url];
  await gateway.api.expect(200, "PATCH", sluice(), { discovery });
  await waitForState(gateway, "ok");
  gateway.log.allow(wasReset);
  proxy.refuse();
  await waitForState(gateway, "failing");
  await etcd.set(serversAt(addresses));
  await etcd.set(serversAt(addresses.slice(1)));
  await etcd.compact();
  proxy.accept();
  await waitSoon(context, gateway, addresses.slice(1));
  await assertUnseen(load);
});

test("a compaction does not disturb a watch", async (context) => {
  const { addresses, etcd, gateway, load } = await startAll(context);
  for (let turn = 0; turn < 20; turn += 1) {
    await etcd.put("/elsewhere", String(turn));
    await etcd.compact();
  }
  await etcd.set(serversAt(addresses));
  await waitSoon(context, gateway, addresses);
  await assertUnseen(load);
  await assertOneWatch(etcd.members, gateway);
});

test("an etcd that lost its data empties no upstream, and is followed again", async (context) => {
  const { addresses, etcd, gateway, load } = await startAll(context);
  // The old revisions must be far ahead of the new ones.
  for (let turn = 0; turn < 50; turn += 1) await etcd.put("/elsewhere", String(turn));
  await etcd.stop("SIGKILL");
  for (const member of etcd.members) member.wipe();
  await etcd.start();
  await waitFor("the empty answer is reported", async () => {
    return (await discoveryOf(gateway.api)).pending?.count === 2;
  });
  await sleep(4000);
  await waitForServers(gateway, addresses.slice(0, 2), 0);
  await etcd.set(serversAt(addresses.slice(1)));
  await waitSoon(context, gateway, addresses.slice(1));
  await assertUnseen(load);
  await assertOneWatch(etcd.members, gateway);
});

test("the leader of three members dies, and the others are followed", async (context) => {
  const { addresses, etcd, gateway, load } = await startAll(context, { members: 3 });
  const leader = await etcd.leader();
  await leader.stop("SIGKILL");
  const rest = etcd.members.filter((member) => member !== leader);
  await waitFor("there is another leader", () => etcd.put("/elsewhere", "").catch(() => undefined));
  await etcd.set(serversAt(addresses.slice(1)));
  await waitSoon(context, gateway, addresses.slice(1));
  await assertUnseen(load);
  await assertOneWatch(rest, gateway);
});

test("a member without contact to the others is abandoned", async (context) => {
  const { addresses, etcd, gateway, load } = await startAll(context, { members: 3 });
  // The first member is the watched one. It continues to run, but cannot answer questions that need the other
  // members.
  const [first, second, third] = etcd.members;
  second.freeze();
  third.freeze();
  await waitForState(gateway, "failing");
  second.thaw();
  third.thaw();
  first.freeze();
  await waitFor("the others answer", () => second.call("/v3/kv/put", { key: "YQ==", value: "YQ==" }));
  await etcd.set(serversAt(addresses.slice(1)), "app", [second, third]);
  // The gateway needs some requests and their time-outs to find the member that answers.
  await waitForServers(gateway, addresses.slice(1), 20_000);
  await waitForState(gateway, "ok");
  first.thaw();
  await assertUnseen(load);
});

test("deleted upstreams, reloads and killed workers leave no watch behind", async (context) => {
  const etcd = await startEtcd(context);
  const [member] = etcd.members;
  await etcd.set([{ server: someAddress(1) }]);
  const { gateway } = await startDiscovery(context, etcd, { traffic: false });
  const { api } = gateway;
  await waitForServers(gateway, [someAddress(1)]);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    await api.expect(201, "PUT", sluice(name), { discovery: etcd.discovery(name) });
  }
  for (const name of names) {
    await etcd.set([{ server: someAddress(7) }], name);
    await waitForServers(gateway, [someAddress(7)], undefined, name);
  }
  await assertOneWatch([member], gateway);
  for (const name of names) await api.expect(204, "DELETE", sluice(name));
  await assertOneWatch([member], gateway);
  for (let turn = 0; turn < 3; turn += 1) {
    await gateway.reload();
    await assertOneWatch([member], gateway);
  }
  await waitFor("the old workers have ended", () => gateway.workers().length === gateway.workerCount);
  for (const pid of gateway.workers()) await gateway.killWorker(pid);
  await assertOneWatch([member], gateway);
  await etcd.set(serversAt([someAddress(1), someAddress(2)]));
  await waitForServers(gateway, [someAddress(1), someAddress(2)]);
  await api.expect(204, "DELETE", sluice());
  await waitFor("nothing is watched", async () => (await watchesOf(member)).watchers === 0);
  await waitFor("the connection is closed", () => connectionsTo(gateway.workers(), portOf(member)) <= 1);
});

test("hundreds of reconnects leave nothing behind", async (context) => {
  const etcd = await startEtcd(context);
  const [member] = etcd.members;
  const proxy = await startTcpProxy(context, portOf(member));
  const addresses = Array.from({ length: 50 }, (_, number) => someAddress(number));
  // Different names of the same etcd give each of these upstreams its own watch.
  const names = ["app", "b", "c", "d", "e"];
  const upstreams = {};
  for (const [index, name] of names.entries()) {
    await etcd.set(serversAt(addresses), name);
    const endpoints = Array.from({ length: index + 1 }, () => proxy.url);
    upstreams[name] = { discovery: { etcd: { ...etcd.discovery(name).etcd, endpoints } } };
  }
  const gateway = await startGateway(context, {
    upstreams,
    workers: 1,
    http: "lua_socket_log_errors off;",
    api: heapPage,
  });
  gateway.log.allow(wasReset);
  for (const name of names) await waitForServers(gateway, addresses, undefined, name);
  const [address] = addresses;
  /** The paths of the first servers of all upstreams. */
  const paths = await Promise.all(
    names.map(async (name) => {
      const servers = await gateway.api.expect(200, "GET", serversOf(name));
      return `${serversOf(name)}/${servers.find(({ server }) => server === address).id}`;
    }),
  );
  const weightAt = async (/** @type {string} */ path) => (await gateway.api.expect(200, "GET", path)).weight;
  let weight = 1;
  const reconnect = async (/** @type {number} */ count) => {
    for (let done = 0; done < count; done += names.length) {
      await waitFor("all upstreams watch", () => proxy.answering("/v3/watch") === names.length);
      // A watch that has delivered an event is opened again immediately.
      weight = (weight % 100) + 1;
      const value = JSON.stringify({ server: address, weight });
      await etcd.putAll(names.map((name) => [`/upstreams/${name}/${address}`, value]));
      for (const path of paths)
        await waitFor("the change is applied", async () => (await weightAt(path)) === weight);
      proxy.cut();
    }
  };
  const measure = async () => {
    for (const name of names) await waitForState(gateway, "ok", name);
    return { heap: await heapOf(gateway), rss: rssOf(gateway.workers()[0]) };
  };
  // Timers, threads and compiled code are allocated during the first reconnects and stay.
  await reconnect(300);
  const before = await measure();
  await reconnect(600);
  const after = await measure();
  const say = ({ heap, rss }) => `Lua ${(heap / 1024).toFixed(0)} KiB, RSS ${(rss / 1024).toFixed(0)} KiB`;
  context.diagnostic(`before ${say(before)}; after ${say(after)}`);
  // LuaJIT's heap rises and falls by 250 KiB in the course of 900 reconnects. A thread or a socket that is
  // left behind takes more than 1 KiB.
  assert.ok(after.heap - before.heap < 400 * 1024, `Lua's memory: ${say(before)}; ${say(after)}`);
  assert.ok(after.rss - before.rss < 2.5 * 1024 * 1024, `RSS: ${say(before)}; ${say(after)}`);
  await waitFor("only the watches of the upstreams are left", async () => {
    const { watchers, streams } = await watchesOf(member);
    return watchers === names.length && streams === names.length;
  });
  await etcd.set(serversAt(addresses.slice(1)));
  await waitForServers(gateway, addresses.slice(1));
});
