/** Clients of the event stream: their number, their end, and clients that read slowly or not at all. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { atEnd } from "./support/cleanup.mjs";
import { changesIn, EventStream, follow, STREAM } from "./support/event_stream.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { freePort } from "./support/ports.mjs";
import { isRunning } from "./support/processes.mjs";
import { serversOf, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";
import { rssOf } from "./support/worker_memory.mjs";

useWorkers(4);

/** @typedef {import("./support/gateway.mjs").Gateway} Gateway */

/** Makes clients receive a heartbeat often. @param {number} seconds */
const beating = (seconds) => ({
  beforeSetup: `require("resty.sluice.api.stream.sender").HEARTBEAT_SECONDS = ${seconds}`,
});

/**
 * Tries to open a stream.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 */
async function attempt(context, port) {
  const stream = new EventStream(context, { port });
  await waitFor("an answer", () => stream.lastId !== "" || stream.hasEnded);
  return stream;
}

/**
 * Opens `count` streams as soon as there are places for them.
 * @param {import("node:test").TestContext} context
 * @param {Gateway} gateway
 * @param {number} count
 */
async function followOnceFree(context, { apiPort }, count) {
  /** @type {EventStream[]} */
  const streams = [];
  await waitFor(`${count} places are free`, async () => {
    const stream = await attempt(context, apiPort);
    if (stream.status === 200) streams.push(stream);
    return streams.length === count;
  });
  return streams;
}

/** A name that makes messages long. */
const longName = "n".repeat(128);

/**
 * Starts a gateway that has little room for bytes which its clients do not read.
 * @param {import("node:test").TestContext} context
 */
async function startNarrow(context) {
  const port = await freePort();
  const gateway = await startGateway(context, {
    upstreams: { [longName]: { servers: [{ server: someAddress(1) }] } },
    api: `listen 127.0.0.1:${port} sndbuf=4k;`,
  });
  return { gateway, port };
}

let weight = 1;

/** @param {Gateway} gateway @param {number} count */
async function makeChanges({ api }, count) {
  for (let number = 0; number < count; number += 1) {
    weight = 1 + (weight % 1000);
    await api.expect(200, "PATCH", `${serversOf(longName)}/0`, { weight });
  }
}

/**
 * Connects a client that reads only the first part of the last messages, which are more than fit into the
 * kernel's buffers.
 * @param {import("node:test").TestContext} context
 * @param {number} port
 */
