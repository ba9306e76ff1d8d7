/**
 * The only server that is not a standby server counts as the only server of its upstream: it is never skipped
 * for failed requests.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { wasReset } from "../gateway/support/faults.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { stateOf } from "../gateway/support/health.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";

/**
 * @param {import("node:test").TestContext} context
 * @param {boolean} standby whether the second server is a standby server
 */
async function startTwo(context, standby) {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }, index) => {
    return { server: address, fail_timeout: "1h", ...(index === 1 && standby ? { standby } : {}) };
  });
  const gateway = await startGateway(context, { workers: 2, upstreams: { app: { servers } } });
  gateway.log.allow(wasReset);
  return { gateway, api: gateway.api, backends };
}

test("the only server that is not a standby server is not skipped for its failures", async (context) => {
  const { gateway, api, backends } = await startTwo(context, true);
  const [only] = backends;
  only.behaviour = { reset: 1 };
  for (let turn = 0; turn < 4; turn += 1) assert.equal((await ask(gateway.port)).status, 502);
  assert.equal(await stateOf(api, only.address), "up");
  only.behaviour = {};
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, only.id);
});

test("a server is not skipped for failures from before the other servers became standby servers", async (context) => {
  const { gateway, api, backends } = await startTwo(context, false);
  const [only, other] = backends;
  only.behaviour = { reset: 1 };
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, other.id);
  assert.equal(await stateOf(api, only.address), "unavail");
  only.behaviour = {};
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: true });
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, only.id);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { standby: false });
  only.behaviour = { reset: 1 };
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, other.id);
  assert.equal(
    await stateOf(api, only.address),
    "unavail",
    "the failures count again when another server is in service",
  );
});
