/** The resolver of host names, against DNS servers that misbehave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { startDns } from "../gateway/support/registries/dns.mjs";
import { startRefusing } from "../gateway/support/registries/refusing.mjs";
import { startConsul } from "../gateway/support/registries/consul.mjs";
import { NXDOMAIN, SERVFAIL, startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const name = "app.example";
const host = `${name}:80`;
/** @param {string[]} addresses */
const a = (...addresses) => addresses.map((address) => ["A", name, address]);

/**
 * Starts a gateway whose upstream "app" has a host name and asks DNS servers.
 * @param {import("node:test").TestContext} context
 * @param {string[]} addresses
 */
async function follow(context, addresses, more = {}) {
  const resolver = { addresses, valid: "200ms", ...more };
  const upstreams = { app: { resolver, servers: [{ server: host, resolve: true }] } };
  return startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
}

async function stateOf({ api }) {
  const { hosts } = await discoveryOf(api);
  return hosts[0];
}

/**
 * Follows a name of a scripted DNS server.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, import("../gateway/support/registries/scripted_dns.mjs").Answer>} answers
 */
async function followScript(context, answers, more = {}) {
  const dns = await startScriptedDns(context, answers);
  return { dns, gateway: await follow(context, [dns.address], more) };
}

test("a real DNS server is followed, also when its answer is too large for UDP", async (context) => {
  const dns = await startDns(context);
  const hosts = Array.from({ length: 80 }, (_, index) => `127.9.1.${index + 1}`);
  await dns.serve(hosts.map((address) => `address=/${name}/${address}`));
  const gateway = await follow(context, [dns.address]);
  await waitForServers(gateway, [host, ...hosts.map((address) => `${address}:80`)]);
});

test("a truncated answer is fetched over TCP", async (context) => {
  const { dns, gateway } = await followScript(context, {
    [`A ${name}`]: { answers: a("127.9.0.1"), isTruncated: true },
  });
  await waitForServers(gateway, [host, "127.9.0.1:80"]);
  assert.ok(dns.askedOverTcp.includes(`A ${name}`));
});

test("a server that sends its answer over TCP byte by byte is passed over", async (context) => {
  const slow = await startScriptedDns(context, {
    [`A ${name}`]: { answers: a("127.9.0.1"), isTruncated: true, trickles: true },
  });
  const dns = await startScriptedDns(context, { [`A ${name}`]: a("127.9.0.2") });
  const gateway = await follow(context, [slow.address, dns.address]);
  await waitForServers(gateway, [host, "127.9.0.2:80"]);
  assert.ok(slow.askedOverTcp.includes(`A ${name}`));
});

test("a failed question is repeated soon, however long answers are valid", async (context) => {
  const { dns, gateway } = await followScript(context, { [`A ${name}`]: SERVFAIL }, { valid: "10m" });
  await waitFor("the failure is reported", async () => (await stateOf(gateway)).skipped_count > 0);
  dns.answers[`A ${name}`] = a("127.9.0.1");
  await waitForServers(gateway, [host, "127.9.0.1:80"]);
  assert.equal((await stateOf(gateway)).skipped_count, 0);
});

for (const wrong of /** @type {const} */ (["id", "question", "garbage"])) {
  test(`an answer with a wrong ${wrong} is ignored, and the right one that follows is used`, async (context) => {
    const { gateway } = await followScript(context, {
      [`A ${name}`]: { answers: a("127.9.0.1"), wrong },
    });
    await waitForServers(gateway, [host, "127.9.0.1:80"]);
    assert.equal((await stateOf(gateway)).state, "ok");
  });
}

test("CNAME records are followed over several answers, and a loop changes nothing", async (context) => {
  const { dns, gateway } = await followScript(context, {
    [`A ${name}`]: [["CNAME", name, "one.example"]],
    "A one.example": [
      ["CNAME", "one.example", "two.example"],
      ["A", "two.example", "127.9.0.1"],
    ],
  });
  await waitForServers(gateway, [host, "127.9.0.1:80"]);
  dns.answers["A one.example"] = [["CNAME", "one.example", name]];
  const { skipped } = await waitFor("the loop is reported", async () => {
    const state = await stateOf(gateway);
    return state.skipped_count > 0 && state;
  });
  assert.match(skipped[0].reason, /form a loop/);
  await waitForServers(gateway, [host, "127.9.0.1:80"], 0);
});

test("when one family fails, the other is followed, and the first keeps its addresses", async (context) => {
  const { dns, gateway } = await followScript(context, {
    [`A ${name}`]: a("127.9.0.1"),
    [`AAAA ${name}`]: [["AAAA", name, "fd00:0:0:0:0:0:0:1"]],
  });
  await waitForServers(gateway, [host, "127.9.0.1:80", "[fd00::1]:80"]);
  dns.answers[`AAAA ${name}`] = SERVFAIL;
  dns.answers[`A ${name}`] = a("127.9.0.2");
  await waitForServers(gateway, [host, "127.9.0.2:80", "[fd00::1]:80"]);
});