async function stopReading(context, port) {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  atEnd(context, () => socket.destroy());
  socket.on("error", () => {});
  socket.write(`GET ${STREAM}?last=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, "data");
  return socket.pause();
}

test("64 clients follow the stream, one more is refused, and each place becomes free again", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const streams = await Promise.all(Array.from({ length: 64 }, () => follow(context, gateway)));
  await gateway.api.expect(201, "POST", serversOf(), { server: someAddress(1) });
  for (const stream of streams)
    await stream.receives("the change", ({ data }) => data.upstream === "app" && data.added === 1);
  const refused = await attempt(context, gateway.apiPort);
  assert.deepEqual([refused.status, refused.errorCode], [503, "TooManyStreams"]);
  assert.equal(refused.errorText, "64 clients follow the event stream already: see api.streams");
  const answer = await gateway.api.get(STREAM);
  assert.equal(answer.status, 503);
});

test("the limit holds over all workers, and clients that leave are noticed by the heartbeat", async (context) => {
  const setup = { api: { streams: 3 } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup, ...beating(0.2) });
  const all = await Promise.all(Array.from({ length: 12 }, () => attempt(context, gateway.apiPort)));
  let streams = all.filter(({ status }) => status === 200);
  assert.equal(streams.length, 3, "exactly the limit");
  for (let turn = 0; turn < 3; turn += 1) {
    await Promise.all(streams.map((stream) => waitFor("heartbeats", () => stream.heartbeats >= 2)));
    for (const stream of streams) stream.leave();
    streams = await followOnceFree(context, gateway, 3);
    assert.equal((await attempt(context, gateway.apiPort)).status, 503);
  }
});

test("with lua_check_client_abort a client that leaves is noticed at once", async (context) => {
  const setup = { api: { streams: 1 } };
  const http = "lua_check_client_abort on;";
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup, http, ...beating(1000) });
  let [stream] = await followOnceFree(context, gateway, 1);
  for (let turn = 0; turn < 5; turn += 1) {
    assert.equal((await attempt(context, gateway.apiPort)).status, 503);
    stream.leave();
    [stream] = await followOnceFree(context, gateway, 1);
  }
});

test("with api.streams = 0 there is no stream", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup: { api: { streams: 0 } } });
  const refused = await attempt(context, gateway.apiPort);
  assert.deepEqual([refused.status, refused.errorCode], [503, "TooManyStreams"]);
  assert.equal(refused.errorText, "the event stream is turned off: api.streams is 0");
});

test("the places of a worker that was killed become free", async (context) => {
  const setup = { api: { streams: 8 } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup, ...beating(0.2) });
  const streams = await Promise.all(Array.from({ length: 8 }, () => follow(context, gateway)));
  assert.equal((await attempt(context, gateway.apiPort)).status, 503);
  const { worker } = streams[0];
  const lost = streams.filter((stream) => stream.worker === worker);
  await gateway.killWorker(worker);
  await waitFor("its streams have ended", () => lost.every(({ hasEnded }) => hasEnded));
  await followOnceFree(context, gateway, lost.length);
  assert.equal((await attempt(context, gateway.apiPort)).status, 503);
  await gateway.api.expect(201, "POST", serversOf(), { server: someAddress(1) });
  for (const stream of streams.filter((one) => one.worker !== worker))
    await stream.receives("the change", ({ data }) => data.added === 1);
});

for (const [what, end] of /** @type {[string, (gateway: Gateway) => Promise<unknown>][]} */ ([
  ["a reload", (gateway) => gateway.reload()],
  ["a stop", (gateway) => gateway.stop()],
])) {
  test(`${what} ends the streams at once, also that of a client which does not read`, async (context) => {
    const { gateway, port } = await startNarrow(context);
    await makeChanges(gateway, 1000);
    const before = gateway.workers();
    const streams = await Promise.all([1, 2, 3, 4].map(() => follow(context, gateway)));
    for (let count = 0; count < 4; count += 1) await stopReading(context, port);
    const began = performance.now();
    await end(gateway);
    await waitFor("the old workers have ended", () => !before.some(isRunning));
    assert.ok(performance.now() - began < 8000, "no worker waits for a client");
    for (const stream of streams) await waitFor("the stream ends", () => stream.hasEnded);
    if (what === "a stop") return;
    // The places of the ended streams are free.
    const again = await Promise.all([1, 2, 3, 4].map(() => follow(context, gateway)));
    await makeChanges(gateway, 1);
    for (const stream of again) await stream.receives("the change", ({ data }) => data.changed === 1);
  });
}

test("clients that do not read cost no memory, and learn that they have missed messages", async (context) => {
  const { gateway, port } = await startNarrow(context);
  await makeChanges(gateway, 1000);
  const reader = await follow(context, gateway);
  const sockets = [];
  for (let count = 0; count < 20; count += 1) sockets.push(await stopReading(context, port));
  await makeChanges(gateway, 200);
  const before = gateway.workers().map(rssOf);
  await makeChanges(gateway, 2000);
  for (const [index, pid] of gateway.workers().entries())
    assert.ok(rssOf(pid) < before[index] + 4e6, `${rssOf(pid) - before[index]} bytes more`);
  await waitFor("the reader has all", () => changesIn(reader).length === 2200);
  const last = `"revision":${changesIn(reader).at(-1).revision},`;
  for (const socket of sockets) {
    let text = "";
    socket.on("data", (piece) => (text += piece)).resume();
    await waitFor("the last change", () => text.includes(last));
    assert.match(text, /^event: lost\ndata: {"reason":"0 events and \d+ changes are no longer kept"}$/m);
    socket.destroy();
  }
});
