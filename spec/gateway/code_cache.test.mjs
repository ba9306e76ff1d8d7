/** `lua_code_cache off`, for development: each request has its own Lua VM and is served. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { makeGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { assertKept, serversOf, settledPeersOf } from "./support/upstreams.mjs";

test("with lua_code_cache off requests are served and changes are kept", async (context) => {
  const [first, second] = await startBackends(context, 2);
  const gateway = await makeGateway(context, { servers: [first.address], http: "lua_code_cache off;" });
  // nginx itself logs this warning.
  gateway.log.allow(/lua_code_cache is off; this will hurt performance/);
  await gateway.start();
  for (let number = 0; number < 10; number += 1) assert.equal((await ask(gateway.port)).text, first.id);
  await gateway.api.expect(201, "POST", serversOf(), { server: second.address });
  await gateway.api.expect(200, "DELETE", `${serversOf()}/0`);
  for (let number = 0; number < 10; number += 1) assert.equal((await ask(gateway.port)).text, second.id);
  const peer = (await settledPeersOf(gateway.api)).get(second.address);
  assert.deepEqual([peer.requests, peer.active, peer.responses["2xx"]], [10, 0, 10]);
  await gateway.reload();
  assert.equal((await ask(gateway.port)).text, second.id);
  await assertKept(gateway);
  assert.equal((await ask(gateway.port)).text, second.id);
});
