/** Pages of other sites and foreign host names cannot use the API from a browser. */
import { join } from "node:path";
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayBoth, neither, tryBoth } from "./support/access.mjs";
import { Api } from "./support/api.mjs";
import { startGateway } from "./support/gateway.mjs";

test("a request that a browser sends from another site is refused", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const own = `127.0.0.1:${gateway.apiPort}`;
  for (const headers of [
    { Origin: "http://evil.example" },
    { Origin: "null" },
    { Origin: `http://127.0.0.1:${gateway.port}` },
    { Origin: "http://127.0.0.1" },
    { Origin: `http://localhost:${gateway.apiPort}` },
    { Origin: `http://${own}.evil.example` },
    { Origin: `http://evil.example/${own}` },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "cross-site", Origin: `http://${own}` },
    { "Sec-Fetch-Site": "nonsense" },
  ]) {
    assert.deepEqual(
      await tryBoth(gateway, headers),
      neither("403 CrossSiteRequest"),
      JSON.stringify(headers),
    );
  }
  for (const headers of [
    { Origin: `http://${own}` },
    { "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
    { "Sec-Fetch-Site": "same-origin", Origin: `http://${own}` },
  ]) {
    assert.deepEqual(await tryBoth(gateway, headers), mayBoth, JSON.stringify(headers));
  }
});

test("a Host other than an IP address, localhost or a configured name is refused", async (context) => {
  const setup = { api: { hosts: ["gateway.example"] } };
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], setup });
  for (const host of [
    "evil.example",
    "evil.example:8081",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "gateway.example.evil",
  ]) {
    assert.deepEqual(await tryBoth(gateway, { Host: host }), neither("403 HostNotAllowed"), host);
  }
  for (const host of [
    "127.0.0.1",
    "127.0.0.1:8081",
    "10.1.2.3:80",
    "[::1]",
    "[::1]:8081",
    "localhost",
    "LOCALHOST:8081",
    "gateway.example",
    "Gateway.Example:8081",
  ]) {
    assert.deepEqual(await tryBoth(gateway, { Host: host }), mayBoth, host);
  }
});

test("a unix socket needs no Host, but requests from other sites are refused there as well", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"], apiUnix: true });
  const api = new Api({ socketPath: join(gateway.folder, "api.sock") });
  for (const host of ["nginx-plus-api", "unix", "nginx.sock", "gateway.example:80"])
    assert.deepEqual(await tryBoth({ api }, { Host: host }), mayBoth, host);
  // A browser reaches the socket only through a proxy, and its page may have any name of the proxy.
  const evil = { Host: "evil.example", Origin: "http://evil.example" };
  assert.deepEqual(await tryBoth({ api }, evil), neither("403 HostNotAllowed"));
  const sameSite = { Host: "evil.example", "Sec-Fetch-Site": "same-origin" };
  assert.deepEqual(await tryBoth({ api }, sameSite), neither("403 HostNotAllowed"));
  const foreign = { Host: "localhost", Origin: "http://evil.example" };
  assert.deepEqual(await tryBoth({ api }, foreign), neither("403 CrossSiteRequest"));
  const proxied = { Host: "unix", "X-Forwarded-For": "192.0.2.7" };
  assert.deepEqual(await tryBoth({ api }, proxied), neither("403 Forbidden"));
  assert.deepEqual(await tryBoth(gateway, { Host: "unix" }), neither("403 HostNotAllowed"), "over TCP");
});
