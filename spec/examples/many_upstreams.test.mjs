/**
 * examples/many_upstreams/: upstreams created at run time and selected by host name or path, and the limits
 * of that choice.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "../gateway/support/backend.mjs";
import { ask } from "../gateway/support/load.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { makeExample, startExample } from "./support/example.mjs";

const ports = [8080, 8081, 9001, 9002];
const noServer = /no live upstreams while connecting to upstream/;

/**
 * Returns a function that sends requests with a host name.
 * @param {import("./support/example.mjs").Example} example
 */
function clientOf(example) {
  return (path, host = "gateway.example") => ask(example.port(8080), path, { headers: { Host: host } });
}

test("the README's commands create upstreams, reach those meant for clients, and delete one", async (context) => {
  const example = await makeExample(context, "many_upstreams", ports);
  const shop = await startBackend(context, { port: example.port(9001) });
  const ledger = await startBackend(context, { port: example.port(9002) });
  example.log.allow(noServer);
  await example.start();
  const commands = example.commands("Try");
  const [tooEarly, make, byHost, byPath, makeLedger, ledgerByPath, ledgerByHost, list, remove] = commands;
  assert.match(await example.run(tooEarly), /^HTTP\/1.1 502 /);

  assert.equal((await example.ask(make)).servers[0].server, shop.address);
  for (const command of [byHost, byPath]) assert.equal(await example.run(command), shop.id);
  assert.deepEqual(
    shop.requests.map(({ url }) => url),
    ["/cart", "/cart"],
  );

  await example.ask(makeLedger);
  assert.match(await example.run(ledgerByPath), /^HTTP\/1.1 502 /);
  assert.match(await example.run(ledgerByHost), /^HTTP\/1.1 404 /);
  assert.deepEqual(Object.keys(await example.ask(list)), ["app-shop", "ledger"]);
  await example.ask(remove);
  assert.match(await example.run(tooEarly), /^HTTP\/1.1 502 /);
  assert.equal(ledger.requests.length, 0);
});

test("every worker serves many upstreams, each with its own servers", async (context) => {
  const backends = await startBackends(context, 4);
  const example = await startExample(context, "many_upstreams", ports);
  const get = clientOf(example);
  const apps = Array.from({ length: 100 }, (_, number) => ({
    name: `a${number}`,
    backend: backends[number % 4],
  }));
  for (const { name, backend } of apps) {
    await example.api.expect(201, "PUT", sluice(`app-${name}`), { servers: [{ server: backend.address }] });
  }
  for (let turn = 0; turn < 4; turn += 1) {
    const answers = await Promise.all(
      apps.flatMap(({ name }) => [get("/x", `${name}.apps.example`), get(`/apps/${name}/x`)]),
    );
    const expected = apps.flatMap(({ backend }) => [backend.id, backend.id]);
    assert.deepEqual(
      answers.map(({ text }) => text),
      expected,
    );
  }
});

test("a client can reach neither an upstream that is not meant for clients nor an address of its choice", async (context) => {
  const [shop, ledger] = await startBackends(context, 2);
  const example = await startExample(context, "many_upstreams", ports);
  example.log.allow(noServer);
  const get = clientOf(example);
  await example.api.expect(201, "PUT", sluice("app-shop"), { servers: [{ server: shop.address }] });
  await example.api.expect(201, "PUT", sluice("ledger"), { servers: [{ server: ledger.address }] });
  /** @type {[status: number, path: string, host?: string][]} */
  const requests = [
    [404, "/"],
    [404, "/", "ledger"],
    [404, "/", ledger.address],
    [404, "/", "app-shop"],
    [404, "/", ".apps.example"],
    [404, "/", "app_shop.apps.example"],
    [404, "/", "a.b.apps.example"],
    [404, "/", "-shop.apps.example"],
    [404, "/", "shop.apps.example.org"],
    [502, "/", "ledger.apps.example"],
    [502, "/", "app-shop.apps.example"],
    [502, "/", `${"x".repeat(300)}.apps.example`],
    [404, "/apps"],
    [404, "/apps/"],
    [404, "/apps//"],
    [404, "/apps/shop"],
    [404, `/apps/${ledger.address}/`],
    [404, "/apps/%2e%2e/ledger/"],
    [404, "/apps/shop/../../ledger/"],
    [400, "/apps/sh%00op/"],
    [404, "/apps/SHOP/"],
    [502, "/apps/ledger/"],
    [502, "/apps/shop/../ledger/"],
    [404, `http://${ledger.address}/`],
    [404, "/?sluice_upstream=ledger"],
  ];
  for (const [status, path, host] of requests) {
    assert.equal((await get(path, host)).status, status, `${path} of ${host}`);
  }
  assert.deepEqual([shop.requests, ledger.requests], [[], []]);

  for (const [path, host, url] of [
    ["/cart?a=1", "SHOP.apps.example", "/cart?a=1"],
    ["/apps/blog/", "www.shop.example", "/apps/blog/"],
    ["/apps/shop/a%20b%3Fc?d=%2F", "gateway.example", "/a%20b%3Fc?d=%2F"],
  ]) {
    assert.equal((await get(path, host)).text, shop.id, `${path} of ${host}`);
    assert.equal(shop.requests.at(-1)?.url, url);
  }
});
