/** An upstream that cannot be shared or applied is reported, and all other upstreams work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterOf,
  clusterSetup,
  startCluster,
  waitForEqual,
  waitForState,
} from "../gateway/support/cluster.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const many = (count) => Array.from({ length: count }, (_, index) => ({ server: someAddress(index) }));
const isThere = async ({ api }, name) => (await api.get(sluice(name))).status === 200;

/** @param {import("../gateway/support/api.mjs").Answer} answer */
const problemOf = ({ status, body }) => [status, body?.error?.code];

test("an upstream that is too large for etcd is answered 413 and does not disturb a gateway that joins", async (context) => {
  const etcd = await startEtcd(context, { args: ["--max-request-bytes", "20000"] });
  const [one] = await startCluster(context, etcd, 1);
  const answer = await one.api.put(sluice("big"), { servers: many(1000) });
  assert.deepEqual(problemOf(answer), [413, "UpstreamTooLarge"], answer.text);
  const upstreams = { big: { servers: many(1000) }, small: { servers: many(1) } };
  const [two] = await startCluster(context, etcd, 1, { upstreams }, "degraded");
  const { problems, problem_count } = await clusterOf(two);
  assert.deepEqual([problems[0].upstream, problem_count], ["big", 1]);
  assert.match(problems[0].error, /too large/);
  await waitFor("the other upstream is shared", () => isThere(one, "small"));
  await one.api.expect(201, "PUT", sluice(), { servers: many(1) });
  await waitFor("the write of the other gateway arrives", () => isThere(two, "app"));
  for (const [method, path, body] of [
    ["POST", serversOf("big"), { server: someAddress(5000) }],
    ["DELETE", `${serversOf("big")}/7`],
  ])
    assert.deepEqual(problemOf(await two.api.send(method, path, body)), [413, "UpstreamTooLarge"]);
  await two.api.expect(200, "PUT", sluice("big"), { servers: many(2) });
  await waitForState(two, "ok");
  await waitForEqual([one, two]);
});

test("a change that etcd does not permit is answered 403", async (context) => {
  const etcd = await startEtcd(context);
  const [one] = await startCluster(context, etcd, 1);
  await one.api.expect(201, "PUT", sluice(), { servers: many(1) });
  await one.stop();
  const user = { user: "gateway", password: "may read" };
  await etcd.enableUsers({ ...user, prefixes: ["/sluice/"] });
  const setup = clusterSetup([etcd.members[0].url], user);
  const upstreams = { own: { servers: many(1) } };
  const [two] = await startCluster(context, etcd, 1, { setup, upstreams }, "degraded");
  const { problems } = await clusterOf(two);
  assert.equal(problems[0].upstream, "own");
  assert.match(problems[0].error, /permit/);
  assert.ok(await isThere(two, "app"));
  for (const [method, path, body] of [
    ["POST", serversOf(), { server: someAddress(2) }],
    ["DELETE", sluice(), undefined],
  ])
    assert.deepEqual(problemOf(await two.api.send(method, path, body)), [403, "ClusterForbidden"]);
});

test("an upstream that does not fit into the memory of a gateway does not affect its other upstreams", async (context) => {
  const etcd = await startEtcd(context);
  const [one] = await startCluster(context, etcd, 1);
  const [two] = await startCluster(context, etcd, 1, { dict: "128k" });
  await one.api.expect(201, "PUT", sluice("big"), { servers: many(5000) });
  await one.api.expect(201, "PUT", sluice(), { servers: many(1) });
  await waitFor("the other upstream comes", () => isThere(two, "app"));
  await waitForState(two, "degraded");
  const { problems } = await clusterOf(two);
  assert.equal(problems[0].upstream, "big");
  assert.match(problems[0].error, /memory exhausted/);
  await two.reload();
  await one.api.expect(201, "POST", serversOf(), { server: someAddress(9000) });
  await waitFor("changes come still", async () => {
    return (await two.api.expect(200, "GET", serversOf())).length === 2;
  });
  await one.api.expect(200, "PUT", sluice("big"), { servers: many(3) });
  await waitForState(two, "ok");
  await waitForEqual([one, two]);
});
