/** Unusable addresses from a registry or a registration are refused in every spelling. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { discoveryOf } from "../gateway/support/discovery.mjs";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { makeGateway, startGateway } from "../gateway/support/gateway.mjs";
import { peersOf, serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const unfit = {
  "0.0.0.0:80": /an unspecified address/,
  "[::]:80": /an unspecified address/,
  "169.254.169.254:80": /a link-local address/,
  "[::ffff:169.254.169.254]:80": /a link-local address/,
  "[0:0:0:0:0:FFFF:A9FE:A9FE]:80": /a link-local address/,
  "[fe80::1]:80": /a link-local address/,
  "224.0.0.1:80": /a multicast address/,
  "[ff02::1]:80": /a multicast address/,
  "255.255.255.255:80": /the broadcast address/,
};

test("unusable addresses of a registry are skipped and reported, and the rest is applied", async (context) => {
  const gateway = await makeGateway(context, {});
  const path = join(gateway.folder, "servers.json");
  const servers = [...Object.keys(unfit), "127.0.0.1:9"];
  writeFileSync(path, JSON.stringify({ servers }));
  gateway.configure({ upstreams: { app: { discovery: { file: { path } } } } });
  await gateway.start();
  await waitFor("the file is read", async () => (await peersOf(gateway.api)).size > 0);
  assert.deepEqual([...(await peersOf(gateway.api)).keys()], ["127.0.0.1:9"]);
  const { skipped } = await waitFor("the entries are reported", async () => {
    const report = await discoveryOf(gateway.api);
    return report.skipped_count > 0 && report;
  });
  assert.equal(skipped.length, Object.keys(unfit).length);
  for (const [index, reason] of Object.values(unfit).entries()) assert.match(skipped[index].reason, reason);
});

test("a node cannot register itself at an unusable address", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const path = `${sluice()}/nodes/one`;
  for (const [server, reason] of Object.entries(unfit)) {
    const answer = await gateway.api.put(path, { server, ttl: "10s" });
    assertErrorBody(answer, 400, "UpstreamBadAddress");
    assert.match(answer.body.error.text, reason);
  }
  assert.equal((await peersOf(gateway.api)).size, 0);
  // A node cannot move to an unusable address either.
  await gateway.api.expect(201, "PUT", path, { server: "127.0.0.1:9", ttl: "1d" });
  const moved = await gateway.api.put(path, { server: "169.254.1.1:80", ttl: "1d" });
  assertErrorBody(moved, 400, "UpstreamBadAddress");
  assert.deepEqual([...(await peersOf(gateway.api)).keys()], ["127.0.0.1:9"]);
});

test("a link-local server can be added by hand", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  await gateway.api.expect(201, "POST", serversOf(), { server: "169.254.1.1:80" });
});
