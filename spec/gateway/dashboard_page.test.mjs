/** The page of the dashboard: who may open it, and how it is served. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startGateway } from "./support/gateway.mjs";

const path = "/api/dashboard";

/** @param {import("./support/gateway.mjs").Gateway} gateway @param {RequestInit} [init] */
const open = ({ apiPort }, init = {}) => fetch(`http://127.0.0.1:${apiPort}${path}`, init);

/**
 * Sends a request with headers that fetch() does not let a program set. Returns the status.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {Record<string, string>} headers
 * @param {string} [to] the path
 * @param {string} [method]
 * @returns {Promise<number>}
 */
async function statusOf({ apiPort }, headers, to = path, method = "GET") {
  const sent = request({ host: "127.0.0.1", port: apiPort, path: to, method, headers }).end();
  const [answer] = await once(sent, "response");
  answer.resume();
  return answer.statusCode;
}

/** @param {string} text */
const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

test("the page is one file of at most 60 KB in gzip, and its policy allows only what it contains", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const answer = await open(gateway);
  const page = await answer.text();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
  assert.equal(answer.headers.get("cache-control"), "no-cache");
  assert.ok(gzipSync(page).length <= 60 * 1024);

  const policy = answer.headers.get("content-security-policy") ?? "";
  const [, script = ""] = /<script type="module">(.*)<\/script>/s.exec(page) ?? [];
  const [, style = ""] = /<style>(.*)<\/style>/s.exec(page) ?? [];
  assert.ok(script.length > 1000 && style.length > 10);
  for (const directive of [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
    assert.ok(policy.split("; ").includes(directive), `${policy} lacks ${directive}`);
});

test("a browser that has the page gets 304", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const etag = (await open(gateway)).headers.get("etag") ?? "";
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
    const answer = await open(gateway, { headers: { "If-None-Match": known } });
    assert.equal(answer.status, 304, known);
    assert.equal(answer.headers.get("etag"), etag);
    assert.equal(await answer.text(), "");
  }
  assert.equal((await open(gateway, { headers: { "If-None-Match": '"other"' } })).status, 200);
});

test("the page needs no token, and a link on another site may lead to it", async (context) => {
  const setup = { api: { read_tokens: ["r"], write_tokens: ["w"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  const link = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
  const frame = { ...link, "Sec-Fetch-Dest": "iframe" };
  const script = { ...link, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" };
  assert.equal(await statusOf(gateway, {}), 200);
  assert.equal(await statusOf(gateway, link), 200);
  assert.equal(await statusOf(gateway, frame), 403);
  assert.equal(await statusOf(gateway, script), 403);
  assert.equal(await statusOf(gateway, { ...link, Host: "evil.example" }), 403);
  // Only the page may be opened from another site, and only to read it.
  assert.equal(await statusOf(gateway, link, "/api/sluice/1/upstreams"), 403);
  assert.equal(await statusOf(gateway, link, path, "POST"), 403);
  assert.equal(await statusOf(gateway, {}, path, "POST"), 401);
});

test("there is no page with api.dashboard = false", async (context) => {
  const setup = { api: { dashboard: false } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  const answer = await open(gateway);
  assert.equal(answer.status, 404);
  assert.equal((await answer.json()).error.code, "PathNotFound");
});
