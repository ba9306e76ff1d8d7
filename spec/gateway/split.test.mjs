/** A split sends requests to other upstreams by weight, by a key, or by what they match. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { askKeys } from "./support/keys.mjs";
import { ask } from "./support/load.mjs";
import { countsOf, startSplit } from "./support/splits.mjs";
import { assertKept, peersOf, sluice, sumOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const REQUESTS = 100_000;

/** @param {number} v1 @param {number} v2 */
const weights = (v1, v2) => [
  { upstream: "app-v1", weight: v1 },
  { upstream: "app-v2", weight: v2 },
];

/**
 * Asserts that a count is within three standard deviations of its mean.
 * @param {number} count
 * @param {number} share
 */
function assertShare(count, share, requests = REQUESTS) {
  const deviation = Math.sqrt(requests * share * (1 - share));
  assert.ok(Math.abs(count - requests * share) <= 3 * deviation, `${count} of ${requests} for ${share}`);
}

test("10^5 requests by key have shares within three standard deviations, which the members count", async (context) => {
  const gateway = await startSplit(context, { by: "$arg_user", members: weights(95, 5) });
  const counts = countsOf(await gateway.membersOf(REQUESTS));
  assertShare(counts["app-v2"], 0.05);
  assert.equal(counts["app-v1"] + counts["app-v2"], REQUESTS);
  for (const [name, count] of Object.entries(counts))
    await waitFor(
      `${name} has counted all`,
      async () => (await sumOf(gateway.api, "requests", name)) === count,
    );
});

test("10^5 requests in turn have exact shares in each worker, also of 0.01 %", async (context) => {
  const gateway = await startSplit(context, { members: weights(99.99, 0.01) });
  const counts = countsOf(await gateway.membersOf(REQUESTS));
  // Each worker is exact to one request.
  assert.ok(Math.abs(counts["app-v2"] - 10) <= 2, `${counts["app-v2"]} of 10`);
  await gateway.weigh({ "app-v1": 95, "app-v2": 5 });
  const more = countsOf(await gateway.membersOf(10_000));
  assert.ok(Math.abs(more["app-v2"] - 500) <= 4, `${more["app-v2"]} of 500`);
});

test("a user stays at a member while its weight rises, and weights may have steps of 0.01 %", async (context) => {
  const gateway = await startSplit(context, { by: "$arg_user", members: weights(95, 5) });
  const users = 20_000;
  const first = await gateway.membersOf(users);
  let before = first;
  for (const weight of [5.01, 10, 50]) {
    await gateway.weigh({ "app-v1": 100 - weight, "app-v2": weight });
    const after = await gateway.membersOf(users);
    const back = after.filter((name, user) => before[user] === "app-v2" && name !== "app-v2");
    assert.deepEqual(back, [], `${weight} %`);
    assertShare(countsOf(after)["app-v2"], weight / 100, users);
    before = after;
  }
  await gateway.weigh({ "app-v1": 100, "app-v2": 0 });
  assert.deepEqual(countsOf(await gateway.membersOf(users)), { "app-v1": users });
  await gateway.weigh({ "app-v1": 95, "app-v2": 5 });
  assert.deepEqual(await gateway.membersOf(users), first);
});

test("a request that matches goes to its member, whatever its weight, and one without a key takes turns", async (context) => {
  const members = [
    { upstream: "app-v1", weight: 1 },
    { upstream: "app-v2", weight: 0, match: { $http_x_canary: "always", $http_x_team: "a" } },
    { upstream: "app-v3", weight: 1, match: { $http_x_canary: "always" } },
  ];
  const gateway = await startSplit(context, { by: "$arg_user", members });
  const askWith = (headers, path = "/") => askKeys(gateway.port, Array(40).fill({ path, headers }), 4);
  assert.deepEqual(countsOf(await askWith({ "X-Canary": "always", "X-Team": "a" })), { "app-v2": 40 });
  assert.deepEqual(countsOf(await askWith({ "X-Canary": "always" })), { "app-v3": 40 });
  for (const headers of [{ "X-Canary": "never" }, { "X-Team": "a" }, {}]) {
    const counts = countsOf(await askWith(headers));
    assert.ok(Math.abs(counts["app-v1"] - 20) <= 2, JSON.stringify(counts));
    assert.equal(counts["app-v1"] + counts["app-v3"], 40);
  }
  assert.equal(new Set(await askWith({}, "/?user=7")).size, 1);
});

test("members of a split may be splits, and a chain of names needs no other nginx.conf", async (context) => {
  const gateway = await startSplit(
    context,
    {
      by: "$arg_user",
      members: [{ upstream: "old" }, { upstream: "new" }, { upstream: "inner", weight: 2 }],
    },
    {
      upstreams: {
        inner: { split: { members: [{ upstream: "old" }, { upstream: "deep" }] } },
        deep: { split: { by: "$arg_user", members: [{ upstream: "new" }] } },
      },
    },
  );
  const counts = countsOf(await gateway.membersOf(10_000));
  assertShare(counts.old, 0.5, 10_000);
  assert.equal(counts.old + counts.new, 10_000);
  const byName = await askKeys(gateway.port, Array(100).fill({ path: "/to/inner" }));
  assert.deepEqual(Object.keys(countsOf(byName)).sort(), ["new", "old"]);
});

test("an upstream becomes a split and servers again while requests follow, and all of it is kept", async (context) => {
  const gateway = await startSplit(context, { members: weights(1, 1) });
  const { api } = gateway;
  const [backend] = await startBackends(context, 1);
  await assertKept(gateway);
  const servers = [{ server: backend.address }];
  await api.expect(200, "PATCH", sluice(), { split: null, servers });
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, backend.id);
  await api.expect(200, "PATCH", sluice(), { split: { members: [{ upstream: "app-v2" }] }, servers: [] });
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, "app-v2");
  await api.expect(200, "PUT", sluice(), { split: { members: [{ upstream: "app-v1", weight: 0.5 }] } });
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await ask(gateway.port)).text, "app-v1");
  assert.equal((await peersOf(api)).size, 0);
  await assertKept(gateway);
});
