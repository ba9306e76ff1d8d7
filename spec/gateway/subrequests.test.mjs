/**
 * Subrequests, such as those of `auth_request`, have no log phase, and are still tried once on each server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, settledPeersOf } from "./support/upstreams.mjs";

const guarded = `
  location = /guarded { auth_request /auth; content_by_lua_block { ngx.say("let in") } }
  location = /auth { internal; proxy_pass http://app; proxy_pass_request_body off; proxy_set_header Content-Length ""; }`;

test("a subrequest is tried once on every server, and failed parts are omitted", async (context) => {
  const backends = await startBackends(context, 3);
  const gateway = await startGateway(context, {
    servers: backends.map(({ address }) => address),
    traffic: guarded,
  });
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  gateway.log.allow(/no live upstreams|auth request unexpected status/);
  const [one, other, good] = backends;
  for (const backend of [one, other]) backend.behaviour = { reset: 1 };
  for (let turn = 0; turn < 12; turn += 1) {
    const { status, text } = await ask(gateway.port, "/guarded");
    assert.deepEqual([status, text.trim()], [200, "let in"]);
  }
  for (const { requests } of [one, other]) assert.equal(requests.length, 1, "max_fails is 1");
  const peers = await settledPeersOf(gateway.api);
  for (const { address } of [one, other]) assert.equal(peers.get(address).state, "unavail");
  assert.equal(peers.get(good.address).active, 0);

  // When all servers fail, the client is answered at once, and no server is tried more than once.
  for (let id = 0; id < 3; id += 1)
    await gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { max_fails: 0 });
  for (const backend of backends) {
    backend.behaviour = { reset: 1 };
    backend.requests.length = 0;
  }
  assert.equal((await ask(gateway.port, "/guarded")).status, 500);
  for (const { requests } of backends) assert.equal(requests.length, 1);
});
