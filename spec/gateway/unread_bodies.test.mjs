/** Responses to requests with unread bodies are correct to the byte, and the connection stays usable. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { RawConnection } from "./support/raw_connection.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const body = '{"server":"127.0.0.3:9"}';
const servers = Array.from({ length: 2000 }, (_, number) => ({ server: someAddress(number) }));
const tokens = { api: { write_tokens: ["secret"] } };
const authorized = { Authorization: "Bearer secret" };

/** @type {[method: string, path: string, headers: Record<string, string>, status: number][]} */
const requests = [
  ["GET", "/api/9/http/upstreams", {}, 200],
  ["GET", serversOf("many"), {}, 200],
  ["GET", "/api/sluice/1/upstreams", {}, 200],
  ["GET", "/api", {}, 200],
  ["HEAD", "/api/9/http/upstreams", {}, 200],
  ["GET", "/api/9/nothing", {}, 404],
  ["GET", "/api/9/nginx", { Host: "evil.example" }, 403],
  ["DELETE", "/api/9/http/upstreams/app", authorized, 204],
  ["DELETE", sluice("none"), authorized, 404],
  ["POST", serversOf(), {}, 401],
  ["POST", "/api/9/nothing", authorized, 404],
  ["PUT", serversOf(), authorized, 405],
];
/** The requests that are answered without reading their bodies. */
const unread = requests.filter(([method, , headers]) => method !== "DELETE" || headers !== authorized);

/** @param {string} method @param {number} status */
const hasBody = (method, status) => method !== "HEAD" && status !== 204;

/** @param {import("node:test").TestContext} context @param {string} [http] */
const startGatewayOfMany = (context, http) =>
  startGateway(context, { upstreams: { app: {}, many: { servers } }, setup: tokens, http });

/**
 * Asserts that the next request on a connection has its own answer.
 * @param {RawConnection} connection
 */
async function assertUsable(connection) {
  assert.equal(connection.hasMore, false, "there are no further bytes");
  connection.sendHead("GET", "/api");
  const { interim, status, body: versions } = await connection.read();
  assert.deepEqual([interim, status], [[], 200]);
  assert.deepEqual(JSON.parse(versions), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(connection.hasMore, false, "there are no further bytes");
}

const framings = [
  { headers: { "Content-Length": String(body.length) }, sent: body },
  {
    headers: { "Transfer-Encoding": "chunked" },
    sent: `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  },
];

test("100 Continue comes before the response and not within it", async (context) => {
  const gateway = await startGatewayOfMany(context);
  for (const [method, path, headers, status] of requests) {
    for (const framing of framings) {
      // One client waits for an answer before it sends the body, and the other client does not.
      for (const waits of [true, false]) {
        const connection = new RawConnection(context, gateway.apiPort);
        connection.sendHead(method, path, { ...headers, ...framing.headers, Expect: "100-continue" });
        if (!waits) connection.socket.write(framing.sent);
        const onInterim = () => waits && connection.socket.write(framing.sent);
        const answer = await connection.read({ hasBody: hasBody(method, status), onInterim });
        const what = `${method} ${path}: ${answer.body.slice(0, 300)}`;
        assert.deepEqual([answer.interim, answer.status], [[100], status], what);
        if (hasBody(method, status)) JSON.parse(answer.body);
        await assertUsable(connection);
      }
    }
  }
});

test("a body that arrives after the response is not read as the next request", async (context) => {
  const gateway = await startGatewayOfMany(context);
  for (const [method, path, headers, status] of unread) {
    const connection = new RawConnection(context, gateway.apiPort);
    const length = 100_000;
    connection.sendHead(method, path, { ...headers, "Content-Length": String(length) });
    const answer = await connection.read({ hasBody: hasBody(method, status) });
    assert.deepEqual([answer.interim, answer.status], [[], status]);
    connection.socket.write("GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n".padEnd(length, "x"));
    await assertUsable(connection);
  }
});

test("a body that is too large is answered after 100 Continue", async (context) => {
  const gateway = await startGatewayOfMany(context);
  const connection = new RawConnection(context, gateway.apiPort);
  const length = 1_048_577;
  const headers = { ...authorized, "Content-Length": String(length), Expect: "100-continue" };
  connection.sendHead("POST", serversOf(), headers);
  const onInterim = () => connection.socket.write("x".repeat(length));
  const answer = await connection.read({ onInterim });
  assert.deepEqual([answer.interim, answer.status], [[100], 413]);
  await assertUsable(connection);
});

test("a malformed body is refused, changes nothing and ends the connection", async (context) => {
  const gateway = await startGatewayOfMany(context);
  // nginx itself logs this error.
  gateway.log.allow(/client sent invalid chunked body/);
  const before = await gateway.api.configuration();
  const changes = [["DELETE", sluice(), authorized]];
  for (const [method, path, headers] of [...requests, ...changes]) {
    const connection = new RawConnection(context, gateway.apiPort);
    const rest = "nonsense\r\nGET /api HTTP/1.1\r\nHost: localhost\r\n\r\n";
    connection.sendHead(method, path, { ...headers, "Transfer-Encoding": "chunked" }, rest);
    const answer = await connection.read({ hasBody: method !== "HEAD" });
    assert.equal(answer.status, 400, `${method} ${path}`);
    assert.equal(answer.headers.connection, "close");
    await waitFor("nginx closes the connection", () => connection.hasEnded);
    assert.equal(connection.hasMore, false, "the bytes after the body are not read as a request");
  }
  assert.equal(await gateway.api.configuration(), before);
});

/**
 * Sends one request over HTTP/2 with its body.
 * @param {import("node:http2").ClientHttp2Session} session
 * @param {Record<string, string>} headers
 * @returns {Promise<{ status: number, text: string }>}
 */
function askOverHttp2(session, headers) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: false });
    let status = 0;
    let text = "";
    stream.on("response", (answer) => (status = Number(answer[":status"])));
    stream.setEncoding("utf8").on("data", (piece) => (text += piece));
    stream.on("error", reject).on("end", () => resolve({ status, text }));
    stream.end(body);
  });
}

test("an unread body does not affect HTTP/2", async (context) => {
  const port = await freePort();
  const location = 'location /api { content_by_lua_block { require("resty.sluice").api() } }';
  await startGatewayOfMany(context, `server { listen 127.0.0.1:${port} http2; ${location} }`);
  const session = connect(`http://127.0.0.1:${port}`);
  atEnd(context, () => session.destroy());
  for (const [method, path, { Host = "localhost", ...headers }, status] of requests) {
    const names = { ":method": method, ":path": path, ":authority": Host, expect: "100-continue" };
    const answer = await askOverHttp2(session, { ...names, ...headers });
    assert.equal(answer.status, status, `${method} ${path}`);
    if (hasBody(method, status)) JSON.parse(answer.text);
  }
});
