/** The address guard in discovery and clusters: entries, registries and their names, other gateways. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  clusterOf,
  clusterSetup,
  startCluster,
  waitForState as waitForCluster,
} from "../gateway/support/cluster.mjs";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { startForbidden } from "../gateway/support/forbidden.mjs";
import { makeGateway, startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { startConsul } from "../gateway/support/registries/consul.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const guard = { addresses: ["127.0.0.0/8"], deny: ["127.9.0.0/16"], ports: "1024-65535" };
const quiet = "lua_socket_log_errors off;";

/** Entries that are skipped, with the rule. */
const outside = {
  "192.0.2.1:8080": /guard\.addresses does not have it/,
  "127.9.0.1:8080": /guard\.deny has 127\.9\.0\.0\/16/,
  "[::ffff:127.9.0.1]:8080": /guard\.deny has 127\.9\.0\.0\/16/,
  "127.0.0.1:80": /guard\.ports is 1024-65535/,
  "unix:/run/docker.sock": /guard\.addresses does not have "unix:"/,
};

/** Waits until `count` entries are skipped. Returns them. */
function waitForSkipped({ api }, count) {
  return waitFor(`${count} entries are skipped`, async () => {
    const found = await discoveryOf(api);
    return found.skipped_count === count && found.skipped;
  });
}

test("entries of etcd that guard does not allow are skipped and reported, and the rest is applied", async (context) => {
  const etcd = await startEtcd(context);
  const put = (server) => etcd.put(`/upstreams/app/${encodeURIComponent(server)}`, server);
  await etcd.put("/upstreams/app/a", "127.0.0.2:8080");
  for (const server of Object.keys(outside)) await put(server);
  const options = { setup: { guard } };
  const { gateway } = await startDiscovery(context, etcd, { traffic: false, options });
  await waitForServers(gateway, ["127.0.0.2:8080"]);
  const skipped = await waitForSkipped(gateway, Object.keys(outside).length);
  for (const [server, rule] of Object.entries(outside)) {
    const entry = skipped.find(({ reason }) => reason.includes(`"${server}" is not allowed`));
    assert.match(entry?.reason ?? `${server} is not reported`, rule);
  }
  // Also while it is watched.
  await etcd.put("/upstreams/app/b", "192.0.2.2:8080");
  await etcd.put("/upstreams/app/c", "127.0.0.3:8080");
  await waitForServers(gateway, ["127.0.0.2:8080", "127.0.0.3:8080"]);
  await waitForSkipped(gateway, Object.keys(outside).length + 1);
});

test("a stricter guard removes a registry's servers like other entries, and never the last ones", async (context) => {
  const gateway = await makeGateway(context, {});
  const path = join(gateway.folder, "servers.json");
  const servers = ["127.0.0.2:8080", "127.0.0.3:8080", "127.9.0.1:8080"];
  writeFileSync(path, JSON.stringify({ servers }));
  gateway.configure({ upstreams: { app: { discovery: { file: { path } } } } });
  await gateway.start();
  await waitForServers(gateway, servers);
  gateway.configure({ setup: { guard } });
  await gateway.reload();
  await waitForServers(gateway, servers.slice(0, 2));
  await waitForSkipped(gateway, 1);
  gateway.configure({ setup: { guard: { addresses: ["10.0.0.0/8"] } } });
  await gateway.reload();
  await waitForSkipped(gateway, 3);
  const { error, state } = await waitForState(gateway, "failing");
  assert.equal(state, "failing");
  assert.match(
    error,
    /none of the registry's 3 entries can be used as a server: .*guard\.addresses does not have it/,
  );
  await waitForServers(gateway, servers.slice(0, 2), 0);
});

test("the resolver of setup looks up the name of a registry, and each of its addresses is judged", async (context) => {
  const names = await startScriptedDns(context, {
    "A consul.example": [["A", "consul.example", "127.9.0.1"]],
  });
  const consul = await startConsul(context);
  const { port } = new URL(consul.url);
  const forbidden = await startForbidden(context, "127.9.0.1", Number(port));
  await consul.set([{ server: "127.0.0.2:8080" }]);
  const discovery = { consul: { address: `http://consul.example:${port}`, service: "app" } };
  const resolver = { addresses: [names.address], valid: "200ms", ipv6: false };
  const gateway = await startGateway(context, {
    upstreams: { app: { discovery } },
    http: quiet,
    setup: { guard, resolver },
  });
  gateway.log.allow(PROBE_ERRORS, ...(consul.complaints ?? []));
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /the address of consul\.example is not allowed: guard\.deny has 127\.9\.0\.0\/16/);
  names.answers["A consul.example"] = [
    ["A", "consul.example", "127.9.0.1"],
    ["A", "consul.example", "127.0.0.1"],
  ];
  await waitForServers(gateway, ["127.0.0.2:8080"]);
  assert.equal(forbidden.connections, 0);
});

