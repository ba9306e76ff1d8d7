/** The event stream: each change, state, decision and problem reaches every client on every worker soon. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { changesIn, EventStream, follow, STREAM } from "./support/event_stream.mjs";
import { startGateway } from "./support/gateway.mjs";
import { allEvents, becomes, hasPassed } from "./support/health.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { freePort } from "./support/ports.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** An upper bound for machines that are busy, in milliseconds. The bench measures the usual time. */
const SOON = 2000;

/**
 * Starts a gateway whose API also has a socket for each worker, and a stream in each worker.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Options} options
 */
async function startFollowed(context, options) {
  const port = await freePort();
  const gateway = await startGateway(context, {
    ...options,
    api: `listen 127.0.0.1:${port} reuseport;`,
  });
  /** @type {Map<number, EventStream>} */
  const streams = new Map();
  await waitFor("each worker has a client", async () => {
    const stream = await new EventStream(context, { port }).begins();
    if (streams.has(stream.worker)) stream.leave();
    else streams.set(stream.worker, stream);
    return streams.size === gateway.workerCount;
  });
  return { gateway, streams: [...streams.values()] };
}

test("every kind of message reaches the clients of every worker soon, in one order", async (context) => {
  const backend = await startBackend(context);
  const { gateway, streams } = await startFollowed(context, { servers: [backend.address] });
  const { api } = gateway;
  /**
   * Waits until all clients have a message.
   * @param {string} kind
   * @param {(data: any) => boolean} condition
   */
  const all = (kind, condition) =>
    Promise.all(
      streams.map((stream) =>
        stream.receives(`the ${kind}`, ({ event, data }) => event === kind && condition(data)),
      ),
    );
  const health_check = { uri: "/health", interval: "200ms", timeout: "10s" };
  await api.expect(200, "PATCH", sluice(), { health_check });
  const changed = performance.now();
  for (const { at } of await all("change", ({ change }) => change === "changed"))
    assert.ok(at < changed + SOON, `${at - changed} ms after the change`);
  await hasPassed(api);
  backend.behaviour = { status: 503 };
  await becomes(api, backend.address, "unhealthy");
  const noticed = performance.now();
  for (const { at } of await all("state", ({ new_state }) => new_state === "unhealthy"))
    assert.ok(at < noticed + SOON, `${at - noticed} ms after the API had the state`);
  // A check that fails before it has passed on any server.
  const servers = [{ server: backend.address }];
  await api.expect(201, "PUT", sluice("unproven"), { health_check, servers });
  await all("problem", ({ problem }) => problem === "check_unproven");
  await api.expect(201, "PUT", sluice("scaled"), {
    load: { update: "100ms", blackout: "1h" },
    autoscale: { dry_run: true, high: 0.8, low: 0.3, for: "0s", cooldown: "1h", min: 1, max: 9 },
    servers: [{ server: someAddress(1) }, { server: someAddress(2), standby: true }],
  });
  await api.expect(204, "POST", `${sluice("scaled")}/servers/0/report`, { utilization: 0.9 });
  await all("decision", ({ decision, dry_run }) => decision === "scale_out" && dry_run);

  await api.expect(204, "DELETE", sluice("scaled"));
  await all("change", ({ change }) => change === "deleted");
  /** @param {EventStream} stream */
  const listed = ({ messages }) =>
    messages.map(({ id, event, data }) => `${id} ${event} ${JSON.stringify(data)}`);
  for (const stream of streams.slice(1)) assert.deepEqual(listed(stream), listed(streams[0]));
  const events = streams[0].messages.filter(({ event }) => event !== "change").map(({ data }) => data);
  assert.deepEqual(events, (await allEvents(api)).slice(0, events.length));
});

test("a change tells what was done, and each write of many clients is one change", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const { api } = gateway;
  const stream = await follow(context, gateway);
  const started = Date.now();
  const [a, b, c] = [1, 2, 3].map((number) => ({ server: someAddress(number) }));
  await api.expect(201, "PUT", sluice("shop"), { servers: [a, b] });
  await api.expect(200, "PUT", sluice("shop"), { servers: [{ ...a, weight: 5 }, c] });
  await api.expect(200, "PATCH", sluice("shop"), { method: "least_conn" });
  await api.expect(200, "PATCH", sluice("shop"), { method: "least_conn" });
  await api.expect(204, "DELETE", sluice("shop"));
  await waitFor("all changes arrive", () => changesIn(stream).length === 4);
  const [first] = changesIn(stream);
  assert.deepEqual(
    changesIn(stream).map(({ change, added, removed, changed }) => [change, added, removed, changed]),
    [
      ["created", 2, 0, 0],
      ["changed", 1, 1, 1],
      ["changed", 0, 0, 0],
      ["deleted", 0, 2, 0],
    ],
  );
  assert.deepEqual(
    changesIn(stream).map(({ revision, upstream }) => [revision - first.revision, upstream]),
    [0, 1, 2, 3].map((number) => [number, "shop"]),
  );
  assert.ok(Math.abs(Date.parse(first.time) - started) < 10_000);

  const count = 200;
  const writes = Array.from({ length: count }, (_, number) =>
    api.expect(201, "POST", serversOf(), { server: someAddress(number) }),
  );
  await Promise.all(writes);
  await waitFor("all changes arrive", () => changesIn(stream).length === 4 + count);
  const revisions = changesIn(stream).map(({ revision }) => revision - first.revision);
  assert.deepEqual(
    revisions,
    Array.from({ length: 4 + count }, (_, number) => number),
  );
});

