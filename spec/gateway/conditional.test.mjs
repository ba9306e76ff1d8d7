/**
 * The ETag of an upstream makes changes conditional. It does not cover states and counters, which change
 * without it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { nodeOf } from "./support/nodes.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

const node = { server: someAddress(1), ttl: "10s" };

test("a read is answered in full, whatever its conditions", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  await api.expect(201, "PUT", nodeOf("one"), node);
  for (const path of [
    "/api/9/http/upstreams/app",
    serversOf(),
    sluice(),
    `${sluice()}/explain`,
    `${sluice()}/nodes`,
    nodeOf("one"),
  ]) {
    const { etag = "" } = (await api.get(path)).headers;
    assert.match(etag, /^"\d+"$/, path);
    assert.equal((await api.get(path, { "If-None-Match": etag })).status, 200, path);
    assert.equal((await api.get(path, { "If-Match": '"0"' })).status, 200, path);
  }
});

test("registering, renewing and leaving return the ETag of the upstream", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const current = async () => (await api.get(sluice())).headers.etag;
  const created = await api.put(nodeOf("one"), node);
  assert.deepEqual([created.status, created.headers.etag], [201, await current()]);
  const renewed = await api.put(nodeOf("one"), node, { "If-Match": '"0"' });
  assert.deepEqual(
    [renewed.status, renewed.headers.etag],
    [200, await current()],
    "a renewal does not change the ETag",
  );
  const changed = await api.put(nodeOf("one"), { ...node, weight: 2 }, { "If-Match": '"0"' });
  assert.equal(changed.status, 412);
  const left = await api.delete(nodeOf("one"));
  assert.deepEqual([left.status, left.headers.etag], [204, await current()]);
});

test('"fields" is not supported for a whole upstream', async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const whole = await api.get(sluice());
  assert.equal((await api.get(`${sluice()}?fields=id`)).text, whole.text);
});
