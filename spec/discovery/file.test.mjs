/** Discovery by a file: its format, and the detection of its changes. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testContract } from "../gateway/support/contract.mjs";
import { discoveryOf, startDiscovery, waitForServers } from "../gateway/support/discovery.mjs";
import { startFile } from "../gateway/support/registries/file.mjs";
import { serversOf, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

testContract("file", startFile);

test("an answer whose servers all conflict with the upstream does not empty it", async (context) => {
  const addresses = [1, 2, 3].map((number) => someAddress(number));
  const file = await startFile(context);
  await file.set(addresses.map((server) => ({ server })));
  const { gateway } = await startDiscovery(context, file, { traffic: false });
  await waitForServers(gateway, addresses);
  const hash = { method: "hash", hash: { key: "$uri", consistent: true } };
  await gateway.api.expect(200, "PATCH", "/api/sluice/1/upstreams/app", hash);
  await file.set(addresses.map((server) => ({ server, weight: 2000 })));
  await waitFor("the entries are skipped", async () => (await discoveryOf(gateway.api)).skipped_count === 3);
  await sleep(4500);
  await waitForServers(gateway, addresses, 0);
  assert.equal((await discoveryOf(gateway.api)).pending.count, 3);
});

/** @param {import("node:test").TestContext} context @param {unknown[]} servers */
async function startWith(context, servers) {
  const file = await startFile(context);
  await file.set(servers);
  const { gateway } = await startDiscovery(context, file, { traffic: false });
  return { file, gateway, api: gateway.api };
}

test("a server is either an object of parameters or an address", async (context) => {
  const parameters = { server: someAddress(1), weight: 3, max_conns: 7, backup: true, slow_start: "5s" };
  const { gateway, api } = await startWith(context, [
    parameters,
    "127.9.0.2",
    "[::1]:81",
    "unix:/run/app.sock",
  ]);
  await waitForServers(gateway, [someAddress(1), "127.9.0.2:80", "[::1]:81", "unix:/run/app.sock"]);
  const servers = await api.expect(200, "GET", serversOf());
  const found = servers.find(({ server }) => server === someAddress(1));
  for (const [name, value] of Object.entries(parameters)) assert.equal(found[name], value, name);
});

test("a server with another spelling of its address is the same server", async (context) => {
  const { file, gateway, api } = await startWith(context, ["[::1]:81", "127.9.0.2:82", "127.9.0.3:83"]);
  await waitForServers(gateway, ["[::1]:81", "127.9.0.2:82", "127.9.0.3:83"]);
  const idsOf = async () => (await api.expect(200, "GET", serversOf())).map(({ id }) => id);
  const before = await idsOf();
  const respelled = ["[0:0:0:0:0:0:0:1]:081", "127.9.0.2:0082", "127.9.0.3:83"];
  await file.set([...respelled, "[0::1]:81"]);
  await waitForServers(gateway, respelled);
  assert.deepEqual(await idsOf(), before);
  const { skipped, pending } = await waitFor("the duplicate is reported", async () => {
    const found = await discoveryOf(api);
    return found.skipped_count === 1 ? found : undefined;
  });
  const reason = 'duplicate server "[0::1]:81", which is also written as "[0:0:0:0:0:0:0:1]:081"';
  assert.deepEqual(skipped, [{ entry: "servers[3]", reason }]);
  assert.equal(pending?.count ?? 0, 0);
});

test("an invalid entry is reported with its position", async (context) => {
  const bad = [7, null, { weight: 1 }, { server: someAddress(2), weight: 0 }, someAddress(1)];
  const { gateway, api } = await startWith(context, [someAddress(1), ...bad]);
  await waitForServers(gateway, [someAddress(1)]);
  const report = await waitFor("the entries are reported", async () => {
    const found = await discoveryOf(api);
    return found.skipped_count === bad.length ? found : undefined;
  });
  assert.deepEqual(
    report.skipped.map(({ entry }) => entry),
    bad.map((_, index) => `servers[${index + 1}]`),
  );
});

test("an unusable file changes nothing, and is followed again when it becomes usable", async (context) => {
  const { file, gateway, api } = await startWith(context, [someAddress(1)]);
  await waitForServers(gateway, [someAddress(1)]);
  const limit = 16 * 1024 * 1024;
  const whole = JSON.stringify({ servers: [someAddress(2)] });
  const remove = () => rmSync(file.path, { recursive: true });
  /** @type {[cause: string, make: () => void][]} */
  const cases = [
    ["not JSON", () => file.replace(whole.slice(0, -1))],
    ["not JSON", () => file.replace("")],
    ["no list", () => file.replace("[]")],
    ["no list", () => file.replace('{"servers":null}')],
    ["no list", () => file.replace('{"servers":{"a":1}}')],
    ["larger than", () => file.replace(whole.padEnd(limit + 1))],
    ["No such file", remove],
    ["not a regular file", () => mkdirSync(file.path)],
  ];
  for (const [cause, make] of cases) {
    make();
    await waitFor(`the failure is reported: ${cause}`, async () => {
      const { state, error } = await discoveryOf(api);
      return state === "failing" && error.includes(cause);
    });
    await waitForServers(gateway, [someAddress(1)], 0);
  }
  remove();
  file.replace(whole.padEnd(limit));
  await waitForServers(gateway, [someAddress(2)]);
  await waitFor("the file is usable again", async () => (await discoveryOf(api)).state === "ok");
});

test("a file that the workers cannot read changes nothing", async (context) => {
  const { file, gateway, api } = await startWith(context, [someAddress(1)]);
  await waitForServers(gateway, [someAddress(1)]);
  chmodSync(file.path, 0o000);
  await waitFor("the failure is reported", async () => (await discoveryOf(api)).state === "failing");
  await waitForServers(gateway, [someAddress(1)], 0);
});

test("every change is noticed, even with the same size and modification time", async (context) => {
  const { file, gateway } = await startWith(context, [someAddress(1)]);
  await waitForServers(gateway, [someAddress(1)]);
  for (const number of [2, 3, 4]) {
    writeFileSync(file.path, JSON.stringify({ servers: [someAddress(number)] }));
    await waitForServers(gateway, [someAddress(number)]);
  }
  // The second of two immediate changes must not be mistaken for the first.
  writeFileSync(file.path, JSON.stringify({ servers: [someAddress(5)] }));
  writeFileSync(file.path, JSON.stringify({ servers: [someAddress(6)] }));
  await waitForServers(gateway, [someAddress(6)]);
  // After some time without changes the file is no longer read, and only its attributes are checked.
  const moment = 1_700_000_000;
  utimesSync(file.path, moment, moment);
  await sleep(3500);
  writeFileSync(file.path, JSON.stringify({ servers: [someAddress(7)] }));
  utimesSync(file.path, moment, moment);
  await waitForServers(gateway, [someAddress(7)]);
});