test("filters select upstreams and kinds, and parameters that are wrong are refused by name", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {}, shop: {}, cart: {} } });
  const { api } = gateway;
  const all = await follow(context, gateway);
  const some = await follow(context, gateway, "?upstream=app,cart");
  const none = await follow(context, gateway, "?upstream=app&kind=state,problem");
  const states = await follow(context, gateway, "?kind=state");
  const down = { server: someAddress(1) };
  for (const name of ["app", "shop", "cart"])
    await api.expect(201, "POST", serversOf(name), { ...down, down: false });
  await api.expect(204, "POST", `${sluice("shop")}/servers/0/report`, { state: "down" });
  await api.expect(200, "PATCH", `${serversOf("cart")}/0`, { weight: 3 });
  await waitFor("the last change arrives", () => changesIn(all).length === 4);
  await waitFor("the last change arrives", () => changesIn(some).length === 3);
  assert.deepEqual(
    changesIn(some).map(({ upstream }) => upstream),
    ["app", "cart", "cart"],
  );
  await states.receives("the state", ({ data }) => data.new_state === "down");
  assert.deepEqual(
    states.messages.map(({ event, data }) => [event, data.upstream]),
    [["state", "shop"]],
  );
  assert.deepEqual(none.messages, []);

  for (const [query, field] of [
    ["kind=states", "kind"],
    ["kind=", "kind"],
    ["kind", "kind"],
    ["kind=state,", "kind"],
    ["upstream=", "upstream"],
    ["upstream=a%20b", "upstream"],
    ["upstream=app,,cart", "upstream"],
    ["since=", "since"],
    ["since=1", "since"],
    ["since=1.2.x", "since"],
    ["since=1234567890123456.1", "since"],
    ["since=-1.2", "since"],
    ["last=-1", "last"],
    ["last=2001", "last"],
    ["last=1e3", "last"],
    ["last=0x10", "last"],
    ["last", "last"],
  ]) {
    const answer = await api.get(`${STREAM}?${query}`);
    assertErrorBody(answer, 400, "UpstreamConfFormatError");
    assert.match(answer.body.error.text, new RegExp(`^invalid "${field}": must be `), query);
  }
  const answer = await api.get(STREAM, { "Last-Event-ID": "yesterday" });
  assertErrorBody(answer, 400, "UpstreamConfFormatError");
  assert.match(answer.body.error.text, /^invalid "Last-Event-ID": must be the id/);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    assertErrorBody(await api.send(method, STREAM), 405, "MethodDisabled");
});

test("the answer is one that no proxy or browser stores or delays, and HEAD returns its headers", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup: { api: { streams: 1 } } });
  const stream = await follow(context, gateway);
  const head = await gateway.api.send("HEAD", STREAM);
  for (const headers of [stream.headers, head.headers]) {
    assert.equal(headers["content-type"], "text/event-stream");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-accel-buffering"], "no");
    assert.equal(headers["content-length"], undefined);
  }
  assert.deepEqual([head.status, head.text], [200, ""], "HEAD takes no place, although all are taken");
});

test("a stream reads well with curl -N", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const url = `http://127.0.0.1:${gateway.apiPort}${STREAM}?last=3`;
  await gateway.api.expect(201, "POST", serversOf(), { server: someAddress(1) });
  let text = "";
  const curl = execFile("curl", ["-sN", url]);
  context.after(() => curl.kill());
  curl.stdout?.on("data", (piece) => (text += piece));
  await waitFor("the last change arrives", () => text.includes('"added":1'));
  await gateway.api.expect(200, "DELETE", `${serversOf()}/0`);
  await waitFor("the next change arrives", () => text.includes('"removed":1'));
  const [first, ...blocks] = text.split("\n\n");
  assert.match(first, /^retry: 1000\n: Sluice's events and changes, as they happen\nid: 0\.\d+\.[0-9a-f]+$/);
  assert.match(
    blocks.at(-2) ?? "",
    /^id: 0\.\d+\.[0-9a-f]+\nevent: change\ndata: {"revision":\d+,"time":".*}$/,
  );
});