test("a family that is switched off is not asked for", async (context) => {
  const { dns, gateway } = await followScript(context, { [`A ${name}`]: a("127.9.0.1") }, { ipv6: false });
  await waitForServers(gateway, [host, "127.9.0.1:80"]);
  assert.equal(dns.count(`AAAA ${name}`), 0);
});

test("a silent DNS server is passed over, and not asked again while another answers", async (context) => {
  const dns = await startScriptedDns(context, { [`A ${name}`]: a("127.9.0.1") });
  const silent = await startRefusing(context, undefined);
  const gateway = await follow(context, [silent.address, dns.address]);
  await waitForServers(gateway, [host, "127.9.0.1:80"]);
  const { questions } = silent;
  const before = dns.count(`A ${name}`);
  await waitFor("the name is looked up again", () => dns.count(`A ${name}`) > before + 5);
  assert.equal(silent.questions, questions);
});

test("a TTL of 0 and one of a million seconds are bounded, and a negative answer is kept", async (context) => {
  const seconds = 4;
  for (const { answer, most } of [
    { answer: { answers: a("127.9.0.1"), ttl: 0 }, most: seconds + 2 },
    { answer: { answers: a("127.9.0.1"), ttl: 1_000_000 }, most: 0 },
    { answer: { code: NXDOMAIN, negative: 60 }, most: 0 },
    { answer: { code: NXDOMAIN, negative: 0 }, most: seconds + 2 },
  ]) {
    const answers = { [`A ${name}`]: answer, [`AAAA ${name}`]: { ...answer, answers: [] } };
    const { dns, gateway } = await followScript(context, answers, { valid: undefined });
    await waitFor("both families were asked for", () => dns.count(`AAAA ${name}`) > 0);
    await waitFor("the answer was applied", async () => (await stateOf(gateway)).state !== "starting");
    const before = dns.count(`A ${name}`);
    await sleep(seconds * 1000);
    const count = dns.count(`A ${name}`) - before;
    assert.ok(count <= most, `${JSON.stringify(answer)}: asked ${count} times`);
    await gateway.stop();
  }
});

test("a registry is reached at the addresses that are known of its name while DNS is silent", async (context) => {
  const consul = await startConsul(context);
  await consul.set([{ server: "127.0.0.2:8080" }]);
  const dns = await startScriptedDns(context, {
    "A consul.example": [["A", "consul.example", "127.0.0.1"]],
  });
  const silent = await Promise.all(Array.from({ length: 7 }, () => startRefusing(context, undefined)));
  const addresses = [dns, ...silent].map(({ address }) => address);
  const { port } = new URL(consul.url);
  const discovery = { consul: { address: `http://consul.example:${port}`, service: "app" } };
  const gateway = await startGateway(context, {
    upstreams: { app: { discovery } },
    setup: { resolver: { addresses, valid: "200ms", ipv6: false, timeout: "60s" } },
    http: "lua_socket_log_errors off;",
    workers: 1,
  });
  await waitForServers(gateway, ["127.0.0.2:8080"]);
  dns.answers["A consul.example"] = "silent";
  // The addresses expire.
  await sleep(500);
  await gateway.api.expect(201, "PUT", "/api/sluice/1/upstreams/second", { discovery });
  await waitForServers(gateway, ["127.0.0.2:8080"], undefined, "second");
});

test("discovery.dns without resolvers uses the resolver of setup", async (context) => {
  const dns = await startScriptedDns(context, { [`A ${name}`]: a("127.9.0.1") });
  const setup = { resolver: { addresses: [dns.address] } };
  const discovery = { dns: { name, port: 8080 } };
  const gateway = await startGateway(context, { upstreams: { app: { discovery } }, setup });
  await waitForServers(gateway, ["127.9.0.1:8080"]);
  dns.answers[`A ${name}`] = a("127.9.0.2");
  await waitForServers(gateway, ["127.9.0.2:8080"]);
});

test("a lookup without resolve uses the resolver of setup", async (context) => {
  const dns = await startScriptedDns(context, { [`A ${name}`]: a("127.9.0.1") });
  const setup = { resolver: { addresses: [dns.address], timeout: "2s" } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup });
  const servers = [{ server: host }, { server: "127.0.0.1:1" }];
  await gateway.api.expect(200, "PUT", "/api/sluice/1/upstreams/app", { servers });
  await waitForServers(gateway, ["127.0.0.1:1", "127.9.0.1:80"], 0);
});
