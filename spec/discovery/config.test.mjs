/** `discovery` as configuration: kept, shown without its secrets, and refused when invalid. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startGateway } from "../gateway/support/gateway.mjs";
import { assertKept, serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";

/** This address has no listener. */
const nowhere = "http://127.0.0.1:9";
const quiet = { http: "lua_socket_log_errors off;" };
const etcd = { endpoints: [nowhere], prefix: "/upstreams/app/", user: "root", password: "open sesame" };

test("secrets are kept and never shown or logged", async (context) => {
  const gateway = await startGateway(context, { upstreams: {}, ...quiet });
  const { api } = gateway;
  const sent = { servers: [{ server: someAddress(1) }], discovery: { etcd, max_removal_percent: 30 } };
  const put = await api.put(sluice(), sent);
  assert.equal(put.status, 201, put.text);
  const shown = { etcd: { ...etcd, password: "***" }, max_removal_percent: 30, removal_confirmations: 3 };
  assert.deepEqual(put.body.discovery, shown);
  const got = await api.get(sluice());
  assert.deepEqual(got.body.discovery, shown);
  const same = await api.put(sluice(), got.body);
  assert.equal(same.headers.etag, got.headers.etag, "the shown object can be sent back without a change");
  const patched = await api.expect(200, "PATCH", sluice(), {
    discovery: { ...got.body.discovery, removal_confirmations: 5 },
  });
  assert.equal(patched.discovery.removal_confirmations, 5);
  await assertKept(gateway);
  const state = readFileSync(join(gateway.folder, "state", "journal.0"), "utf8");
  assert.ok(state.includes("open sesame"), "the secret is still saved");
  assert.ok(!(await api.configuration()).includes("sesame"));
  const token = { consul: { address: nowhere, service: "app", token: "xyzzy" } };
  const other = await api.expect(200, "PATCH", sluice(), { discovery: token });
  assert.equal(other.discovery.consul.token, "***");
  assert.ok(!gateway.log.text().includes("sesame") && !gateway.log.text().includes("xyzzy"));
});

test("a hidden secret is not sent to another address", async (context) => {
  const { api } = await startGateway(context, { upstreams: {}, ...quiet });
  const consul = { address: nowhere, service: "app", token: "xyzzy" };
  await api.expect(201, "PUT", sluice(), { servers: [], discovery: { consul } });
  const hidden = { ...consul, token: "***" };
  await api.expect(200, "PATCH", sluice(), { discovery: { consul: { ...hidden, service: "other" } } });
  for (const [path, discovery] of [
    [sluice(), { consul: { ...hidden, address: "http://127.0.0.1:10" } }],
    [sluice(), { consul_kv: { address: nowhere, prefix: "x", token: "***" } }],
    [sluice("new"), { consul: hidden }],
  ]) {
    for (const method of ["PUT", "PATCH"]) {
      if (method === "PATCH" && path !== sluice()) continue;
      const answer = await api.send(method, path, { servers: [], discovery });
      assert.equal(answer.status, 400, answer.text);
      assert.ok(answer.body.error.text.includes(".token"), answer.text);
    }
  }
});

test('an invalid "discovery" is refused and changes nothing', async (context) => {
  const gateway = await startGateway(context, { servers: [someAddress(1)], ...quiet });
  const { api } = gateway;
  const before = await api.configuration();
  for (const [discovery, text] of [
    [{ zookeeper: {} }, 'unknown parameter "discovery.zookeeper"'],
    [{ etcd: { endpoints: etcd.endpoints } }, 'invalid "discovery.etcd.prefix": must be given'],
  ]) {
    const answer = await api.patch(sluice(), { discovery });
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.body.error.text, text);
  }
  assert.equal(await api.configuration(), before);
  await api.expect(404, "GET", `${sluice()}/discovery`);
  await api.expect(404, "GET", `${sluice("nobody")}/discovery`);
  assert.equal((await api.expect(200, "GET", serversOf())).length, 1);
});
