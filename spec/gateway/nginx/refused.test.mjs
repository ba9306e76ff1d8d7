/** What nginx's configuration test refuses of an upstream, and what Sluice does with the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeGateway } from "../support/gateway.mjs";
import { countsOf, repeated, sequenceOf, startNamed, startTwins } from "../support/twins.mjs";
import { serversOf, sluice } from "../support/upstreams.mjs";

/** @type {Record<string, object>} by nginx's directive */
const WITHOUT_BACKUP = {
  "hash $arg_k;": { method: "hash", hash: { key: "$arg_k" } },
  "hash $arg_k consistent;": { method: "hash", hash: { key: "$arg_k", consistent: true } },
  "ip_hash;": { method: "ip_hash" },
  "random;": { method: "random" },
};

/**
 * Returns why nginx refuses a configuration.
 * @param {import("node:test").TestContext} context
 * @param {string} http
 */
async function complaintOf(context, http) {
  const gateway = await makeGateway(context, { http });
  gateway.log.allow(/\[emerg\]/);
  const { code, complaint } = gateway.testConfiguration();
  assert.notEqual(code, 0, "nginx refuses it");
  return complaint;
}

for (const [directive, settings] of Object.entries(WITHOUT_BACKUP))
  test(`${directive} nginx refuses a backup server, and with Sluice it takes over`, async (context) => {
    const [a, b] = await startNamed(context, 2);
    const native = `upstream native { ${directive} server ${a.address}; server ${b.address} backup; }`;
    assert.match(await complaintOf(context, native), /does not support parameter "backup"/);

    const servers = [{ server: a.address }, { server: b.address, backup: true }];
    const gateway = await startTwins(context, { plain: { servers: [{ server: a.address }] } });
    await gateway.api.expect(201, "PUT", sluice(), { ...settings, servers });
    const answers = () => sequenceOf(gateway, repeated("/sluice/app/?k=1", 5));
    assert.deepEqual(countsOf(await answers()), { a: 5 });
    await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
    assert.deepEqual(countsOf(await answers()), { b: 5 });
  });

test("an upstream of backup servers only: nginx refuses it, and with Sluice they have the requests", async (context) => {
  const [a] = await startNamed(context, 1);
  const native = `upstream native { server ${a.address} backup; }`;
  assert.match(await complaintOf(context, native), /no servers in upstream "native"/);
  const gateway = await startTwins(context, { plain: { servers: [{ server: a.address }] } });
  await gateway.api.expect(201, "PUT", sluice(), { servers: [{ server: a.address, backup: true }] });
  assert.deepEqual(countsOf(await sequenceOf(gateway, repeated("/sluice/app/", 3))), { a: 3 });
});
