/** examples/websocket_grpc/: open streams survive the deletion of their server, and new ones go elsewhere. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openGrpc, openWebSocket } from "../../examples/websocket_grpc/client.mjs";
import { startGrpcServer, startWebSocketServer } from "../../examples/websocket_grpc/servers.mjs";
import { root } from "../../scripts/setup.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { peersOf, serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startExample } from "./support/example.mjs";

const ports = [8080, 8081, 8082, 9001, 9002, 9101, 9102];
const noServer = /no live upstreams while connecting to upstream/;

/** The two protocols, each with its ports in the example and its error when there is no server. */
const protocols = [
  {
    name: "WebSocket",
    upstream: "chat",
    entry: 8080,
    servers: [9001, 9002],
    start: startWebSocketServer,
    open: openWebSocket,
    refused: /Unexpected server response: 502/,
  },
  {
    name: "gRPC",
    upstream: "echo",
    entry: 8082,
    servers: [9101, 9102],
    start: startGrpcServer,
    open: openGrpc,
    refused: /UNAVAILABLE/,
  },
];

/**
 * Starts servers of one protocol. They end with the test.
 * @param {import("node:test").TestContext} context
 * @param {(typeof protocols)[0]} protocol
 * @param {number[]} ports
 */
async function startServers(context, { name, start }, ports) {
  for (const port of ports) {
    const server = await start(port);
    atEnd(context, () => {
      if (name === "gRPC") return server.forceShutdown();
      for (const client of server.clients) client.terminate();
      server.close();
    });
  }
}

/** An open stream of a client. */
class Stream {
  /** @type {string[]} */
  received = [];
  isEnded = false;
  /** @type {string | undefined} */
  problem;

  /** @param {(typeof protocols)[0]} protocol @param {number} port */
  constructor({ open }, port) {
    const onEnd = (problem) => {
      this.isEnded = true;
      this.problem ??= problem;
    };
    this.stream = open(port, (message) => this.received.push(message), onEnd);
  }

  /**
   * Sends a text, and waits for the answer. Returns the port of the server.
   * @param {string} text
   */
  async say(text) {
    const count = this.received.length;
    this.stream.send(text);
    await waitFor(`an answer to ${text}`, () => this.isEnded || this.received.length > count);
    if (this.isEnded) throw new Error(`the stream ended: ${this.problem}`);
    const [, port, answer] = /^(\d+): (.*)$/.exec(this.received[count]) ?? [];
    assert.equal(answer, text);
    return Number(port);
  }

  async close() {
    if (!this.isEnded) this.stream.close();
    await waitFor("the stream has ended", () => this.isEnded);
  }
}

/**
 * Starts the example with its two servers of a protocol. Returns, among others, a function that opens
 * streams.
 * @param {import("node:test").TestContext} context
 * @param {(typeof protocols)[0]} protocol
 */
async function startStreams(context, protocol) {
  const example = await startExample(context, "websocket_grpc", ports);
  const servers = protocol.servers.map((port) => example.port(port));
  await startServers(context, protocol, servers);
  /** @type {Stream[]} */
  const streams = [];
  atEnd(context, () => Promise.all(streams.map((stream) => stream.close())));
  /** Opens streams one after another, each when the previous one has a server. @param {number} count */
  const open = async (count) => {
    const opened = [];
    for (let number = 0; number < count; number += 1) {
      const stream = new Stream(protocol, example.port(protocol.entry));
      streams.push(stream);
      opened.push({ stream, port: await stream.say("hello") });
    }
    return opened;
  };
  return { example, servers, open, streams };
}

/** @param {{ stream: Stream, port: number }[]} opened */
async function assertAlive(opened) {
  for (const { stream, port } of opened) assert.equal(await stream.say("still there"), port);
}

/** @param {{ port: number }[]} opened @param {number} wanted */
const countAt = (opened, wanted) => opened.filter(({ port }) => port === wanted).length;