test("a registry is not contacted at an address that its name has got later", async (context) => {
  const names = await startScriptedDns(context, {
    "A consul.example": [["A", "consul.example", "127.0.0.1"]],
  });
  const consul = await startConsul(context);
  const { port } = new URL(consul.url);
  const forbidden = await startForbidden(context, "127.9.0.1", Number(port));
  await consul.set([{ server: "127.0.0.2:8080" }]);
  const discovery = { consul: { address: `http://consul.example:${port}`, service: "app" } };
  const gateway = await startGateway(context, {
    upstreams: { app: { discovery } },
    http: `${quiet} resolver ${names.address} ipv6=off valid=1s;`,
    setup: { guard },
  });
  gateway.log.allow(PROBE_ERRORS, ...(consul.complaints ?? []));
  await waitForServers(gateway, ["127.0.0.2:8080"]);
  names.answers["A consul.example"] = [["A", "consul.example", "127.9.0.1"]];
  await consul.stop("SIGKILL");
  const { error } = await waitFor("the other address is refused", async () => {
    const found = await discoveryOf(gateway.api);
    return found.state === "failing" && found.error.includes("not allowed") && found;
  });
  assert.match(
    error,
    /could not connect: the address of consul\.example is not allowed: guard\.deny has 127\.9\.0\.0\/16/,
  );
  await waitFor("it was tried more than once", () => forbidden.connections > 1);
  assert.equal(forbidden.bytes, 0);
  await waitForServers(gateway, ["127.0.0.2:8080"], 0);
});

test("a registry of a saved state is not contacted when guard does not allow it, and its servers stay", async (context) => {
  const names = await startScriptedDns(context, { "A app.example": [["A", "app.example", "127.0.0.2"]] });
  const dns = { ...names.discovery({ name: "app.example", type: "A", port: 8080 }) };
  const gateway = await startGateway(context, { upstreams: { app: { discovery: dns } }, http: quiet });
  await waitForServers(gateway, ["127.0.0.2:8080"]);
  gateway.configure({ upstreams: {}, setup: { guard: { addresses: ["127.0.0.2"] } } });
  await gateway.stop();
  const asked = names.asked.length;
  await gateway.start();
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /127\.0\.0\.1:\d+: 127\.0\.0\.1:\d+ is not allowed: guard\.addresses does not have it/);
  assert.equal(names.asked.length, asked);
  await waitForServers(gateway, ["127.0.0.2:8080"], 0);
  const { problems } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
  assert.match(problems[0].reason, /"discovery\.dns\.resolvers\[0\]"/);
});

test("a gateway of a cluster does not take over what its guard does not allow, and reports it", async (context) => {
  const etcd = await startEtcd(context);
  const [free] = await startCluster(context, etcd, 1);
  const setup = { ...clusterSetup(etcd.members.map(({ url }) => url)), guard };
  const [strict] = await startCluster(context, etcd, 1, { setup });
  await free.api.expect(201, "PUT", sluice(), { servers: [{ server: "127.0.0.2:8080" }] });
  await waitForServers(strict, ["127.0.0.2:8080"]);
  await free.api.expect(201, "POST", serversOf(), { server: "192.0.2.1:8080" });
  await free.api.expect(201, "PUT", sluice("other"), { servers: [{ server: "127.9.0.1:8080" }] });
  await free.api.expect(201, "PUT", sluice("more"), { servers: [{ server: "127.0.0.4:8080" }] });
  await waitForServers(strict, ["127.0.0.4:8080"], 30_000, "more");
  await waitForCluster(strict, "degraded");
  const problems = await waitFor("both are reported", async () => {
    const { problems: found } = await clusterOf(strict);
    return found?.length === 2 && found;
  });
  for (const { error } of problems)
    assert.match(error, /could not be applied: invalid "server": .* is not allowed/);
  await waitForServers(strict, ["127.0.0.2:8080"], 0);
  await strict.api.expect(404, "GET", sluice("other"));
  const answer = await strict.api.patch(sluice(), { method: "least_conn" });
  assert.deepEqual([answer.status, answer.body.error.code], [503, "ClusterUnavailable"]);
  await free.api.expect(204, "DELETE", sluice("other"));
  await free.api.expect(200, "PUT", sluice(), { servers: [{ server: "127.0.0.5:8080" }] });
  await waitForServers(strict, ["127.0.0.5:8080"]);
  await waitForCluster(strict, "ok");
});
