/** examples/inference/: prompts go to the server that has their beginning, unless that is too busy. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../examples/inference/engine.mjs";
import { KvCache } from "../../examples/inference/kv_cache.mjs";
import { startServer } from "../../examples/inference/servers.mjs";
import { measure } from "../../examples/inference/traffic.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { makeExample, startExample } from "./support/example.mjs";

const servers = [9001, 9002, 9003, 9004];
const ports = [8080, 8081, ...servers];

/** Much shorter than the example's default, but with enough requests for each beginning. */
const TRAFFIC = { seconds: 4, warmUp: 3, burstRate: 0 };

/**
 * Starts the example with its servers.
 * @param {import("node:test").TestContext} context
 * @param {Partial<typeof import("../../examples/inference/engine.mjs").DEFAULTS>[]} [options] of the servers
 */
async function start(context, options = []) {
  const example = await startExample(context, "inference", ports);
  const started = [];
  for (const [index, written] of servers.entries()) {
    const server = await startServer(example.port(written), options[index]);
    atEnd(context, () => {
      server.closeAllConnections();
      server.close();
    });
    started.push(server);
  }
  const post = async (/** @type {string} */ path, /** @type {object} */ body) => {
    const response = await fetch(`http://127.0.0.1:${example.port(8080)}/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200);
    return response.json();
  };
  return { example, api: example.api, servers: started, post };
}

/** Returns the numbers of requests of the servers of an upstream. */
async function requestsOf(api, upstream) {
  const { peers } = await api.expect(200, "GET", `/api/9/http/upstreams/${upstream}`);
  return peers.map(({ requests }) => requests);
}

const long = (/** @type {string} */ name) => `${name} ${"Answer in plain words. ".repeat(200)}`;

test("prompts with the same beginning find it in a cache, which round robin misses", async (context) => {
  const { example } = await start(context);
  const port = example.port(8080);
  const turns = await measure(port, "round_robin", TRAFFIC);
  const prefix = await measure(port, "prefix", TRAFFIC);
  const what = JSON.stringify({ turns, prefix }, (name, value) => (name === "times" ? undefined : value));
  assert.deepEqual([turns.failed, prefix.failed], [0, 0], what);
  // The beginnings of all prompts fit into the four caches together, and a third of them into one.
  assert.ok(prefix.cached > 0.8, what);
  assert.ok(prefix.cached > turns.cached + 0.1, what);
  assert.ok(prefix.p50 < turns.p50, what);
});

test("the key is the beginning of the prompt, whatever comes before it, and however long it is", async (context) => {
  const { api, post } = await start(context);
  const content = long("A");
  const bodies = [
    { max_tokens: 1, messages: [{ role: "user", content }] },
    { messages: [{ role: "user", content }], max_tokens: 2 },
    { temperature: 0.5, messages: [{ role: "user", content: `${content}.` }], max_tokens: 1 },
    // Larger than client_body_buffer_size, so that nginx has it in a file.
    { messages: [{ role: "user", content: content + "More. ".repeat(15_000) }], max_tokens: 1 },
  ];
  for (const body of bodies) await post("prefix/v1/chat/completions", body);
  const after = await requestsOf(api, "prefix");
  assert.deepEqual(
    after.filter((requests) => requests > 0),
    [bodies.length],
  );
  const other = { prompt: content, max_tokens: 1 };
  const { usage } = await post("prefix/v1/completions", other);
  assert.equal((await post("prefix/v1/completions", other)).usage.prompt_tokens, usage.prompt_tokens);
});

test("a prompt leaves its server only if that has too many requests", async (context) => {
  const { api, post } = await start(context);
  const ask = (/** @type {string} */ upstream, /** @type {number} */ number) => {
    const messages = [{ role: "user", content: `${long("B")}${number}` }];
    return post(`${upstream}/v1/chat/completions`, { messages, max_tokens: 60 });
  };
  const all = (/** @type {string} */ upstream, /** @type {number} */ count) =>
    Promise.all(Array.from({ length: count }, (_, number) => ask(upstream, number)));
  const used = async (/** @type {string} */ upstream) =>
    (await requestsOf(api, upstream)).filter((requests) => requests > 0).length;

  await all("prefix", 8);
  assert.equal(await used("prefix"), 1);
  await all("factor", 8);
  assert.ok((await used("factor")) > 1);
  await all("unlimited", 60);
  assert.equal(await used("unlimited"), 1);
  await all("prefix", 60);
  assert.ok((await used("prefix")) > 1);
  const most = Math.max(...(await requestsOf(api, "prefix"))) - 8;
  assert.ok(most < 60, `its server has had ${most} of 60`);
});

test("a server whose cache is fuller than the others' gets a smaller weight", async (context) => {
  const { example, api } = await start(context, [{}, {}, {}, { blocks: 500 }]);
  let isEnough = false;
  const traffic = (async () => {
    while (!isEnough) await measure(example.port(8080), "cache", { ...TRAFFIC, warmUp: 0, seconds: 1 });
  })();
  await waitFor("the weights differ", async () => {
    const { servers: explained } = await api.expect(200, "GET", `${sluice("cache")}/explain`);
    const weights = explained.map(({ weight }) => weight.effective);
    return weights.slice(0, 3).every((weight) => weight > 1.3 * weights[3]);
  });
  isEnough = true;
  await traffic;
});

test("requests that come to a server in other ways count for least_load", async (context) => {
  const { api, post, servers: started } = await start(context, [{ maxRunning: 64, blocks: 100_000 }]);
  const [{ engine }] = started;
  const others = Array.from({ length: 30 }, (_, number) => engine.submit(`${number}`, 20_000, () => {}));
  atEnd(context, () => {
    for (const request of others) engine.cancel(request);
  });
  const ask = () => post("queue/v1/completions", { prompt: "hello", max_tokens: 1 });
  await waitFor("the requests are known", async () => {
    await ask();
    const { servers: explained } = await api.expect(200, "GET", `${sluice("queue")}/explain`);
    return explained[0].load.elsewhere > 10;
  });
});

test("one command compares the upstreams and leaves nothing running", async (context) => {
  const example = await makeExample(context, "inference", ports);
  const path = join(example.folder, "run.mjs");
  writeFileSync(path, example.translate(readFileSync(path, "utf8")));
  const printed = await example.run("node run.mjs --seconds 2 round_robin prefix");
  const [head, ...lines] = printed.trim().split("\n");
  assert.match(head, /^upstream +requests +failed +p50 +p99 +cached$/);
  assert.equal(lines.length, 2, printed);
  for (const [index, name] of ["round_robin", "prefix"].entries())
    assert.match(lines[index], new RegExp(`^${name} +\\d+ +0 +\\d+ ms +\\d+ ms +\\d+ %$`));
  for (const written of ports) {
    await assert.rejects(fetch(`http://127.0.0.1:${example.port(written)}/`), "the port is free");
  }
});

