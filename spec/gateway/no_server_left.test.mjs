/** The answer to the client, nginx's variables and the log when no server is left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { noneIsLeft, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { sluice } from "./support/upstreams.mjs";

/**
 * Returns the log lines of Sluice with their levels, without the text that nginx adds.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
function linesOf({ log }) {
  const line = /\[(warn|error)\].* sluice: (.*?),? while connecting to upstream, client: /g;
  return [...log.text().matchAll(line)].map(([, level, text]) => `${level}: ${text}`);
}

test("the log names the upstream and the reason", async (context) => {
  const [backend] = await startBackends(context, 1);
  const upstreams = {
    app: { servers: [] },
    shop: { servers: [{ server: backend.address, down: true }] },
  };
  const traffic = "location /none { proxy_pass http://sluice_dynamic; }";
  const gateway = await startGateway(context, { workers: 1, upstreams, traffic });
  gateway.log.allow(noneIsLeft);
  for (const path of ["/", "/to/shop", "/to/nowhere", "/none"]) {
    const { status } = await ask(gateway.port, path);
    assert.equal(status, 502);
  }
  assert.deepEqual(linesOf(gateway), [
    'error: upstream "app" has no server available: it has none, so there are no live upstreams',
    'error: upstream "shop" has no server available: all are down, draining or standing by, so there are no live upstreams',
    'error: there is no upstream "nowhere", so there are no live upstreams',
    'warn: there is no upstream "": $sluice_upstream is empty or not set, so there are no live upstreams',
  ]);
});

test("a flood of requests to unknown upstreams logs one error per worker", async (context) => {
  const gateway = await startGateway(context, { workers: 1, servers: [] });
  gateway.log.allow(noneIsLeft);
  for (let number = 0; number < 20; number += 1)
    assert.equal((await ask(gateway.port, `/to/u${number}`)).status, 502);
  const lines = linesOf(gateway).filter((line) => line.includes("there is no upstream"));
  assert.equal(lines.length, 20, "each request logs one line");
  // On a slow machine the requests may take longer than the time of one error.
  const errors = lines.filter((line) => line.startsWith("error"));
  assert.ok(errors.length >= 1 && errors.length < 5, `${errors.length} errors`);
});

test("the log has the reason why a request is not tried again", async (context) => {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { reset: 1, delay: 20 };
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  gateway.log.allow(noneIsLeft, wasReset);
  const reasons = [];
  for (const retries of [{ timeout: "10ms" }, { budget: { percent: 0, min_concurrent: 0 } }]) {
    await gateway.api.expect(200, "PATCH", sluice(), { retries });
    assert.equal((await ask(gateway.port)).status, 502);
    reasons.push(linesOf(gateway).pop());
  }
  assert.deepEqual(reasons, [
    'warn: upstream "app" has no time left for a retry',
    'warn: upstream "app" has no budget left for a retry',
  ]);
});

test("$upstream_addr is empty, or has the last address twice, as docs/reference/setup.md says", async (context) => {
  const [one, other] = await startBackends(context, 2);
  for (const backend of [one, other]) backend.behaviour = { reset: 1 };
  const servers = [{ server: one.address, max_fails: 0 }, { server: other.address }];
  const http = "add_header X-Addresses $upstream_addr always; add_header X-Block $proxy_host always;";
  const gateway = await startGateway(context, { workers: 1, upstreams: { app: { servers } }, http });
  gateway.log.allow(noneIsLeft, wasReset);
  const ask = async () => {
    const { headers } = await fetch(`http://127.0.0.1:${gateway.port}/`);
    return [headers.get("x-addresses"), headers.get("x-block")];
  };
  const [addresses] = await ask();
  assert.deepEqual(addresses?.split(", ").sort(), [one.address, other.address].sort());
  // The other server is unavailable after its first failure.
  assert.deepEqual(await ask(), [`${one.address}, ${one.address}`, "app"]);
  await gateway.api.expect(200, "PATCH", `${sluice()}?force=true`, {
    servers: [{ server: one.address, down: true }],
  });
  // nginx does not send an empty header.
  assert.deepEqual(await ask(), [null, "app"]);
});
