/** Host names as servers: their addresses become servers with the parameters of their parents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { startCluster } from "../gateway/support/cluster.mjs";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { makeGateway, startGateway } from "../gateway/support/gateway.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { SERVFAIL, startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { assertRefusesToStart } from "../gateway/support/start_error.mjs";
import { peersOf, serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { scrape } from "../gateway/support/metrics.mjs";
import { summaryOf } from "../gateway/support/overview.mjs";

const name = "app.example";
const host = `${name}:8080`;
/** @param {string[]} addresses */
const a = (...addresses) => addresses.map((address) => ["A", name, address]);

/**
 * Starts a gateway whose upstream "app" asks a DNS server.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, import("../gateway/support/registries/scripted_dns.mjs").Answer>} answers
 */
async function start(context, answers, { servers = [], resolver = {}, setup = {} } = {}) {
  const dns = await startScriptedDns(context, answers);
  const its = { addresses: [dns.address], valid: "200ms", ...resolver };
  const upstreams = { app: { servers, resolver: its } };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;", setup });
  return { dns, gateway, api: gateway.api };
}

/** Returns the servers of "app" by address or host name. */
async function byServer(api) {
  return new Map((await api.expect(200, "GET", serversOf())).map((server) => [server.server, server]));
}

async function stateOf(api, id = 0) {
  const { hosts } = await discoveryOf(api);
  return hosts.find((one) => one.id === id);
}

test("each address of a name is a server with the parameters of its parent", async (context) => {
  const { gateway, api } = await start(context, { [`A ${name}`]: a("127.9.0.1", "127.9.0.2") });
  const given = { weight: 3, max_conns: 7, max_fails: 2, fail_timeout: "3s", slow_start: "5s", backup: true };
  const parent = await api.expect(201, "POST", serversOf(), { server: host, resolve: true, ...given });
  assert.deepEqual([parent.server, parent.resolve, parent.id], [host, true, 0]);
  await waitForServers(gateway, [host, "127.9.0.1:8080", "127.9.0.2:8080"]);
  const child = (await byServer(api)).get("127.9.0.1:8080");
  for (const [field, value] of Object.entries(given)) assert.equal(child[field], value, field);
  assert.deepEqual([child.parent, child.host, child.source], ["0", host, "resolve"]);
  const peer = (await peersOf(api)).get("127.9.0.1:8080");
  assert.equal(peer.name, host);
  assert.equal((await peersOf(api)).size, 2, "the parent is no peer");
});

test("the metrics and the overview show each name that cannot be resolved", async (context) => {
  const question = `A ${name}`;
  const { dns, gateway, api } = await start(context, { [question]: a("127.9.0.1") });
  const { id } = await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
  const labels = { upstream: "app", source: "resolve", host, id: String(id) };
  const isUp = async () => (await scrape(gateway)).value("sluice_discovery_up", labels);
  await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  await waitFor("the name is resolved", async () => (await isUp()) === 1);
  assert.equal((await scrape(gateway)).value("sluice_discovery_servers", labels), 1);
  await waitFor("all is well", async () => (await summaryOf(api)).discovery.state === "ok");
  dns.answers[question] = SERVFAIL;
  dns.answers[`AAAA ${name}`] = SERVFAIL;
  await waitFor("the failure is shown", async () => (await summaryOf(api)).discovery.state === "failing");
  assert.match((await summaryOf(api)).discovery.error, /^host name "app\.example:8080": /);
  assert.equal(await isUp(), 0);
  dns.answers[question] = a("127.9.0.1");
  dns.answers[`AAAA ${name}`] = [];
  await waitFor("all is well again", async () => (await summaryOf(api)).discovery.state === "ok");
  assert.equal((await summaryOf(api)).discovery.error, undefined);
});

test("a change of the parent reaches the addresses in the same step, and its deletion removes them", async (context) => {
  const { gateway, api } = await start(context, { [`A ${name}`]: a("127.9.0.1") });
  const { id } = await api.expect(201, "POST", serversOf(), { server: name, resolve: true });
  await waitForServers(gateway, [`${name}:80`, "127.9.0.1:80"]);
  const before = (await byServer(api)).get("127.9.0.1:80");
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: true, weight: 5 });
  const after = (await byServer(api)).get("127.9.0.1:80");
  assert.deepEqual([after.id, after.down, after.weight], [before.id, true, 5]);
  const refused = await api.expect(400, "PATCH", `${serversOf()}/${before.id}`, { down: false });
  assert.equal(refused.error.code, "UpstreamServerImmutable");
  await api.expect(400, "DELETE", `${serversOf()}/${before.id}`);
  await api.expect(400, "PATCH", `${serversOf()}/${id}`, { server: "other.example:80" });
  const rest = await api.expect(200, "DELETE", `${serversOf()}?server=${name}`);
  assert.deepEqual(rest, []);
});

