/** Invalid data of a registry is skipped and reported, the other data is applied, and requests are served. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { discoveryOf, startDiscovery, waitForServers } from "../gateway/support/discovery.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const prefix = "/upstreams/app/";
const megabytes = (/** @type {number} */ count) => "x".repeat(count * 1024 * 1024);

/** Invalid values by kind, with the reason that must be reported. */
const lies = {
  "JSON that has no end": ['{"server":"10.0.0.1:80"', /^the value is not JSON/],
  "no JSON": ["{server: 10.0.0.1}", /^the value is not JSON/],
  "a list": ['["10.0.0.1:80"]', /invalid "server":/],
  "a field that there is not": ['{"server":"10.0.0.1:80","wieght":2}', /unknown parameter "wieght"/],
  "a source of its own": ['{"server":"10.0.0.1:80","source":""}', /unknown parameter "source"/],
  "a weight that cannot be": ['{"server":"10.0.0.1:80","weight":-1}', /invalid "weight":/],
  "an address out of range": ["10.0.0.256:80", /not an IPv4 address/],
  "a port out of range": ['{"server":"10.0.0.1:65536"}', /must have a port from 1 to 65535/],
  "a host name": ["app.example:80", /is a host name, which is not supported here/],
  words: ["I am a server", /must contain only printable ASCII characters/],
  "bytes that are no text": ["\u0000\u0001\u00ff", /must contain only printable ASCII characters/],
  "a number": ['{"server":80}', /must be a string/],
  null: ['{"server":null}', /must be a string/],
  "an object in it": ['{"server":{"server":"10.0.0.1:80"}}', /must not be an object or a list/],
  "deep nesting": ['{"server":'.repeat(2000), /^the value is not JSON/],
  "nothing at all, and no address in its key": ["", /invalid "server":/],
};

/** Waits until `count` entries are skipped. Returns the status of the registry. */
function waitForSkipped(gateway, count, milliseconds) {
  return waitFor(
    `${count} entries are skipped`,
    async () => {
      const found = await discoveryOf(gateway.api);
      return found.skipped_count === count && found.state === "ok" ? found : undefined;
    },
    milliseconds,
  );
}

for (const how of ["before it is read", "while it is watched"]) {
  test(`invalid entries are skipped and reported, given ${how}`, async (context) => {
    const backends = await startBackends(context, 2);
    const [first, second] = backends.map(({ address }) => address);
    const etcd = await startEtcd(context);
    const lie = async () => {
      for (const [name, [value]] of Object.entries(lies)) await etcd.put(prefix + name, value);
    };
    await etcd.put(`${prefix}first`, first);
    if (how === "before it is read") await lie();
    const { gateway, load } = await startDiscovery(context, etcd);
    await waitForServers(gateway, [first]);
    await lie();
    await etcd.put(`${prefix}second`, second);
    await waitForServers(gateway, [first, second]);
    const { skipped } = await waitForSkipped(gateway, Object.keys(lies).length);
    for (const [name, [, reason]] of Object.entries(lies)) {
      const found = skipped.find(({ entry }) => entry === prefix + name);
      assert.match(found?.reason ?? "the entry is not reported", reason, name);
    }
    // Invalid entries can become servers, and a server can become invalid.
    await etcd.put(`${prefix}words`, someAddress(9));
    await etcd.put(`${prefix}second`, "nonsense");
    await waitForServers(gateway, [first, someAddress(9)]);
    await etcd.put(`${prefix}words`, "nonsense");
    await etcd.put(`${prefix}second`, second);
    await waitForServers(gateway, [first, second]);
    gateway.log.allow(/connect\(\) failed|no live upstreams|upstream timed out/);
    await load.round();
    await load.stop();
    assert.deepEqual([...load.errors], []);
  });
}

test("the first entry of a duplicate server is used, and the second is reported", async (context) => {
  const etcd = await startEtcd(context);
  const [one, other] = [someAddress(1), someAddress(2)];
  await etcd.put(`${prefix}a`, JSON.stringify({ server: one, weight: 2 }));
  await etcd.put(`${prefix}b`, JSON.stringify({ server: one, weight: 3 }));
  await etcd.put(`${prefix}c`, other);
  const { gateway } = await startDiscovery(context, etcd, { traffic: false });
  await waitForServers(gateway, [one, other]);
  const weightOf = async () => {
    const servers = await gateway.api.expect(200, "GET", "/api/9/http/upstreams/app/servers");
    return servers.find(({ server }) => server === one).weight;
  };
  const { skipped } = await waitForSkipped(gateway, 1);
  assert.equal(skipped[0].entry, `${prefix}b`);
  assert.match(skipped[0].reason, /duplicate server/);
  assert.equal(await weightOf(), 2);
  await etcd.remove(`${prefix}a`);
  await waitFor("the other takes its place", async () => (await weightOf()) === 3);
  await waitForSkipped(gateway, 0);
});

test("invalid entries that are not shown are counted", async (context) => {
  const etcd = await startEtcd(context);
  for (let number = 0; number < 300; number += 1) await etcd.put(`${prefix}${number}`, "nonsense");
  await etcd.put(`${prefix}good`, someAddress(1));
  const { gateway } = await startDiscovery(context, etcd, { traffic: false });
  await waitForServers(gateway, [someAddress(1)]);
  const { skipped } = await waitForSkipped(gateway, 300);
  assert.equal(skipped.length, 20);
});

/** Number of values that are too large. Together they exceed the limit of an answer. */
const LARGE = 3;

for (const how of ["before it is read", "while it is watched"]) {
  test(`values of 10 MB are skipped, given ${how}, and requests are served`, async (context) => {
    const [first, second] = (await startBackends(context, 2)).map(({ address }) => address);
    const etcd = await startEtcd(context, {
      args: ["--max-request-bytes", "20000000", "--quota-backend-bytes", "1000000000"],
    });
    const lie = async () => {
      for (let number = 0; number < LARGE; number += 1)
        await etcd.put(`${prefix}large${number}`, megabytes(10));
    };
    await etcd.put(`${prefix}first`, first);
    if (how === "before it is read") await lie();
    const { gateway, load } = await startDiscovery(context, etcd);
    await waitForServers(gateway, [first], 30_000);
    await lie();
    await etcd.put(`${prefix}second`, second);
    await waitForServers(gateway, [first, second], 30_000);
    const { skipped } = await waitForSkipped(gateway, LARGE, 30_000);
    for (const { reason } of skipped) assert.equal(reason, "the value is larger than 65536 bytes");
    await load.round();
    await load.stop();
    assert.deepEqual([...load.errors], []);
  });
}
