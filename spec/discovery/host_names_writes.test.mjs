/** Writes of host names: beside lookups, and with members that are not parameters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { assertKept, serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const name = "app.example";
const host = `${name}:8080`;

/** @param {import("node:test").TestContext} context */
async function start(context) {
  const dns = await startScriptedDns(context, { [`A ${name}`]: [["A", name, "127.9.0.1"]] });
  const resolver = { addresses: [dns.address], valid: "200ms", ipv6: false };
  return startGateway(context, { upstreams: { app: { resolver } }, http: "lua_socket_log_errors off;" });
}

test("a server that is deleted while its name is looked up leaves no address", async (context) => {
  const { api } = await start(context);
  for (let round = 0; round < 60; round += 1) {
    const { id } = await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
    await sleep(Math.random() * 60);
    await api.expect(200, "DELETE", `${serversOf()}/${id}`);
  }
  await waitFor("no address is left", async () => (await api.get(serversOf())).body.length === 0);
  const { id } = await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
  await waitFor("the address is there", async () => (await api.get(serversOf())).body.length === 2);
  for (let round = 0; round < 60; round += 1) {
    await api.expect(200, "PATCH", `${serversOf()}/${id}`, { weight: 2 + round });
    await sleep(Math.random() * 20);
    const [, child] = (await api.get(serversOf())).body;
    assert.equal(child.weight, 2 + round, "an earlier answer has no effect on later parameters");
  }
});

test("a server with a host name has no source, whatever a copy says", async (context) => {
  const gateway = await start(context);
  const { api } = gateway;
  const { resolver } = (await api.get(sluice())).body;
  for (const origin of [{ source: "discovery" }, { source: "register", node: "x" }, { source: "resolve" }]) {
    const servers = [{ server: host, resolve: true, ...origin }];
    await api.expect(200, "PUT", sluice(), { resolver, servers });
    await waitForServers(gateway, [host, "127.9.0.1:8080"]);
    assert.equal((await api.get(serversOf())).body[0].source, undefined);
    await api.expect(200, "PUT", sluice(), { resolver, servers: [] });
    await api.expect(200, "PUT", sluice(), { resolver, servers });
  }
  await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  await assertKept(gateway);
});

test("a drain job needs the server of an address, and says so for a host name", async (context) => {
  const gateway = await start(context);
  const { api } = gateway;
  const { id } = await api.expect(201, "POST", serversOf(), { server: host, resolve: true });
  await waitForServers(gateway, [host, "127.9.0.1:8080"]);
  const reason = `the server ${id} is the host name "${host}": set its "drain", or drain a server with its address`;
  for (const path of [`${sluice()}/servers/${id}/drain`, `${sluice()}/servers/drain?server=${host}`]) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const { status, body } = await api.send(method, path);
      assert.deepEqual(
        [status, body.error.code, body.error.text],
        [400, "UpstreamBadServerId", reason],
        method,
      );
    }
  }
  await api.expect(200, "PATCH", `${serversOf()}/${id}`, { drain: true });
  const [, address] = (await api.get(serversOf())).body;
  assert.equal(address.drain, true);
});
