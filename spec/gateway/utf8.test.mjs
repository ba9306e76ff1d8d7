/** The answers of the API are valid UTF-8, whatever bytes it received. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { TextDecoder } from "node:util";
import { atEnd } from "./support/cleanup.mjs";
import { discoveryOf } from "./support/discovery.mjs";
import { makeFolder } from "./support/folder.mjs";
import { startGateway } from "./support/gateway.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** Two bytes of Latin-1, and the beginning of a UTF-8 character whose end is missing. */
const foreign = Buffer.from([0xe9, 0xff, 0xe2, 0x82]);
const escaped = "\\xe9\\xff\\xe2\\x82";

/**
 * Starts a server that fails with a text of foreign bytes.
 * @param {import("node:test").TestContext} context
 */
async function startFailing(context) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(500).end(foreign);
  });
  atEnd(context, () => server.close().closeAllConnections());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
}

/**
 * Returns the answer's JSON, which must be UTF-8.
 * @param {{ apiPort: number }} gateway
 * @param {string} path
 */
async function read({ apiPort: port }, path) {
  const [response] = await once(get({ host: "127.0.0.1", port, path }), "response");
  const bytes = Buffer.concat(await response.toArray());
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

test("text from registries and paths that is not UTF-8 is escaped", async (context) => {
  const file = join(makeFolder(context, "servers"), "servers.json");
  writeFileSync(file, Buffer.concat([Buffer.from('{"servers":["'), foreign, Buffer.from('","é"]}')]), {
    mode: 0o644,
  });
  const consul = { address: await startFailing(context), service: "app" };
  const upstreams = {
    failing: { servers: [], discovery: { consul } },
    skipping: { servers: [], discovery: { file: { path: file } } },
  };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
  await waitFor("both registries have answered", async () => {
    const failing = await discoveryOf(gateway.api, "failing");
    return failing.state === "failing" && (await discoveryOf(gateway.api, "skipping")).skipped_count === 2;
  });
  const failing = await read(gateway, `${sluice("failing")}/discovery`);
  assert.equal(failing.error, `status 500: ${escaped}`);
  const skipping = await read(gateway, `${sluice("skipping")}/discovery`);
  assert.ok(skipping.skipped[0].reason.includes(`"${escaped}"`), skipping.skipped[0].reason);
  assert.ok(skipping.skipped[1].reason.includes('"é"'), "valid UTF-8 is not escaped");
  const { error } = await read(gateway, "/api/9/http/upstreams/%e9%ff%e2%82/servers");
  assert.equal(error.text, `upstream "${escaped}" not found`);
});

test("a body that is not UTF-8 is refused", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: { servers: [] } } });
  const [before, after] = JSON.stringify({ server: someAddress(1), route: "?" }).split("?");
  const body = Buffer.concat([Buffer.from(before), foreign, Buffer.from(after)]);
  const { status, body: answer } = await gateway.api.send("POST", serversOf(), body);
  assert.equal(status, 415);
  assert.equal(answer.error.code, "JsonError");
  assert.match(answer.error.text, /not UTF-8/);
  assert.deepEqual(await gateway.api.expect(200, "GET", serversOf()), []);
});
