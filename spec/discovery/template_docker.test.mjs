/** One Docker engine feeds many upstreams: the labels of its containers name them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { containerOf, startDocker } from "../gateway/support/registries/docker.mjs";
import {
  namesOf,
  startTemplate,
  upstreamOf,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";

/** Returns a container of an upstream. @param {string} upstream @param {string} server */
function containerAt(upstream, server, more = {}) {
  const [host, port] = server.split(":");
  const prefix = `sluice.http.upstreams.${upstream}`;
  return containerOf(`${upstream}-${server}`, { [`${prefix}.port`]: port, ...more }, { front: host });
}

test("containers make the upstreams that their labels name", async (context) => {
  const [one, two, three] = await startBackends(context, 3);
  const docker = await startDocker(context);
  const app = containerAt("app", one.address, { "sluice.http.upstreams.app.weight": "4" });
  const cart = containerAt("cart", two.address);
  await docker.setContainers([app, cart, containerOf("other", {}, { front: "10.0.0.1" })]);
  const config = { docker: { endpoint: docker.endpoint, network: "front" }, upstream: { owner: "docker" } };
  const gateway = await startTemplate(context, config);
  await waitForNames(gateway, ["app", "cart"]);
  const { owner, discovery, servers } = await upstreamOf(gateway, "app");
  assert.equal(owner, "docker");
  assert.deepEqual(discovery.template, { source: "docker" });
  assert.equal(servers[0].weight, 4);
  assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/to/cart`)).headers.get("x-backend"), two.id);
  const { source } = await waitForTemplate(gateway, "it is ok", ({ state }) => state === "ok");
  assert.equal(source, "docker");

  const shop = containerAt("shop", three.address);
  await docker.setContainers([app, cart, shop, containerAt("cart", three.address)]);
  await waitForNames(gateway, ["app", "cart", "shop"]);
  await waitForServers(gateway, [two.address, three.address], undefined, "cart");
  await docker.setContainers([app, shop]);
  await waitForNames(gateway, ["app", "shop"]);

  await docker.setContainers([]);
  await waitForTemplate(gateway, "both wait", ({ pending }) => pending?.count === 2);
  await docker.stop();
  await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
  assert.deepEqual(await namesOf(gateway), ["app", "shop"]);
  await docker.start();
  await docker.setContainers([app, shop, containerAt("late", someAddress(7))]);
  await waitForNames(gateway, ["app", "late", "shop"]);
  await waitForTemplate(
    gateway,
    "nothing waits",
    ({ state, pending }) => state === "ok" && pending === undefined,
  );
});
