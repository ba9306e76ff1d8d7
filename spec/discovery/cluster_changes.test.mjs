/** Changes of many upstreams at gateways that share them through etcd. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES, postChanges } from "../gateway/support/changes.mjs";
import { startCluster, waitForEqual } from "../gateway/support/cluster.mjs";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { assertKept, sluice, someAddress } from "../gateway/support/upstreams.mjs";

const NAMES = Array.from({ length: 10 }, (_, number) => `u${number}`);

/** Returns a change of upstreams. @param {string[]} names @param {(name: string) => object | null} make */
const changeOf = (names, make) => ({
  upstreams: Object.fromEntries(names.map((name) => [name, make(name)])),
});

test("a change of many upstreams reaches the other gateway, and one transaction has a limit", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await postChanges(
    one.api,
    changeOf(NAMES, () => ({ servers: [{ server: someAddress(1) }] })),
  );
  const shared = await waitForEqual([one, two]);
  assert.deepEqual(Object.keys(shared).toSorted(), NAMES);
  const etags = await Promise.all(
    [one, two].map(async ({ api }) => (await api.get(sluice("u3"))).headers.etag),
  );
  assert.equal(etags[0], etags[1], "both gateways have the same ETag");
  await postChanges(two.api, { upstreams: { u0: null, u1: null, u2: { patch: { panic_threshold: 7 } } } });
  assert.equal(Object.keys(await waitForEqual([one, two])).length, 8);
  const many = Array.from({ length: 128 }, (_, number) => `many${number}`);
  assertErrorBody(
    await one.api.post(
      CHANGES,
      changeOf(many, () => ({})),
    ),
    400,
    "TooManyUpstreams",
  );
  await postChanges(
    one.api,
    changeOf(many.slice(1), () => ({})),
  );
  assert.equal(Object.keys(await waitForEqual([one, two])).length, 135);
  await assertKept(one);
});

test("two writers at two gateways lose no update of ten upstreams that both change", async (context) => {
  const etcd = await startEtcd(context);
  const gateways = await startCluster(context, etcd, 2);
  await postChanges(
    gateways[0].api,
    changeOf(NAMES, () => ({ servers: [] })),
  );
  await waitForEqual(gateways);
  const added = [0, 0];
  /** Adds a server of its own to each upstream, if none of them has changed since it was read. */
  const write = async (/** @type {number} */ writer) => {
    const { api } = gateways[writer];
    for (let turn = 0; turn < 40 && added[writer] < 8; turn += 1) {
      const upstreams = {};
      for (const name of NAMES) {
        const { body, headers } = await api.get(sluice(name));
        const servers = body.servers.map(({ server }) => ({ server }));
        servers.push({ server: someAddress(100 * writer + added[writer]) });
        upstreams[name] = { patch: { servers }, if_match: headers.etag };
      }
      const { status, text } = await api.post(CHANGES, { upstreams });
      assert.ok(status === 200 || status === 412, text);
      if (status === 200) added[writer] += 1;
    }
  };
  await Promise.all([write(0), write(1)]);
  const found = await waitForEqual(gateways);
  const wanted = [0, 1].flatMap((writer) =>
    Array.from({ length: added[writer] }, (_, number) => someAddress(100 * writer + number)),
  );
  assert.ok(added[0] + added[1] >= 8, `${added} changes were made`);
  for (const name of NAMES) {
    const servers = found[name].servers.map(({ server }) => server);
    assert.deepEqual(servers.toSorted(), wanted.toSorted(), name);
  }
});
