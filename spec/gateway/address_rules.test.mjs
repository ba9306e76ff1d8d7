/** The address guard: what the API, setup and the saved state may point to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { PROBE_ERRORS, stateOf } from "./support/health.mjs";
import { ask } from "./support/load.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** Allows the servers of tests. */
const guard = {
  addresses: ["127.0.0.0/8", "fd00::/8"],
  deny: ["127.9.0.0/16", "169.254.0.0/16"],
  ports: "1024-65535",
};

/** Servers that are refused, with the rule. */
const outside = {
  "192.0.2.1:8080": /guard\.addresses does not have it/,
  "[::1]:8080": /guard\.addresses does not have it/,
  "127.9.0.1:8080": /guard\.deny has 127\.9\.0\.0\/16/,
  "[::ffff:127.9.0.1]:8080": /guard\.deny has 127\.9\.0\.0\/16/,
  "[::FFFF:7f09:1]:8080": /guard\.deny has 127\.9\.0\.0\/16/,
  "169.254.169.254:8080": /guard\.deny has 169\.254\.0\.0\/16/,
  "127.0.0.1": /guard\.ports is 1024-65535/,
  "127.0.0.1:01023": /guard\.ports is 1024-65535/,
  "unix:/run/docker.sock": /guard\.addresses does not have "unix:"/,
};

/** Settings that are refused, with the field and the rule. */
const settings = [
  [{ health_check: { port: 22 } }, /"health_check\.port": "22" is not allowed: guard\.ports/],
  [
    { health_check: { agent: { port: 22 } } },
    /"health_check\.agent\.port": "22" is not allowed: guard\.ports/,
  ],
  [
    { discovery: { consul: { address: "http://192.0.2.1:8500", service: "app" } } },
    /"discovery\.consul\.address": "http:\/\/192\.0\.2\.1:8500" is not allowed: guard\.addresses/,
  ],
  [
    { discovery: { consul_kv: { address: "http://127.0.0.1", prefix: "app" } } },
    /"discovery\.consul_kv\.address": "http:\/\/127\.0\.0\.1" is not allowed: guard\.ports/,
  ],
  [
    { discovery: { etcd: { endpoints: ["http://127.0.0.1:2379", "http://127.9.0.1:2379"], prefix: "/a/" } } },
    /"discovery\.etcd\.endpoints\[1\]": "http:\/\/127\.9\.0\.1:2379" is not allowed: guard\.deny/,
  ],
  [
    { discovery: { dns: { name: "app", port: 8080, resolvers: ["127.0.0.1"] } } },
    /"discovery\.dns\.resolvers\[0\]": "127\.0\.0\.1:53" is not allowed: guard\.ports/,
  ],
  [
    { discovery: { kubernetes: { service: "app" } } },
    /"discovery\.kubernetes\.api_server": "https:\/\/kubernetes\.default\.svc" is not allowed: guard\.ports/,
  ],
  [
    {
      load: {},
      autoscale: { min: 1, max: 2, webhook: { url: "http://169.254.169.254:8080/x?y=z", secret: "s" } },
    },
    /"autoscale\.webhook\.url": "http:\/\/169\.254\.169\.254:8080" is not allowed: guard\.deny/,
  ],
  ...["127.1", "2130706433", "0x7f000001", "0177.0.0.1"].map((host) => [
    { discovery: { consul: { address: `http://${host}:8500`, service: "app" } } },
    /"discovery\.consul\.address": .* is not allowed: its host is neither a name nor an IP address/,
  ]),
];

/** @param {import("./support/api.mjs").Answer} answer @param {RegExp} reason */
function assertNotAllowed(answer, reason) {
  assertErrorBody(answer, 403, "AddressNotAllowed");
  assert.match(answer.body.error.text, reason);
}

test("no request to the API can add an address that guard does not allow", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9001"], setup: { guard } });
  for (const [server, rule] of Object.entries(outside)) {
    assertNotAllowed(await api.post(serversOf(), { server }), rule);
    assertNotAllowed(await api.patch(`${serversOf()}/0`, { server }), rule);
    assertNotAllowed(await api.put(sluice(), { servers: [{ server: "127.0.0.2:9001" }, { server }] }), rule);
    assertNotAllowed(await api.patch(sluice(), { servers: [{ server }] }), rule);
    assertNotAllowed(await api.put(sluice("other"), { servers: [{ server }] }), rule);
    const node = await api.put(nodeOf("one"), { server, ttl: "10s" });
    if (node.body.error.code !== "UpstreamBadAddress") assertNotAllowed(node, rule);
  }
  for (const [change, rule] of settings) {
    assertNotAllowed(await api.patch(sluice(), change), rule);
    assertNotAllowed(await api.put(sluice("other"), change), rule);
  }
  const all = await api.expect(200, "GET", "/api/sluice/1/upstreams");
  assert.deepEqual(Object.keys(all), ["app"]);
  assert.deepEqual(
    all.app.servers.map(({ server }) => server),
    ["127.0.0.1:9001"],
  );
  assert.deepEqual(Object.keys(all.app), ["method", "servers"]);
  await api.expect(201, "POST", serversOf(), { server: "127.0.0.1:1024" });
  await api.expect(201, "POST", serversOf(), { server: "[fd00::1]:65535" });
  await api.expect(201, "PUT", nodeOf("one"), { server: "127.0.0.3:9001", ttl: "10s" });
});