test("a cache forgets the block that is unused for longest, and no block in use", () => {
  const cache = new KvCache(4, 16);
  const finish = (/** @type {string[]} */ hashes) => {
    const lease = cache.take(hashes, 0);
    assert.ok(lease !== undefined);
    cache.ready(lease, hashes.length * 16);
    cache.release(lease);
    return lease.cachedTokens;
  };
  assert.equal(finish(["a", "b"]), 0);
  assert.equal(finish(["c"]), 0);
  assert.equal(finish(["a", "b"]), 32);
  const held = cache.take(["a"], 0);
  assert.ok(held !== undefined);
  assert.equal(held.cachedTokens, 16);
  assert.equal(cache.usage, 0.25);
  // There is room for one more, and "c" is unused for longest.
  assert.equal(finish(["d", "e"]), 0);
  assert.equal(finish(["b"]), 16);
  assert.equal(finish(["c"]), 0);
  assert.equal(cache.take(["x", "y", "z"], 16), undefined);
  assert.equal(cache.usage, 0.25);
  cache.release(held);
  assert.equal(cache.usage, 0);
});

test("an engine runs as many requests as its limit and its cache allow, and the others wait", async () => {
  const engine = new Engine({ maxRunning: 2, blocks: 40, stepTime: 1 });
  /** @type {string[]} */
  const order = [];
  const run = (/** @type {string} */ name) =>
    new Promise((resolve) => {
      engine.submit(name.repeat(64), 3, ({ tokens }) => {
        order.push(name);
        if (tokens === 3) resolve(undefined);
      });
    });
  const all = ["a", "b", "c"].map(run);
  // The second can run from the next step on.
  assert.deepEqual([engine.report.num_requests, engine.report.num_requests_waiting], [3, 2]);
  await Promise.all(all);
  assert.ok(order.indexOf("c") > order.lastIndexOf("a"), order.join(""));
  assert.deepEqual(engine.report, { kv_cache_usage_perc: 0, num_requests_waiting: 0, num_requests: 0 });
});
