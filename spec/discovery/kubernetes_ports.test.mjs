/** Discovery by Kubernetes: the port and the address family of a service's endpoints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { sliceOf, startKubernetes } from "../gateway/support/registries/kubernetes.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const [host] = someAddress(1).split(":");
const endpoints = [{ addresses: [host] }];
const ipv6Endpoints = [{ addresses: ["fd00::1"] }];
const http = [{ name: "http", port: 80, protocol: "TCP" }];

/** The slices of both families of a service, in the order of Kubernetes. */
const dualStack = [sliceOf("app-1", endpoints, http), sliceOf("app-2", ipv6Endpoints, http, "app", "IPv6")];

/** @param {import("node:test").TestContext} context @param {object[]} slices @param {object} [what] */
async function follow(context, slices, what = { port: undefined }) {
  const kubernetes = await startKubernetes(context);
  await kubernetes.setSlices(slices);
  const discovery = kubernetes.discovery(what);
  const { gateway } = await startDiscovery(context, kubernetes, { traffic: false, discovery });
  return { kubernetes, gateway };
}

test("a service with one port needs no port", async (context) => {
  const ports = [
    { name: "", port: 8080, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
  ];
  const { kubernetes, gateway } = await follow(context, [sliceOf("app-1", endpoints, ports)]);
  await waitForServers(gateway, [`${host}:8080`]);
  // The number may change, and may differ between slices.
  const changed = [{ name: "", port: 8081 }];
  await kubernetes.setSlices([
    sliceOf("app-1", endpoints, changed),
    sliceOf("app-2", [{ addresses: ["127.9.0.9"] }], [{ name: "", port: 8082 }]),
  ]);
  await waitForServers(gateway, [`${host}:8081`, "127.9.0.9:8082"]);
  await waitForState(gateway, "ok");
});

for (const [what, slices, reason] of /** @type {[string, object[], RegExp][]} */ ([
  [
    "in one slice",
    [sliceOf("app-1", endpoints, [...http, { name: "admin", port: 81 }])],
    /app-1: the slice has 2 TCP ports; "port" must name one/,
  ],
  [
    "in different slices",
    [
      sliceOf("app-1", endpoints, http),
      sliceOf("app-2", [{ addresses: ["127.9.0.9"] }], [{ name: "admin", port: 81 }]),
    ],
    /the service has the TCP ports "http" and "admin"; "port" must name one/,
  ],
])) {
  test(`a service with two ports ${what} is failing until a port is named`, async (context) => {
    const { kubernetes, gateway } = await follow(context, slices);
    const { error } = await waitForState(gateway, "failing");
    assert.match(error, reason);
    const discovery = kubernetes.discovery({ port: "http" });
    await gateway.api.expect(200, "PATCH", "/api/sluice/1/upstreams/app", { discovery });
    await waitForServers(gateway, [`${host}:80`]);
    await waitForState(gateway, "ok");
  });
}

test("a port whose number no endpoint has any more is a failure, and the servers stay", async (context) => {
  const { kubernetes, gateway } = await follow(context, [sliceOf("app-1", endpoints, http)], { port: 80 });
  await waitForServers(gateway, [`${host}:80`]);
  await waitForState(gateway, "ok");
  await kubernetes.setSlices([sliceOf("app-1", endpoints, [{ name: "http", port: 8080 }])]);
  const { error, pending } = await waitForState(gateway, "failing");
  assert.equal(
    error,
    'none of the registry\'s 1 entries can be used as a server: app-1: the slice has no TCP port "80"',
  );
  assert.deepEqual(pending.servers, [`${host}:80`]);
  await waitForServers(gateway, [`${host}:80`], 0);
  await kubernetes.setSlices([sliceOf("app-1", endpoints, http)]);
  await waitForState(gateway, "ok");
});

test("a dual-stack service has each pod once, at the service's first family", async (context) => {
  const { kubernetes, gateway } = await follow(context, []);
  await waitForState(gateway, "ok");
  await kubernetes.change({ service: { kind: "Service", spec: { ipFamilies: ["IPv6", "IPv4"] } } });
  await kubernetes.setSlices(dualStack);
  await waitForServers(gateway, ["[fd00::1]:80"]);
  const asked = await kubernetes.asked();
  assert.ok(asked.includes("/api/v1/namespaces/default/services/app"));
});

test('a dual-stack service that cannot be read uses IPv4 unless "family" is set', async (context) => {
  const { kubernetes, gateway } = await follow(context, dualStack);
  await waitForServers(gateway, [`${host}:80`]);
  for (const [family, servers] of /** @type {const} */ ([
    ["ipv6", ["[fd00::1]:80"]],
    ["ipv4", [`${host}:80`]],
  ])) {
    const name = `app_${family}`;
    const discovery = kubernetes.discovery({ port: undefined, family });
    await gateway.api.expect(201, "PUT", `/api/sluice/1/upstreams/${name}`, { servers: [], discovery });
    await waitForServers(gateway, [...servers], 10_000, name);
  }
});

test("a family that the service does not have is a failure", async (context) => {
  const { gateway } = await follow(context, [dualStack[0]], { port: "http", family: "ipv6" });
  const { error } = await waitFor("the failure is reported", async () => {
    const found = await discoveryOf(gateway.api);
    return found.state === "failing" ? found : undefined;
  });
  assert.match(error, /the service has no endpoint with an IPv6 address/);
});

test("a single-stack service of IPv6 needs neither family nor the service", async (context) => {
  const { kubernetes, gateway } = await follow(context, [dualStack[1]]);
  await waitForServers(gateway, ["[fd00::1]:80"]);
  assert.ok(!(await kubernetes.asked()).some((uri) => uri.includes("/services/")));
});
