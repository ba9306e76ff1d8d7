/**
 * Pages of other origins: those in `api.origins` can use the API from a browser (CORS), and all others
 * cannot.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { RawConnection } from "./support/raw_connection.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

const origin = "https://dashboard.example:8443";
const origins = [origin, "http://localhost:3000"];
const fromPage = { Origin: origin, "Sec-Fetch-Site": "cross-site" };

/**
 * Sends a preflight request, as browsers do.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {Record<string, string>} [headers]
 */
async function preflight(context, gateway, headers = {}) {
  const connection = new RawConnection(context, gateway.apiPort);
  const asked = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type,if-match",
  };
  connection.sendHead("OPTIONS", sluice(), { ...fromPage, ...asked, ...headers });
  return connection.read({ hasBody: false });
}

/** Returns the names of a list in a header, in lower case. @param {string | undefined} value */
const names = (value) => (value ?? "").toLowerCase().split(/, */);

test("a page of a listed origin can read and change with its own token", async (context) => {
  const setup = { api: { origins, write_tokens: ["w"], read_tokens: ["r"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  const { status, headers } = await preflight(context, gateway);
  assert.equal(status, 204);
  assert.equal(headers["access-control-allow-origin"], origin);
  assert.equal(headers["access-control-allow-credentials"], undefined);
  assert.equal(headers.vary, "Origin");
  for (const method of ["get", "post", "put", "patch", "delete"])
    assert.ok(names(headers["access-control-allow-methods"]).includes(method), method);
  for (const name of ["authorization", "content-type", "if-match", "if-none-match"])
    assert.ok(names(headers["access-control-allow-headers"]).includes(name), name);

  const { api } = gateway;
  const withToken = { ...fromPage, Authorization: "Bearer w" };
  for (const answer of [
    await api.get(sluice(), withToken),
    await api.post(serversOf(), { server: someAddress(1) }, { ...withToken, "Content-Type": "text/plain" }),
    await api.get(sluice(), fromPage),
    await api.get("/api/9/nothing", withToken),
  ]) {
    assert.equal(answer.headers["access-control-allow-origin"], origin, "errors can be read, too");
    assert.ok(names(String(answer.headers["access-control-expose-headers"])).includes("etag"));
  }
  assertErrorBody(await api.get(sluice(), fromPage), 401, "Unauthorized");
  assert.equal((await api.get(sluice(), { ...withToken, Origin: "http://localhost:3000" })).status, 200);
});

test("all other origins are refused and can read nothing", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup: { api: { origins } } });
  const { api } = gateway;
  for (const other of [
    "https://dashboard.example",
    "http://dashboard.example:8443",
    "https://evil.example",
    "https://dashboard.example:8443.evil.example",
    "https://evil.dashboard.example:8443",
    "null",
    "",
  ]) {
    const headers = { Origin: other, "Sec-Fetch-Site": "cross-site" };
    for (const answer of [
      await api.get(sluice(), headers),
      await api.post(serversOf(), { server: someAddress(1) }, headers),
    ]) {
      assertErrorBody(answer, 403, "CrossSiteRequest");
      assert.equal(answer.headers["access-control-allow-origin"], undefined, other);
      assert.equal(answer.headers.vary, "Origin");
    }
    const asked = await preflight(context, gateway, headers);
    assert.deepEqual([asked.status, asked.headers["access-control-allow-origin"]], [403, undefined], other);
  }
  assertErrorBody(await api.get(sluice(), { "Sec-Fetch-Site": "cross-site" }), 403, "CrossSiteRequest");
  const elsewhere = { ...fromPage, Host: "evil.example" };
  assertErrorBody(await api.get(sluice(), elsewhere), 403, "HostNotAllowed");
  assert.equal((await preflight(context, gateway, { Host: "evil.example" })).status, 403);
});

test("by default no other origin is allowed, and a listed origin cannot write without api.write", async (context) => {
  const plain = await startGateway(context, { servers: ["127.0.0.1:9"] });
  assert.equal((await preflight(context, plain)).status, 403);
  const answer = await plain.api.get(sluice(), fromPage);
  assertErrorBody(answer, 403, "CrossSiteRequest");
  assert.deepEqual(
    [answer.headers.vary, answer.headers["access-control-allow-origin"]],
    [undefined, undefined],
  );

  const setup = { api: { origins, write: false } };
  const readOnly = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  const { headers } = await preflight(context, readOnly);
  assert.deepEqual(names(headers["access-control-allow-methods"]), ["get", "head"]);
  assert.equal((await readOnly.api.get(sluice(), fromPage)).status, 200);
  assertErrorBody(await readOnly.api.delete(`${serversOf()}/0`, fromPage), 405, "MethodDisabled");
  // OPTIONS is allowed only with the headers of a preflight request.
  assertErrorBody(await readOnly.api.send("OPTIONS", sluice(), undefined, fromPage), 405, "MethodDisabled");
});