test("addresses that stay keep their ids, and a restart keeps addresses while no server answers", async (context) => {
  const question = `A ${name}`;
  const { dns, gateway, api } = await start(context, {
    [question]: a("127.9.0.1", "127.9.0.2", "127.9.0.3"),
  });
  await api.expect(200, "PATCH", sluice(), { servers: [{ server: host, resolve: true }] });
  await waitForServers(gateway, [host, "127.9.0.1:8080", "127.9.0.2:8080", "127.9.0.3:8080"]);
  const { id } = (await byServer(api)).get("127.9.0.2:8080");
  dns.answers[question] = a("127.9.0.2", "127.9.0.3", "127.9.0.4");
  const present = [host, "127.9.0.2:8080", "127.9.0.3:8080", "127.9.0.4:8080"];
  await waitForServers(gateway, present);
  assert.equal((await byServer(api)).get("127.9.0.2:8080").id, id);
  dns.answers[question] = SERVFAIL;
  dns.answers[`AAAA ${name}`] = SERVFAIL;
  await waitFor("the failure is reported", async () => (await stateOf(api)).state === "failing");
  await waitForServers(gateway, present, 0);
  await gateway.stop();
  await gateway.start();
  await waitFor("the failure is reported", async () => (await stateOf(api)).state === "failing");
  await waitForServers(gateway, present, 0);
  // An empty answer goes through the removal guard.
  dns.answers[question] = [];
  dns.answers[`AAAA ${name}`] = [];
  await waitFor("the removal waits", async () => (await stateOf(api)).pending !== undefined);
  await waitForServers(gateway, present, 0);
  dns.answers[question] = a("127.9.0.2", "127.9.0.3");
  await waitForServers(gateway, [host, "127.9.0.2:8080", "127.9.0.3:8080"]);
});

test("service: SRV records give port, weight and backup", async (context) => {
  const { gateway, api } = await start(context, {
    [`SRV _http._tcp.${name}`]: [
      ["SRV", `_http._tcp.${name}`, "one.example", 8001, 1, 5],
      ["SRV", `_http._tcp.${name}`, "two.example", 8002, 2, 7],
    ],
    "A one.example": [["A", "one.example", "127.9.0.1"]],
    "AAAA one.example": [["AAAA", "one.example", "fd00:0:0:0:0:0:0:1"]],
    "A two.example": [["A", "two.example", "127.9.0.2"]],
  });
  await api.expect(201, "POST", serversOf(), { server: name, service: "http", resolve: true });
  await waitForServers(gateway, [name, "127.9.0.1:8001", "[fd00::1]:8001", "127.9.0.2:8002"]);
  const found = await byServer(api);
  const said = (address) => [found.get(address).weight, found.get(address).backup, found.get(address).host];
  assert.deepEqual(said("127.9.0.1:8001"), [5, false, name]);
  assert.deepEqual(said("[fd00::1]:8001"), [5, false, name]);
  assert.deepEqual(said("127.9.0.2:8002"), [7, true, name]);
  const refused = await api.expect(400, "PATCH", `${serversOf()}/0`, { weight: 2 });
  assert.equal(refused.error.code, "UpstreamServerWeightImmutable");
});

test("without resolve, a name is looked up once, and a failed lookup refuses the write", async (context) => {
  const { dns, gateway, api } = await start(context, { [`A ${name}`]: a("127.9.0.1", "127.9.0.2") });
  await api.expect(201, "POST", serversOf(), { server: host, weight: 2 });
  await waitForServers(gateway, ["127.9.0.1:8080", "127.9.0.2:8080"], 0);
  const before = await api.configuration();
  dns.answers[`A ${name}`] = SERVFAIL;
  dns.answers[`AAAA ${name}`] = SERVFAIL;
  const { error } = await api.expect(400, "PUT", sluice("new"), {
    resolver: { addresses: [dns.address] },
    servers: [{ server: "127.0.0.1:1" }, { server: host }],
  });
  assert.match(
    error.text,
    /^servers\[1\]: invalid "server": could not look up "app\.example:8080": .*server failure/,
  );
  await api.expect(404, "GET", sluice("new"));
  assert.equal(await api.configuration(), before);
  // A name that does not exist is refused too.
  const missing = await api.expect(400, "POST", serversOf(), { server: "missing.example" });
  assert.match(
    missing.error.text,
    /^invalid "server": could not look up "missing\.example": .*has no address/,
  );
});

test("without resolve, a name may have 100 addresses", async (context) => {
  const hosts = Array.from({ length: 100 }, (_, index) => `127.9.0.${index + 1}`);
  const { dns, gateway, api } = await start(context, { [`A ${name}`]: a(...hosts, "127.9.1.1") });
  const { error } = await api.expect(400, "POST", serversOf(), { server: host });
  assert.equal(error.code, "UpstreamBadAddress");
  assert.match(error.text, /^invalid "server": "app\.example:8080" has 101 addresses\./);
  dns.answers[`A ${name}`] = a(...hosts);
  await api.expect(201, "POST", serversOf(), { server: host });
  await waitForServers(
    gateway,
    hosts.map((address) => `${address}:8080`),
    0,
  );
});