test("a refused change uses no memory", async (context) => {
  const { api } = await startGateway(context, {
    servers: ["127.0.0.1:9001"],
    setup: { guard },
    dict: "128k",
  });
  const servers = Array.from({ length: 300 }, (_, number) => ({
    server: `127.0.${number % 250}.1:${9000 + number}`,
  }));
  servers.push({ server: "192.0.2.1:9000" });
  for (let turn = 0; turn < 30; turn += 1)
    assertNotAllowed(await api.put(sluice("other"), { servers }), /guard\.addresses/);
  await api.expect(201, "PUT", sluice("other"), { servers: servers.slice(0, 300) });
});

test("a seed, a registry and a cluster that guard does not allow stop the start", async (context) => {
  const starts = [
    [
      { upstreams: { app: { servers: [{ server: "192.0.2.1:8080" }] } } },
      /upstreams\.app: servers\[0\]: invalid "server"/,
    ],
    ...settings.map(([change, rule]) => [{ upstreams: { app: change } }, rule]),
    [
      { setup: { cluster: { etcd: { endpoints: ["http://192.0.2.1:2379"], prefix: "/s/" } } } },
      /invalid "cluster\.etcd\.endpoints\[0\]": "http:\/\/192\.0\.2\.1:2379" is not allowed/,
    ],
    [{ setup: { guard: { addresses: ["10.0.0.1/8"] } } }, /invalid "guard\.addresses\[0\]"/],
  ];
  for (const [options, reason] of starts) {
    const setup = { guard, ...options.setup };
    await assertRefusesToStart(await makeGateway(context, { ...options, setup }), reason);
  }
});

test("without a guard only link-local registries and webhooks are refused", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9001"] });
  for (const host of ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]"]) {
    const link_local = /registries and webhooks must not be at link-local addresses/;
    const consul = { address: `http://${host}`, service: "app" };
    assertNotAllowed(await api.patch(sluice(), { discovery: { consul } }), link_local);
    const webhook = { url: `http://${host}/latest/meta-data`, secret: "s" };
    const autoscale = { min: 1, max: 2, webhook };
    assertNotAllowed(await api.patch(sluice(), { load: {}, autoscale }), link_local);
  }
  await api.expect(201, "POST", serversOf(), { server: "169.254.1.1:80" });
  await api.expect(201, "POST", serversOf(), { server: "unix:/run/app.sock" });
});

test("a stricter guard keeps the saved servers in service, and reports them until they are gone", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => address);
  const gateway = await startGateway(context, { servers });
  const { api } = gateway;
  await api.expect(200, "PATCH", sluice(), { health_check: { interval: "200ms", timeout: "10s" } });
  gateway.log.allow(PROBE_ERRORS);
  // The seeds are now the saved state.
  gateway.configure({ servers: undefined, upstreams: {}, setup: { guard: { deny: ["127.0.0.1"] } } });
  for (const start of ["a reload", "a restart"]) {
    if (start === "a reload") {
      await gateway.reload();
    } else {
      await gateway.stop();
      await gateway.start();
    }
    assert.equal((await ask(gateway.port)).status, 200, start);
    const [problem] = await waitFor("the addresses are reported", async () => {
      const { problems } = await api.expect(200, "GET", `${sluice()}/explain`);
      return problems.length > 0 && problems;
    });
    assert.equal(problem.problem, "address_not_allowed");
    assert.match(
      problem.reason,
      /has 2 addresses from before guard excluded them; .*guard\.deny has 127\.0\.0\.1/,
    );
  }
  const summary = await api.expect(200, "GET", "/api/sluice/1/status");
  assert.equal(summary.upstreams[0].problems[0].problem, "address_not_allowed");
  const warnings = gateway.log
    .entries("warn")
    .filter((line) => line.includes("addresses that guard does not allow"));
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /: app; the first is: invalid "server": "127\.0\.0\.1:\d+" is not allowed/);
  await waitFor("the servers are still checked", async () => {
    const peers = [...(await peersOf(api)).values()];
    return peers.every(({ health_checks }) => health_checks.checks > 2);
  });
  for (const server of servers) assert.equal(await stateOf(api, server), "up");
  // Everything else can be changed, and the addresses cannot be given to another upstream.
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 });
  await api.expect(200, "PATCH", sluice(), { method: "least_conn" });
  await api.expect(200, "PUT", sluice(), await api.expect(200, "GET", sluice()));
  assertNotAllowed(await api.put(sluice("other"), { servers: [{ server: servers[0] }] }), /guard\.deny/);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  assertNotAllowed(await api.post(serversOf(), { server: servers[0] }), /guard\.deny/);
  const { problems } = await api.expect(200, "GET", `${sluice()}/explain`);
  assert.match(problems[0].reason, /has 1 addresses/);
  await api.expect(200, "PUT", `${sluice()}?force=true`, { servers: [{ server: "127.0.0.2:9" }] });
  assert.deepEqual((await api.expect(200, "GET", `${sluice()}/explain`)).problems, []);
});