for (const protocol of protocols) {
  const { name, upstream } = protocol;

  test(`${name}: streams survive the deletion of their server and a reload, and new ones go elsewhere`, async (context) => {
    const { example, servers, open } = await startStreams(context, protocol);
    const [first, second] = servers;
    const { api } = example;
    const before = await open(8);
    assert.deepEqual([countAt(before, first), countAt(before, second)], [4, 4], "least_conn");

    const remove = example
      .commands("Try")
      .find((line) => line.includes("DELETE") && line.includes(`/${upstream}/`));
    await example.ask(remove ?? "");
    const after = await open(6);
    assert.equal(countAt(after, second), 6);
    await assertAlive(before);
    assert.equal((await api.get(`/api/9/http/upstreams/${upstream}`)).body.zombies, 1);

    await example.reload();
    const reloaded = await open(4);
    assert.equal(countAt(reloaded, second), 4);
    const all = [...before, ...after, ...reloaded];
    await assertAlive(all);

    await Promise.all(all.map(({ stream }) => stream.close()));
    for (const { stream } of all) assert.equal(stream.problem, undefined);
    await waitFor("the deleted server has no stream", async () => {
      return (await api.get(`/api/9/http/upstreams/${upstream}`)).body.zombies === 0;
    });
  });

  test(`${name}: a drained server keeps its streams, receives no new one, and is deleted after the last`, async (context) => {
    const { example, servers, open } = await startStreams(context, protocol);
    const [first, second] = servers;
    const before = await open(4);
    const drain = example.commands("Try").find((line) => line.endsWith("/drain")) ?? "";
    assert.equal((await example.ask(drain.replace("/chat/", `/${upstream}/`))).active, 2);
    const after = await open(4);
    assert.equal(countAt(after, first), 4);
    await assertAlive(before);
    const address = `127.0.0.1:${second}`;
    const peer = (await peersOf(example.api, upstream)).get(address);
    assert.deepEqual([peer.state, peer.active], ["draining", 2]);

    const drained = before.filter(({ port }) => port === second);
    await Promise.all(drained.map(({ stream }) => stream.close()));
    await waitFor("the server is deleted", async () => !(await peersOf(example.api, upstream)).has(address));
    await assertAlive([...before, ...after].filter(({ port }) => port === first));
  });

  test(`${name}: while servers come and go no stream fails, and none opens at a deleted server`, async (context) => {
    const { example, servers, streams } = await startStreams(context, protocol);
    const [first, second] = servers;
    const { api } = example;
    /** The number of the current deletion of the second server; 0: the server exists. */
    let deletion = 0;
    let isOver = false;
    let meanwhile = 0;
    const counts = new Map(servers.map((port) => [port, 0]));
    const openAndClose = async () => {
      const before = deletion;
      const stream = new Stream(protocol, example.port(protocol.entry));
      streams.push(stream);
      const port = await stream.say("one");
      if (before !== 0 && deletion === before) {
        meanwhile += 1;
        assert.equal(port, first, "no stream opens at the deleted server");
      }
      assert.equal(await stream.say("two"), port);
      await stream.close();
      assert.equal(stream.problem, undefined);
      counts.set(port, (counts.get(port) ?? 0) + 1);
    };
    const client = async () => {
      while (!isOver) await openAndClose();
    };
    const comeAndGo = async () => {
      const address = `127.0.0.1:${second}`;
      for (let turn = 1; turn <= 15; turn += 1) {
        await api.expect(200, "DELETE", `${serversOf(upstream)}/?server=${address}`);
        deletion = turn;
        const opened = meanwhile;
        await waitFor("a stream opens while it is deleted", () => meanwhile > opened);
        deletion = 0;
        await api.expect(201, "POST", serversOf(upstream), { server: address });
        const had = counts.get(second);
        await waitFor("a stream opens at it", () => counts.get(second) !== had);
      }
    };
    const changes = comeAndGo().finally(() => (isOver = true));
    await Promise.all([changes, ...Array.from({ length: 8 }, client)]);
    for (const [port, count] of counts) assert.ok(count > 0, `${port} had ${count} streams`);
  });

  test(`${name}: without a server a new stream fails immediately, and an open stream continues`, async (context) => {
    const { example, open, streams } = await startStreams(context, protocol);
    example.log.allow(noServer);
    const before = await open(2);
    await example.api.expect(200, "PATCH", `${sluice(upstream)}?force=true`, { servers: [] });
    const refused = new Stream(protocol, example.port(protocol.entry));
    streams.push(refused);
    await waitFor("the stream is refused", () => refused.isEnded);
    assert.match(String(refused.problem), protocol.refused);
    await assertAlive(before);
  });
}

test("the clients of the README work", async (context) => {
  const example = await startExample(context, "websocket_grpc", ports);
  symlinkSync(join(root, "node_modules"), join(example.folder, "node_modules"));
  for (const protocol of protocols) {
    await startServers(
      context,
      protocol,
      protocol.servers.map((port) => example.port(port)),
    );
  }
  const clients = example.commands("Try").filter((line) => line.startsWith("node client.mjs "));
  const printed = await Promise.all(
    clients.map((client) => example.run(`timeout --foreground --preserve-status --signal=INT 8 ${client}`)),
  );
  for (const [index, { servers }] of protocols.entries()) {
    const own = servers.map((port) => example.port(port)).join("|");
    assert.match(printed[index], new RegExp(`^(${own}): message 1\n(\\1: message \\d\n)*ended\n$`));
  }
});
