/**
 * examples/tls/: only servers with a valid certificate receive requests, and connections of many names are
 * not kept.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../../examples/tls/server.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { root } from "../../scripts/setup.mjs";
import { makeExample } from "./support/example.mjs";

const ports = [8080, 8081, 9443, 9444];
const notOfName = /upstream SSL certificate does not match "(payments|search)\.internal"/;
const notOfAuthority = /upstream SSL certificate verify error: \(\d+:unable to (get|verify)/;

/**
 * Starts a server of the example. `handshakes` has the requested name of each connection, and whether the
 * connection resumed a session.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/example.mjs").Example} example
 * @param {number} port of the example
 * @param {string[]} names
 */
async function startTlsServer(context, example, port, names) {
  const server = await startServer(example.port(port), names, join(example.folder, ".sluice"));
  /** @type {{ name: string, isResumed: boolean }[]} */
  const handshakes = [];
  let requests = 0;
  server.on("secureConnection", (socket) =>
    handshakes.push({ name: socket.servername, isResumed: socket.isSessionReused() }),
  );
  server.on("request", () => (requests += 1));
  atEnd(context, () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    address: `127.0.0.1:${example.port(port)}`,
    handshakes,
    names: () => new Set(handshakes.map(({ name }) => name)),
    requests: () => requests,
  };
}

/**
 * Copies the example and makes its certificates.
 * @param {import("node:test").TestContext} context
 */
async function prepare(context) {
  const example = await makeExample(context, "tls", ports);
  const [makeCertificates] = example.commands("Run");
  await example.run(makeCertificates);
  return example;
}

/**
 * Returns the expected answer of the server.
 * @param {import("./support/example.mjs").Example} example
 * @param {string} rest
 */
const answerOf = (example, rest) => `server ${example.port(9443)}, asked for as ${rest}\n`;

test("the README's commands reach servers with a valid certificate and no other server", async (context) => {
  const example = await prepare(context);
  const server = await startTlsServer(context, example, 9443, ["payments", "search"]);
  const stranger = await startTlsServer(context, example, 9444, ["stranger"]);
  example.log.allow(notOfName);
  await example.start();
  const [payments, makeSearch, search, addStranger, beside, removeServer, alone] = example.commands("Try");
  assert.equal(await example.run(payments), answerOf(example, "payments.internal: GET /"));
  await example.ask(makeSearch);
  assert.equal(await example.run(search), answerOf(example, "search.internal: GET /query"));

  await example.ask(addStranger);
  for (let turn = 0; turn < 12; turn += 1) assert.match(await example.run(beside), /^HTTP\/1.1 200 /);
  assert.deepEqual(
    stranger.names(),
    new Set(["payments.internal"]),
    "the gateway has connected to the server",
  );
  await example.ask(removeServer);
  assert.match(await example.run(alone), /^HTTP\/1.1 502 /);
  assert.equal(stranger.requests(), 0, "the server received no request");
  assert.ok(server.requests() > 12);
  assert.match(example.log.text(), notOfName);
});

test("a certificate of another authority is refused", async (context) => {
  const example = await prepare(context);
  await example.run("mv .sluice/ca.pem .sluice/trusted && mv .sluice/ca.key .sluice/trusted.key");
  await example.run("./make_certificates.sh payments && mv .sluice/trusted .sluice/ca.pem");
  const impostor = await startTlsServer(context, example, 9443, ["payments"]);
  example.log.allow(notOfAuthority);
  await example.start();
  assert.equal((await ask(example.port(8080))).status, 502);
  assert.match(example.log.text(), notOfAuthority);
  assert.equal(impostor.requests(), 0);
});

test("connections of one name are kept, and with many names each request makes its own handshake", async (context) => {
  const example = await prepare(context);
  const server = await startTlsServer(context, example, 9443, ["payments", "search"]);
  await example.start();
  const load = startLoad(context, { port: example.port(8080), total: 800 });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  assert.ok(server.handshakes.length < 200, `${server.handshakes.length} connections for 800 requests`);
  assert.deepEqual(server.names(), new Set(["payments.internal"]));

  await example.api.expect(201, "PUT", sluice("search"), { servers: [{ server: server.address }] });
  server.handshakes.length = 0;
  const names = Array.from({ length: 80 }, (_, number) => ["payments", "search"][number % 2]);
  const answers = await Promise.all(names.map((name) => ask(example.port(8080), `/dynamic/${name}/x`)));
  for (const [number, { text }] of answers.entries()) {
    assert.equal(text, answerOf(example, `${names[number]}.internal: GET /x`));
  }
  assert.equal(server.handshakes.length, 80);
  assert.deepEqual(
    server.handshakes.filter(({ isResumed }) => isResumed),
    [],
  );
});

/**
 * Sends requests for two names at one address. Returns the number of requests that used a connection of the
 * other name.
 * @param {import("./support/example.mjs").Example} example
 * @param {{ address: string }} server
 */
async function countWrongNames(example, server) {
  await example.start();
  await example.api.expect(201, "PUT", sluice("search"), { servers: [{ server: server.address }] });
  // Several requests for the same name in a row, so that every worker receives both names.
  const asked = Array.from({ length: 160 }, (_, number) => (number % 16 < 8 ? "payments" : "search"));
  let wrong = 0;
  for (const name of asked) {
    const { text } = await ask(example.port(8080), `/dynamic/${name}/x`);
    if (!text.includes(`asked for as ${name}.internal`)) wrong += 1;
  }
  return wrong;
}

/** Adds `keepalive`, which is the default since nginx 1.29.7. @type {[string, string]} */
const keeping = ["balance() }\n", "balance() }\n    keepalive 32;\n"];

test("with keepalive by default, Connection: close alone protects requests for many names", async (context) => {
  const example = await prepare(context);
  const server = await startTlsServer(context, example, 9443, ["payments", "search"]);
  example.configure(keeping);
  assert.equal(await countWrongNames(example, server), 0);
  assert.equal(server.handshakes.length, 160);
});

test("without Connection: close a request can use a connection of another name, as the README warns", async (context) => {
  const example = await prepare(context);
  const server = await startTlsServer(context, example, 9443, ["payments", "search"]);
  example.configure(keeping, ["proxy_set_header Connection close;", 'proxy_set_header Connection "";']);
  assert.ok((await countWrongNames(example, server)) > 0);
});

test("the README and nginx.conf describe the right protection against shared connections", () => {
  for (const path of ["README.md", "nginx.conf"]) {
    const text = readFileSync(join(root, "examples/tls", path), "utf8").replace(/\s+#?\s*/g, " ");
    assert.match(text, /since 1\.29\.7/);
    assert.doesNotMatch(text, /has no `keepalive` and|: no `keepalive`, because/);
  }
});

test("an added server without a valid certificate does not affect clients", async (context) => {
  const example = await prepare(context);
  await startTlsServer(context, example, 9443, ["payments"]);
  const stranger = await startTlsServer(context, example, 9444, ["stranger"]);
  example.log.allow(notOfName);
  await example.start();
  const load = startLoad(context, { port: example.port(8080) });
  await load.round();
  await example.api.expect(201, "POST", serversOf("payments"), { server: stranger.address });
  for (let turn = 0; turn < 5; turn += 1) await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.ok(stranger.handshakes.length > 0);
  assert.equal(stranger.requests(), 0);
});
