/** Discovery by DNS: record types, TTLs, and resolvers that fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { startDns } from "../gateway/support/registries/dns.mjs";
import { SERVFAIL, startRefusing } from "../gateway/support/registries/refusing.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("dns", startDns);

const name = "app.example";

/** Returns the servers of "app" by address. @param {import("../gateway/support/api.mjs").Api} api */
async function byAddress(api) {
  const servers = await api.expect(200, "GET", serversOf());
  return new Map(servers.map((server) => [server.server, server]));
}

/**
 * Starts a gateway whose upstream follows a name of a DNS server.
 * @param {import("node:test").TestContext} context
 * @param {import("../gateway/support/registries/dns.mjs").Dns} dns
 * @param {object} what members of `discovery.dns`
 */
function follow(context, dns, what) {
  return startDiscovery(context, dns, { traffic: false, discovery: dns.discovery({ name, ...what }) });
}

test("each A record is a server at the configured port", async (context) => {
  const dns = await startDns(context);
  await dns.serve([`address=/${name}/127.9.0.1`, `address=/${name}/127.9.0.2`]);
  const { gateway } = await follow(context, dns, { type: "A", port: 8080 });
  await waitForServers(gateway, ["127.9.0.1:8080", "127.9.0.2:8080"]);
});

test("each AAAA record is a server in brackets, in canonical spelling", async (context) => {
  const dns = await startDns(context);
  await dns.serve([`address=/${name}/fd00:0:0:1:0:0:0:2`, `address=/${name}/::1`]);
  const { gateway } = await follow(context, dns, { type: "AAAA", port: 8080 });
  await waitForServers(gateway, ["[::1]:8080", "[fd00:0:0:1::2]:8080"]);
});

test("an alias provides the addresses of its target", async (context) => {
  const dns = await startDns(context);
  await dns.serve(["cname=app.example,other.example,3", "host-record=other.example,127.9.0.3,2"]);
  const { gateway } = await follow(context, dns, { type: "A", port: 80 });
  await waitForServers(gateway, ["127.9.0.3:80"]);
});

test("an answer that is too large for UDP is fetched over TCP", async (context) => {
  const dns = await startDns(context);
  const hosts = Array.from({ length: 80 }, (_, index) => `127.9.1.${index + 1}`);
  await dns.serve(hosts.map((host) => `address=/${name}/${host}`));
  const { gateway } = await follow(context, dns, { type: "A", port: 80 });
  await waitForServers(
    gateway,
    hosts.map((host) => `${host}:80`),
  );
});

test("SRV: weights are used, and targets of all priorities except the first are backups", async (context) => {
  const dns = await startDns(context);
  await dns.serve([
    "host-record=one.example,127.9.0.1,fd00::1",
    "host-record=two.example,127.9.0.2",
    `srv-host=${name},one.example,8001,10,5`,
    `srv-host=${name},two.example,8002,10,0`,
    `srv-host=${name},two.example,8003,20,7`,
  ]);
  const { gateway } = await follow(context, dns, { type: "SRV" });
  await waitForServers(gateway, ["127.9.0.1:8001", "[fd00::1]:8001", "127.9.0.2:8002", "127.9.0.2:8003"]);
  const found = await byAddress(gateway.api);
  const said = (address) => [found.get(address).weight, found.get(address).backup];
  assert.deepEqual(said("127.9.0.1:8001"), [5, false]);
  assert.deepEqual(said("[fd00::1]:8001"), [5, false]);
  assert.deepEqual(said("127.9.0.2:8002"), [1, false]);
  assert.deepEqual(said("127.9.0.2:8003"), [7, true]);
});

test("SRV: targets without additional records are looked up", async (context) => {
  const dns = await startDns(context);
  // dnsmasq does not add the addresses of an alias.
  await dns.serve([
    "host-record=one.example,127.9.0.1,fd00::1",
    "cname=alias.example,one.example",
    `srv-host=${name},alias.example,8001`,
    `srv-host=${name},one.example,8002`,
  ]);
  const { gateway } = await follow(context, dns, { type: "SRV" });
  const hosts = ["127.9.0.1", "[fd00::1]"];
  await waitForServers(
    gateway,
    hosts.flatMap((host) => [`${host}:8001`, `${host}:8002`]),
  );
  assert.ok(dns.countQueries("A", "alias.example") > 0);
  assert.ok(dns.countQueries("AAAA", "alias.example") > 0);
  assert.equal(dns.countQueries("A", "one.example"), 0);
});

