/** examples/plain/: one upstream, run as the READMEs say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ensureServer, root } from "../../scripts/setup.mjs";
import { startBackend } from "../gateway/support/backend.mjs";
import { atExit } from "../gateway/support/cleanup.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { isRunning, membersOf, signal } from "../gateway/support/processes.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { makeExample, startExample } from "./support/example.mjs";
import { commandsOf } from "./support/files.mjs";

const ports = [8080, 8081, 9001, 9002, 9003];

/**
 * Starts the three servers of the README.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/example.mjs").Example} example
 */
function startServers(context, example) {
  return Promise.all([9001, 9002, 9003].map((port) => startBackend(context, { port: example.port(port) })));
}

test("the README's commands add, delete and show servers, no request fails, and a deleted server receives none", async (context) => {
  const example = await makeExample(context, "plain", ports);
  const [first, second, added] = await startServers(context, example);
  await example.start();
  const [send, add, remove, monitor] = example.commands("Try");
  const turns = new Set();
  for (let turn = 0; turn < 20; turn += 1) turns.add(await example.run(send));
  assert.deepEqual(turns, new Set([first.id, second.id]));

  const load = startLoad(context, { port: example.port(8080) });
  await load.round();
  assert.equal((await example.ask(add)).server, added.address);
  await load.round();
  assert.ok(added.requests.length > 0, "the added server receives requests");
  await example.ask(remove);
  const deleted = performance.now();
  await load.round();
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
  const stale = first.requests.filter(({ started }) => started > deleted);
  assert.deepEqual(stale, [], "the deleted server received no request that began after the deletion");

  await waitFor("no request is in flight", async () =>
    (await example.ask(monitor)).peers.every((peer) => peer.active === 0),
  );
  const { peers } = await example.ask(monitor);
  const counted = peers.map(({ server, requests }) => [server, requests]);
  assert.deepEqual(counted, [
    [second.address, second.requests.length],
    [added.address, added.requests.length],
  ]);
});

test("changes survive a restart", async (context) => {
  const example = await startExample(context, "plain", ports);
  const [first, second, added] = await startServers(context, example);
  const [, add, remove] = example.commands("Try");
  await example.run(add);
  await example.run(remove);
  await example.stop();
  await example.start();
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(example.port(8080))));
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set([second.id, added.id]));
  assert.equal(first.requests.length, 0);
});

test("the example starts and stops as examples/README.md says", async (context) => {
  const example = await makeExample(context, "plain", ports);
  await startServers(context, example);
  const [, , makeFolder, withOpenResty, withNginx, stop] = commandsOf(
    join(root, "examples/README.md"),
    "Run",
  );
  const { binary, globalDirectives } = ensureServer();
  const start = globalDirectives === "" ? withOpenResty : withNginx;
  await example.run(makeFolder);
  await example.run(start.replace(/^(openresty|nginx) /, `${binary} `));
  const pid = Number(readFileSync(join(example.folder, ".sluice/nginx.pid"), "utf8"));
  const cancel = atExit(() => signal(-pid, "SIGKILL"));
  await waitFor("the API answers", () => example.api.isThere());
  assert.equal((await ask(example.port(8080))).status, 200);
  await example.run(stop);
  await waitFor("nginx has ended", () => !isRunning(pid) && membersOf(pid).length === 0);
  cancel();
});