test("localhost needs no DNS server, and a family can be left out", async (context) => {
  const { gateway, api } = await start(context, {}, { resolver: { ipv6: false } });
  await api.expect(201, "POST", serversOf(), { server: "localhost:9", resolve: true });
  await waitForServers(gateway, ["localhost:9", "127.0.0.1:9"]);
});

test("addresses that guard does not allow are skipped and reported", async (context) => {
  const guard = { addresses: ["127.0.0.0/8"], deny: ["127.9.0.2/32"] };
  const answers = { [`A ${name}`]: a("127.9.0.1", "127.9.0.2") };
  const { gateway, api } = await start(context, answers, { setup: { guard } });
  await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
  await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  const { skipped } = await waitFor("it is reported", async () => {
    const found = await stateOf(api);
    return found.skipped_count === 1 ? found : undefined;
  });
  assert.match(skipped[0].reason, /guard\.deny has 127\.9\.0\.2/);
  const resolver = { addresses: ["10.0.0.53"] };
  await api.expect(403, "PATCH", sluice(), { resolver });
});

test("a PUT of what GET has returned changes nothing", async (context) => {
  const { gateway, api } = await start(context, { [`A ${name}`]: a("127.9.0.1") });
  await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
  await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  const before = await api.expect(200, "GET", sluice());
  assert.deepEqual(await api.expect(200, "PUT", sluice(), before), before);
  const { servers } = await api.expect(200, "PUT", sluice(), {
    resolver: before.resolver,
    servers: [{ server: host, resolve: true, weight: 4 }],
  });
  assert.deepEqual(
    servers.map(({ id, weight }) => [id, weight]),
    [
      [0, 4],
      [1, 4],
    ],
  );
});

test("a name whose addresses change all the time: no client error, and no stale request", async (context) => {
  const backends = await startBackends(context, 4);
  const question = `SRV _http._tcp.${name}`;
  const record = ({ address }) => {
    const port = Number(address.split(":")[1]);
    return ["SRV", `_http._tcp.${name}`, "server.example", port, 1, 1];
  };
  const pairs = backends.map((backend, index) => [backend, backends[(index + 1) % backends.length]]);
  const { dns, gateway, api } = await start(
    context,
    {
      [question]: { answers: pairs[0].map(record), ttl: 0 },
      "A server.example": { answers: [["A", "server.example", "127.0.0.1"]], ttl: 0 },
    },
    { resolver: { valid: "100ms" }, servers: [{ server: name, service: "http", resolve: true }] },
  );
  await waitForServers(gateway, [name, ...pairs[0].map(({ address }) => address)]);
  const load = startLoad(context, { port: gateway.port, connections: 16, pause: 5 });
  let turn = 0;
  for (let round = 0; round < 3; round += 1) {
    for (let change = 0; change < 40; change += 1) {
      turn += 1;
      dns.answers[question] = { answers: pairs[turn % pairs.length].map(record), ttl: 0 };
      await sleep(100);
    }
    const present = pairs[turn % pairs.length];
    await waitForServers(gateway, [name, ...present.map(({ address }) => address)]);
    const removed = performance.now();
    await load.round();
    await load.round();
    for (const backend of backends.filter((one) => !present.includes(one))) {
      const stale = backend.requests.filter(({ started }) => started > removed);
      assert.equal(stale.length, 0, `${backend.address} received ${stale.length} stale requests`);
    }
  }
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.ok(load.answers > 100);
  assert.ok(
    backends.every(({ requests }) => requests.length > 0),
    "every server had its turn",
  );
  assert.equal((await stateOf(api)).state, "ok");
});

test("a new upstream of setup: a name without resolve is looked up at the start, or nginx does not start", async (context) => {
  const upstreams = { app: { servers: [{ server: "localhost:9", weight: 2 }] } };
  const gateway = await startGateway(context, { upstreams });
  const found = await gateway.api.expect(200, "GET", serversOf());
  assert.ok(found.some(({ server, weight }) => server === "127.0.0.1:9" && weight === 2));
  const bad = await makeGateway(context, { upstreams: { app: { servers: [{ server: "none.invalid" }] } } });
  await assertRefusesToStart(bad, /could not create upstream app: could not look up "none\.invalid:80"/);
});

test("gateways of a cluster share the parents, and each of them finds the addresses", async (context) => {
  const dns = await startScriptedDns(context, { [`A ${name}`]: a("127.9.0.1") });
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  const resolver = { addresses: [dns.address], valid: "200ms" };
  await one.api.expect(201, "PUT", sluice(), { resolver, servers: [{ server: host, resolve: true }] });
  for (const gateway of [one, two]) await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  await two.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 6 });
  await waitFor("the other gateway has the weight", async () => {
    const servers = await one.api.expect(200, "GET", serversOf());
    return servers.every(({ weight }) => weight === 6);
  });
  await one.api.expect(200, "DELETE", `${serversOf()}/0`);
  for (const gateway of [one, two]) await waitForServers(gateway, []);
});
