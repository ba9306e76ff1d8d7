/**
 * Acknowledged writes survive a restart of nginx. Sluice refuses changes while the disk accepts no writes.
 */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { mountDisk } from "./support/disk.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @param {import("./support/gateway.mjs").Gateway} gateway */
async function restart(gateway) {
  await gateway.stop();
  await gateway.start();
}

/**
 * Starts a gateway, and makes a few writes of every kind.
 * @param {import("node:test").TestContext} context
 */
async function startWrittenGateway(context) {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  await api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9", weight: 3 });
  await api.expect(201, "POST", serversOf(), { server: "[::1]:9", backup: true });
  await api.expect(201, "POST", serversOf(), { server: "unix:/tmp/there.sock", down: true });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  await api.expect(200, "DELETE", `${serversOf()}/0`);
  await api.expect(201, "PUT", sluice("shop"), { servers: [{ server: "127.0.0.3" }] });
  await api.expect(201, "PUT", sluice("gone"), { servers: [{ server: "127.0.0.4" }] });
  await api.expect(204, "DELETE", sluice("gone"));
  return gateway;
}

test("every write survives a restart, and one warning explains that the seeds are not used again", async (context) => {
  const gateway = await startWrittenGateway(context);
  const before = await gateway.api.configuration();
  await restart(gateway);
  assert.equal(await gateway.api.configuration(), before);
  assert.equal(gateway.log.entries("warn").filter((line) => /saved state is used.*app/.test(line)).length, 1);

  const { id } = await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.9:9" });
  assert.equal(id, 4, "ids continue after the last one");
});

test("the files are readable text", async (context) => {
  const gateway = await startWrittenGateway(context);
  const folder = join(gateway.folder, "state");
  const kinds = ["health", "history", "image", "journal"];
  const files = [...kinds.flatMap((kind) => [`${kind}.0`, `${kind}.1`]), "lock"];
  assert.deepEqual(readdirSync(folder).toSorted(), files);
  const journal = readFileSync(join(folder, "journal.0"), "utf8");
  assert.match(journal, /127\.0\.0\.2:9/);
  for (const line of journal.trimEnd().split("\n")) assert.equal(typeof JSON.parse(line), "object");
});

test("without state_dir changes survive a reload but not a restart, with one warning", async (context) => {
  const gateway = await startGateway(context, { stateDir: null, servers: ["127.0.0.1:9"] });
  const warnings = () => gateway.log.entries("warn").filter((line) => /state_dir/.test(line)).length;
  assert.equal(warnings(), 1);
  const { body, headers } = await gateway.api.post(serversOf(), { server: "127.0.0.2:9" });
  assert.equal(body.id, 1);
  await gateway.reload();
  assert.equal((await gateway.api.get(sluice())).headers.etag, headers.etag);

  await restart(gateway);
  assert.equal((await gateway.api.get(serversOf())).body.length, 1, "changes are lost in a restart");
});

test("a torn last line of the journal is dropped with a warning", async (context) => {
  const gateway = await startWrittenGateway(context);
  const journal = join(gateway.folder, "state", "journal.0");
  const before = await gateway.api.configuration();
  await gateway.killAll();
  const [line] = readFileSync(journal, "utf8").trimEnd().split("\n").slice(-1);
  appendFileSync(journal, line.slice(0, 20));

  await gateway.start();
  assert.equal(await gateway.api.configuration(), before);
  assert.equal(gateway.log.entries("warn").filter((entry) => entry.includes(journal)).length, 1);
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.8:9" });
  const after = await gateway.api.configuration();
  await restart(gateway);
  assert.equal(await gateway.api.configuration(), after, "later changes are loaded");
});

test("an unreadable journal stops the start with the number of the line", async (context) => {
  const gateway = await startWrittenGateway(context);
  const journal = join(gateway.folder, "state", "journal.0");
  await gateway.killAll();
  const lines = readFileSync(journal, "utf8").split("\n");
  lines[2] = "}" + lines[2].slice(1);
  writeFileSync(journal, lines.join("\n"));
  await assertRefusesToStart(gateway, /state\/journal.*line 3/);
  assert.equal(readFileSync(journal, "utf8"), lines.join("\n"), "the file is unchanged");
});

test("on a full disk writes are refused and change nothing, and they work again when there is room", async (context) => {
  const disk = mountDisk(context, "size=256k");
  const backend = await startBackend(context);
  const gateway = await startGateway(context, {
    stateDir: join(disk.folder, "state"),
    servers: [backend.address],
  });
  const { api } = gateway;
  disk.fill();
  let number = 0;
  let answer;
  // The last page of the journal may still have room.
  do answer = await api.post(serversOf(), { server: someAddress((number += 1)), down: true });
  while (answer.status === 201 && number < 1000);
  assert.deepEqual([answer.status, answer.body.error.code], [500, "StateNotSaved"]);
  assert.match(answer.body.error.text, /space/i, "the message contains the reason");

  const before = await api.configuration();
  const shop = { servers: Array.from({ length: 50 }, (_, id) => ({ server: someAddress(id) })) };
  for (let turn = 0; turn < 12; turn += 1) {
    const refused = await api.put(sluice("shop"), shop);
    assert.deepEqual([refused.status, refused.body.error.code], [500, "StateNotSaved"]);
  }
  assert.equal(await api.configuration(), before, "a refused write changes nothing");
  assert.equal((await ask(gateway.port)).status, 200, "requests are still served");

  await gateway.killAll();
  await gateway.start();
  assert.equal(await api.configuration(), before, "a refused write has no effect after a crash");
  assert.equal((await api.put(sluice("shop"), shop)).status, 500);

  disk.free();
  await api.expect(201, "PUT", sluice("shop"), shop);
  await api.expect(201, "POST", serversOf(), { server: "127.0.0.7:9" });
  const after = await api.configuration();
  await restart(gateway);
  assert.equal(await api.configuration(), after);
});

test("a read-only state_dir stops the start", async (context) => {
  const disk = mountDisk(context, "size=256k,ro");
  for (const stateDir of [disk.folder, join(disk.folder, "state")]) {
    const gateway = await makeGateway(context, { stateDir, servers: ["127.0.0.1:9"] });
    await assertRefusesToStart(gateway, /could not \w+ .*sluice-disk.*read-only/i);
  }
});

test("a state_dir that is a file, or that cannot be made, stops the start", async (context) => {
  for (const path of ["nginx.conf", "nginx.conf/state", "not/there"]) {
    const gateway = await makeGateway(context, {});
    gateway.configure({ stateDir: join(gateway.folder, path) });
    await assertRefusesToStart(gateway, new RegExp(`could not \\w+ .*${path}`));
  }
});

test("the journal is compacted, and the files do not grow without limit", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const folder = join(gateway.folder, "state");
  // history.test.mjs is about the size of the history.
  const names = readdirSync(folder).filter((name) => !name.startsWith("history"));
  const size = () => names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const servers = Array.from({ length: 200 }, (_, number) => ({ server: someAddress(number) }));
  const put = (weight) =>
    gateway.api.expect(200, "PUT", sluice(), { servers: servers.map((server) => ({ ...server, weight })) });
  await put(1);
  const once = size();
  const times = Math.ceil(4_000_000 / once);
  for (let weight = 2; weight <= times; weight += 1) await put(weight);
  await waitFor("most of 4 MB is gone", () => size() < 2_000_000);

  const before = await gateway.api.configuration();
  await gateway.killAll();
  await gateway.start();
  assert.equal(await gateway.api.configuration(), before);
});
