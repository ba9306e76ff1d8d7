/** One Consul feeds many upstreams: the services with a tag. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, waitForServers } from "../gateway/support/discovery.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { startConsul } from "../gateway/support/registries/consul.mjs";
import {
  namesOf,
  startTemplate,
  upstreamOf,
  waitForNames,
  waitForTemplate,
} from "../gateway/support/templates.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const isOk = ({ state }) => state === "ok";
const templateOf = (consul, more = {}) => ({ consul: { address: consul.url, tag: "sluice" }, ...more });

/** Returns an instance of a service. @param {string} service @param {string} server */
function instance(service, server, more = {}) {
  const [address, port] = server.split(":");
  return { id: `${service}-${server}`, service, address, port: Number(port), tags: ["sluice"], ...more };
}

test("services with the tag are upstreams, whose servers follow their checks", async (context) => {
  const [one, two, three] = await startBackends(context, 3);
  const consul = await startConsul(context);
  const app = instance("app", one.address, { weight: 3 });
  const cart = instance("cart", two.address, { tags: ["v2", "sluice"] });
  const other = instance("other", three.address, { tags: ["v1"] });
  const bad = instance("a name", three.address);
  await consul.setInstances([app, cart, other, bad]);
  const upstream = { method: "least_conn" };
  const gateway = await startTemplate(context, templateOf(consul, { upstream }));
  await waitForNames(gateway, ["app", "cart"]);
  const { method, discovery, servers } = await upstreamOf(gateway, "app");
  assert.equal(method, "least_conn");
  assert.deepEqual(discovery.template, { source: "consul" });
  assert.deepEqual(
    servers.map(({ server, weight }) => ({ server, weight })),
    [{ server: one.address, weight: 3 }],
  );
  assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/to/cart`)).headers.get("x-backend"), two.id);
  const { source, skipped } = await waitForTemplate(gateway, "it is ok", isOk);
  assert.equal(source, "consul");
  assert.deepEqual(
    skipped.map(({ entry }) => entry),
    ["a name"],
  );
  const load = startLoad(context, { port: gateway.port, connections: 4, pause: 20, path: "/to/app" });

  const more = instance("cart", three.address);
  await consul.setInstances([app, cart, more, other]);
  await waitForServers(gateway, [two.address, three.address], undefined, "cart");
  await waitForTemplate(gateway, "nothing is skipped", (state) => state.skipped_count === 0);
  // Instances that fail their checks are left out, but the last ones stay.
  await consul.setInstances([app, { ...cart, passing: false }, more]);
  await waitForServers(gateway, [three.address], undefined, "cart");
  await consul.setInstances([app, { ...cart, passing: false }, { ...more, passing: false }]);
  await waitFor(
    "the guard keeps it",
    async () => (await discoveryOf(gateway.api, "cart")).pending !== undefined,
  );
  await waitForServers(gateway, [three.address], 0, "cart");
  assert.deepEqual(await namesOf(gateway), ["app", "cart"]);
  await consul.setInstances([app]);
  await waitForNames(gateway, ["app"]);
  await consul.setInstances([]);
  await waitForTemplate(gateway, "the last one waits", ({ pending }) => pending?.count === 1);
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
});

test("a failing Consul changes nothing", async (context) => {
  const consul = await startConsul(context);
  const instances = Array.from({ length: 40 }, (_, number) => instance(`s${number}`, someAddress(number)));
  await consul.setInstances(instances);
  const gateway = await startTemplate(context, templateOf(consul));
  const names = instances.map(({ service }) => service);
  await waitForNames(gateway, names);
  await consul.stop();
  const { error } = await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
  assert.ok(error.length > 0);
  await gateway.reload();
  await sleep(1000);
  assert.deepEqual(await namesOf(gateway), names.toSorted());
  await consul.start();
  await consul.setInstances([...instances, instance("new", someAddress(99))]);
  await waitForNames(gateway, [...names, "new"]);
  await waitForTemplate(gateway, "it is ok", isOk);
  await waitForServers(gateway, [someAddress(99)], undefined, "new");
});

test("every service is asked while the list of services changes all the time", async (context) => {
  const consul = await startConsul(context);
  const numbers = Array.from({ length: 60 }, (_, number) => number);
  const instances = (/** @type {number} */ from) =>
    numbers.map((number) => instance(`s${number}`, someAddress(from + number)));
  await consul.setInstances(instances(0));
  const gateway = await startTemplate(context, templateOf(consul));
  await waitForNames(
    gateway,
    numbers.map((number) => `s${number}`),
  );
  let isOver = false;
  const changes = (async () => {
    while (!isOver) {
      await consul.setInstances(instances(100));
      await sleep(40);
    }
  })();
  try {
    for (const number of numbers)
      await waitForServers(gateway, [someAddress(100 + number)], undefined, `s${number}`);
  } finally {
    isOver = true;
    await changes;
  }
});

test("a service without a usable answer keeps its servers, and the others are followed", async (context) => {
  const consul = await startConsul(context);
  const [app, bad] = [instance("app", someAddress(1)), instance("bad", someAddress(2))];
  await consul.setInstances([app, bad]);
  const gateway = await startTemplate(context, templateOf(consul));
  await waitForNames(gateway, ["app", "bad"]);
  const path = "/v1/health/service/bad";
  const wrongPort =
    '[{"Node":{"Node":"n","Address":"10.0.0.9"},"Service":{"ID":"i","Port":"80"},"Checks":[]}]';
  const broken = [
    { answers: { [path]: wrongPort }, reason: /Port/ },
    { answers: { [path]: "rpc error" }, statuses: { [path]: 500 }, reason: /status 500/ },
  ];
  for (const [round, { reason, ...change }] of broken.entries()) {
    const more = instance("app", someAddress(10 + round));
    await consul.change({ statuses: {}, ...change, instances: [app, more, bad] });
    await waitForServers(gateway, [someAddress(1), someAddress(10 + round)], undefined, "app");
    const isSkipped = ({ skipped }) => skipped.some((one) => one.entry === "bad" && reason.test(one.reason));
    const state = await waitForTemplate(gateway, "it is skipped", isSkipped);
    assert.deepEqual([state.state, state.skipped_count], ["ok", 1]);
  }
  // A new worker does not know the service yet.
  await gateway.reload();
  const fresh = [app, instance("new", someAddress(20)), bad, instance("bad2", someAddress(21))];
  const answers = { [path]: "rpc error", "/v1/health/service/bad2": wrongPort };
  await consul.change({ answers, instances: fresh });
  await waitForNames(gateway, ["app", "bad", "new"]);
  await waitForTemplate(gateway, "bad2 is skipped", ({ skipped }) =>
    skipped.some((one) => one.entry === "bad2"),
  );
  await waitForServers(gateway, [someAddress(2)], 0, "bad");
  await consul.change({ answers: {} });
  await waitForNames(gateway, ["app", "bad", "bad2", "new"]);
  await waitForTemplate(gateway, "nothing is skipped", (state) => state.skipped_count === 0);
  const all = Object.fromEntries(fresh.map(({ service }) => [`/v1/health/service/${service}`, wrongPort]));
  await consul.change({ answers: all });
  await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
});

test("a token and a datacenter are used, and a wrong token is reported without it", async (context) => {
  const consul = await startConsul(context);
  const token = "b1946ac9-secret";
  const here = instance("here", someAddress(1), { datacenter: "dc2" });
  await consul.change({ token, instances: [here, instance("there", someAddress(2))] });
  const config = { address: consul.url, tag: "sluice", datacenter: "dc2" };
  const wrong = { consul: { ...config, token: "another-secret" } };
  const gateway = await startTemplate(context, wrong);
  const { error } = await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
  assert.match(error, /status 403/);
  for (const text of [error, gateway.log.text()]) assert.ok(!text.includes("another-secret"));
  gateway.configure({ setup: { discovery: { consul: { ...config, token } } } });
  await gateway.reload();
  await waitForNames(gateway, ["here"]);
});

test("answers that are no list of services change nothing", async (context) => {
  const consul = await startConsul(context);
  await consul.setInstances([instance("app", someAddress(1))]);
  const gateway = await startTemplate(context, templateOf(consul));
  await waitForNames(gateway, ["app"]);
  for (const body of ["[]", "[1]", '"a"', "{"]) {
    await consul.change({ answers: { "/v1/catalog/services": body } });
    if (body !== "[]") await waitForTemplate(gateway, "it fails", ({ state }) => state === "failing");
    await sleep(500);
    assert.deepEqual(await namesOf(gateway), ["app"], body);
  }
  await consul.change({ answers: {} });
  await waitForTemplate(gateway, "it is ok", isOk);
});
