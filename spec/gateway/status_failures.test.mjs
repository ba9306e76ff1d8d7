/** The status of upstreams after failures, retries and redirects inside nginx. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { assertTrue } from "./support/figures.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, askAll } from "./support/load.mjs";
import { freePort } from "./support/ports.mjs";
import { settledPeersOf, sumOf } from "./support/upstreams.mjs";

const wasReset = /(Connection reset by peer|prematurely closed connection).*upstream/;

test("failures and retries are counted", async (context) => {
  const [failing, good] = await startBackends(context, 2);
  failing.behaviour = { reset: 1 };
  const refusing = `127.0.0.1:${await freePort()}`;
  const gateway = await startGateway(context, { servers: [failing.address, refusing, good.address] });
  gateway.log.allow(wasReset, /connect\(\) failed \(111: Connection refused\) while connecting to upstream/);
  const statuses = await askAll(gateway.port, Array(60).fill("/"));
  assert.deepEqual(new Set(statuses), new Set([200]), "every request was tried on another server");
  const refusals = gateway.log.severeEntries().filter((line) => /Connection refused/.test(line)).length;
  assert.ok(refusals > 0);

  const peers = await settledPeersOf(gateway.api);
  const [one, two, three] = [failing.address, refusing, good.address].map((address) => peers.get(address));
  assert.deepEqual([one.requests, one.fails], [failing.requests.length, failing.requests.length]);
  assert.deepEqual([one.responses.total, one.received], [0, 0]);
  assert.equal(one.sent, failing.bytes().read);
  assert.deepEqual([two.requests, two.fails], [refusals, refusals]);
  assert.deepEqual([two.responses.total, two.sent, two.received], [0, 0, 0]);
  assert.equal(three.fails, 0);
  assertTrue(three, good);
  assert.equal(good.requests.length, 60);
  assert.deepEqual([one.active, two.active, three.active], [0, 0, 0]);
});

test("a POST and an answer after the timeout of the retries are not tried again", async (context) => {
  const backends = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    servers: backends.map(({ address }) => address),
    traffic: "location /hasty { proxy_pass http://app; proxy_read_timeout 200ms; proxy_next_upstream off; }",
  });
  gateway.log.allow(
    wasReset,
    /upstream timed out \(110: Connection timed out\) while reading response header/,
  );
  assert.equal((await ask(gateway.port, "/?reset=1", { method: "POST", body: "x" })).status, 502);
  await settledPeersOf(gateway.api);
  assert.deepEqual([await sumOf(gateway.api, "requests"), await sumOf(gateway.api, "fails")], [1, 1]);
  assert.equal((await ask(gateway.port, "/hasty?delay=600")).status, 504);
  const peers = [...(await settledPeersOf(gateway.api)).values()];
  assert.deepEqual([await sumOf(gateway.api, "requests"), await sumOf(gateway.api, "fails")], [2, 2]);
  for (const { responses } of peers) assert.equal(responses.total, 0);
});

test("a 502 or 504 that a server itself sends is counted as its answer", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address] });
  for (const status of [502, 504, 503]) await ask(gateway.port, `/?status=${status}&size=10`);
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assertTrue(peer, backend);
  assert.equal(peer.fails, 0);
});

test("a request that error_page forwards to another upstream is counted at both", async (context) => {
  const [failing, spare] = await startBackends(context, 2);
  failing.behaviour = { status: 503, size: 30 };
  const gateway = await startGateway(context, {
    upstreams: {
      app: { servers: [{ server: failing.address }] },
      spare: { servers: [{ server: spare.address }] },
    },
    traffic: `
      location /either { proxy_pass http://app; proxy_intercept_errors on; error_page 503 = @spare; }
      location @spare { set $sluice_upstream spare; proxy_pass http://sluice_dynamic; }`,
  });
  const statuses = await askAll(gateway.port, Array(20).fill("/either"));
  assert.deepEqual(new Set(statuses), new Set([200]));
  const one = (await settledPeersOf(gateway.api, "app")).get(failing.address);
  const other = (await settledPeersOf(gateway.api, "spare")).get(spare.address);
  assert.deepEqual([one.requests, one.responses["5xx"], one.active, one.fails], [20, 20, 0, 0]);
  assert.deepEqual([other.requests, other.responses["2xx"], other.active], [20, 20, 0]);
  assertTrue(other, spare);
});

test("subrequests are counted, and none stays in flight", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, {
    servers: [backend.address],
    traffic: `
      location /guarded { auth_request /auth; proxy_pass http://app; }
      location = /auth { internal; proxy_pass http://app; proxy_pass_request_body off; proxy_set_header Content-Length ""; }`,
  });
  const statuses = await askAll(gateway.port, Array(30).fill("/guarded"));
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(backend.requests.length, 60);
  const peer = (await settledPeersOf(gateway.api)).get(backend.address);
  assert.deepEqual([peer.requests, peer.active, peer.fails], [60, 0, 0]);
});