test("a name is looked up again after its smallest TTL, within the bounds", async (context) => {
  const seconds = 4;
  for (const { ttls, bounds, least, most } of [
    { ttls: [1, 100], bounds: {}, least: 3, most: 5 },
    { ttls: [0, 0], bounds: { min_ttl: "2s", max_ttl: "2s" }, least: 1, most: 3 },
    { ttls: [100, 100], bounds: { max_ttl: "1s" }, least: 3, most: 5 },
    { ttls: [100, 100], bounds: {}, least: 0, most: 0 },
  ]) {
    const dns = await startDns(context);
    const [alias, host] = ttls;
    await dns.serve([`cname=${name},other.example,${alias}`, `host-record=other.example,127.9.0.1,${host}`]);
    const ttl = { min_ttl: "100ms", max_ttl: "60s", ...bounds };
    const { gateway } = await follow(context, dns, { type: "A", port: 80, ...ttl });
    await waitForServers(gateway, ["127.9.0.1:80"]);
    const before = dns.countQueries("A", name);
    await sleep(seconds * 1000);
    const count = dns.countQueries("A", name) - before;
    assert.ok(count >= least && count <= most, `${JSON.stringify({ ttls, bounds })}: asked ${count} times`);
    assert.ok(!gateway.log.text().includes("ngx.sleep(0)"), "the worker does not loop while it waits");
    await gateway.stop();
  }
});

test("when a resolver fails, the next one is asked", async (context) => {
  const dns = await startDns(context);
  await dns.serve([`host-record=${name},127.9.0.1`]);
  const dead = `127.0.0.1:${await freePort()}`;
  const silent = await startRefusing(context, undefined);
  const failing = await startRefusing(context, SERVFAIL);
  const resolvers = [dead, silent.address, failing.address, dns.address];
  const { gateway } = await follow(context, dns, { type: "A", port: 80, resolvers });
  await waitForServers(gateway, ["127.9.0.1:80"]);
  await waitForState(gateway, "ok");
  // The resolver that answers is used further, and the others are not asked again.
  const { questions } = failing;
  await waitFor("the resolver is asked again", () => dns.countQueries("A", name) > 5);
  assert.equal(failing.questions, questions);
});

test("a resolver that fails or does not answer changes nothing, and is asked with pauses", async (context) => {
  for (const code of [SERVFAIL, undefined]) {
    const dns = await startDns(context);
    await dns.serve([`host-record=${name},127.9.0.1`]);
    const { gateway } = await follow(context, dns, { type: "A", port: 80 });
    await waitForServers(gateway, ["127.9.0.1:80"]);
    const failing = await startRefusing(context, code);
    const { dns: what } = dns.discovery({ name, type: "A", port: 80, resolvers: [failing.address] });
    await gateway.api.expect(200, "PATCH", "/api/sluice/1/upstreams/app", { discovery: { dns: what } });
    await waitFor("the failure is reported", async () => {
      const { state, error } = await discoveryOf(gateway.api);
      return state === "failing" && error.includes(failing.address);
    });
    await sleep(2000);
    assert.ok(failing.questions < 15, `asked ${failing.questions} times`);
    await waitForServers(gateway, ["127.9.0.1:80"], 0);
    await gateway.stop();
  }
});

test("a name that no longer exists, or has no address, keeps its servers", async (context) => {
  const dns = await startDns(context);
  for (const gone of [[], [`host-record=${name},fd00::1`]]) {
    await dns.serve([`host-record=${name},127.9.0.1`]);
    const { gateway } = await follow(context, dns, { type: "A", port: 80 });
    await waitForServers(gateway, ["127.9.0.1:80"]);
    await dns.serve(gone);
    const report = await waitFor("the empty answer is reported", async () => {
      const found = await discoveryOf(gateway.api);
      return found.pending === undefined ? undefined : found;
    });
    assert.deepEqual(report.pending.servers, ["127.9.0.1:80"]);
    await waitFor("the source is ok", async () => (await discoveryOf(gateway.api)).state === "ok");
    await waitForServers(gateway, ["127.9.0.1:80"], 0);
    await gateway.stop();
  }
});

test("malformed DNS answers are a failure", async (context) => {
  const dns = await startDns(context);
  // The answer announces one SRV record, which ends before its data.
  const broken = await startRefusing(context, SERVFAIL, (answer) => {
    answer[3] = 0;
    answer[7] = 1;
    return Buffer.concat([answer, Buffer.from([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 0, 0, 7])]);
  });
  const resolvers = [broken.address];
  const { gateway } = await follow(context, dns, { type: "A", port: 80, resolvers });
  await waitFor("the failure is reported", async () => {
    return (await discoveryOf(gateway.api)).state === "failing";
  });
  const { questions } = broken;
  await waitFor("the resolver is asked again", () => broken.questions > questions);
});
