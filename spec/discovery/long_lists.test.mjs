/** A long list of a registry is read and applied in slices, so that requests are served between them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuOf } from "../gateway/support/cpu.mjs";
import { discoveryOf } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { containerOf, startDocker } from "../gateway/support/registries/docker.mjs";
import { startFile } from "../gateway/support/registries/file.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/**
 * A location for the API's server that returns the maximum CPU time of the worker between two of its turns
 * since the last request, in milliseconds.
 */
const turnPage = `location = /turn {
  content_by_lua_block {
    local turns = package.loaded.turns
    if turns == nil then
      turns = { longest = 0 }
      package.loaded.turns = turns
      local function watch()
        local before = os.clock()
        while not ngx.worker.exiting() do
          ngx.sleep(0.001)
          local now = os.clock()
          turns.longest = math.max(turns.longest, now - before)
          before = now
        end
      end
      ngx.timer.at(0, watch)
    end
    ngx.print(string.format("%d", turns.longest * 1000))
    turns.longest = 0
  }
}`;

/**
 * Changes a registry that is empty at first. Returns the longest turn of the worker and its total time until
 * the change is applied.
 * @template {import("../gateway/support/contract.mjs").Registry} T
 * @param {import("node:test").TestContext} context
 * @param {(context: import("node:test").TestContext) => Promise<T>} start
 * @param {(registry: T) => Promise<void>} change
 * @param {(found: any) => boolean} isDone
 */
async function longestTurn(context, start, change, isDone) {
  const registry = await start(context);
  await registry.set([]);
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [], discovery: registry.discovery() } },
    workers: 1,
    dict: "64m",
    api: turnPage,
  });
  await waitFor("the empty list is read", async () => (await discoveryOf(gateway.api)).state === "ok");
  await gateway.api.get("/turn");
  const [worker] = gateway.workers();
  const before = cpuOf(worker);
  await change(registry);
  await waitFor("all entries are applied", async () => isDone(await discoveryOf(gateway.api)), 300_000);
  const total = cpuOf(worker) - before;
  const longest = Number((await gateway.api.get("/turn")).text);
  context.diagnostic(`the longest turn took ${longest} of ${total} ms of CPU time`);
  return { longest, total };
}

test("300,000 invalid entries hold the worker for only some milliseconds at a time", async (context) => {
  const entries = Array.from({ length: 300_000 }, (_, number) => `bad ${number}`);
  const { longest } = await longestTurn(
    context,
    startFile,
    (file) => file.set(entries),
    (found) => found.skipped_count === entries.length,
  );
  // An earlier version needed seconds.
  assert.ok(longest < 500, `${longest} ms`);
});

test("20,000 servers are applied in several writes, none of which holds the worker for long", async (context) => {
  const entries = Array.from({ length: 20_000 }, (_, number) => ({ server: someAddress(number) }));
  const { longest, total } = await longestTurn(
    context,
    startFile,
    (file) => file.set(entries),
    (found) => found.servers === entries.length,
  );
  // In an earlier version the longest turn took nearly all of the time. A write still takes time in
  // proportion to the servers of the upstream, because the upstream is one text.
  assert.ok(longest < total / 3, `${longest} of ${total} ms`);
});

test("a list of 8,000 containers, 100 of them servers, is read in slices", async (context) => {
  const containers = Array.from({ length: 8000 }, (_, number) => {
    const [host, port] = someAddress(number).split(":");
    const labels = { "com.example.note": "x".repeat(800) };
    if (number < 100) labels["angie.http.upstreams.app.port"] = port;
    return containerOf(`c${number}`, labels, { bridge: host });
  });
  const { longest, total } = await longestTurn(
    context,
    startDocker,
    (docker) => docker.setContainers(containers),
    (found) => found.servers === 100,
  );
  assert.ok(longest < total / 3, `${longest} of ${total} ms`);
});
