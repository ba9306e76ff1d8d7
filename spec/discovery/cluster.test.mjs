/** Several gateways that share their upstreams through etcd. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startCluster, waitForEqual, waitForState } from "../gateway/support/cluster.mjs";
import { startLoad } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { startEtcd } from "../gateway/support/registries/etcd.mjs";
import { assertKept, serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

test("a write to one gateway soon reaches the other", async (context) => {
  const [first, second] = await startBackends(context, 2);
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { method: "least_conn", servers: [{ server: first.address }] });
  await waitForEqual([one, two]);
  const load = startLoad(context, { port: two.port, connections: 8 });
  const added = await two.api.expect(201, "POST", serversOf(), { server: second.address });
  await waitForEqual([one, two]);
  await one.api.expect(200, "PATCH", `${serversOf()}/${added.id}`, { weight: 7 });
  const { app } = await waitForEqual([one, two]);
  assert.deepEqual(
    app.servers.map(({ id, server, weight }) => [id, server, weight]),
    [
      [0, first.address, 1],
      [1, second.address, 7],
    ],
  );
  const etags = await Promise.all([one, two].map(async ({ api }) => (await api.get(sluice())).headers.etag));
  assert.equal(etags[0], etags[1], "both gateways have the same ETag");
  await one.api.expect(200, "DELETE", `${serversOf()}/${added.id}`);
  await waitForEqual([one, two]);
  await load.round();
  const count = second.requests.length;
  await load.round();
  assert.equal(second.requests.length, count);
  await load.stop();
  assert.deepEqual([...load.errors], []);
  await two.api.expect(204, "DELETE", `${sluice()}?force=true`);
  assert.deepEqual(await waitForEqual([one, two]), {});
});

test("a write with an outdated condition is answered 412 by either gateway", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  await waitForEqual([one, two]);
  const { etag } = (await two.api.get(sluice())).headers;
  const answers = await Promise.all(
    [one, two].map(({ api }, index) =>
      api.post(serversOf(), { server: someAddress(2 + index) }, { "If-Match": String(etag) }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 412]);
  const { app } = await waitForEqual([one, two]);
  assert.equal(app.servers.length, 2);
});

for (const how of ["killed", "frozen"]) {
  test(`with etcd ${how} gateways serve and answer reads, refuse writes, and recover when etcd returns`, async (context) => {
    const [first, second] = await startBackends(context, 2);
    const etcd = await startEtcd(context);
    const [one, two] = await startCluster(context, etcd, 2);
    await one.api.expect(201, "PUT", sluice(), { servers: [{ server: first.address }] });
    await one.api.expect(201, "PUT", sluice("old"), { servers: [] });
    const before = JSON.stringify(await waitForEqual([one, two]));
    const load = startLoad(context, { port: one.port, connections: 8 });
    if (how === "frozen") etcd.freeze();
    else await etcd.stop("SIGKILL");
    for (const [method, path, body] of [
      ["POST", serversOf(), { server: second.address }],
      ["PUT", sluice("new"), { servers: [] }],
      ["DELETE", sluice("old")],
    ]) {
      const answer = await two.api.send(method, path, body);
      assert.equal(answer.status, 503, `${method} ${path}: ${answer.text}`);
      assert.equal(answer.body.error.code, "ClusterUnavailable");
    }
    await waitForState(two, "failing");
    await two.stop();
    await two.start();
    assert.equal(
      JSON.stringify(await waitForEqual([one, two])),
      before,
      "a gateway that started meanwhile has the same upstreams",
    );
    await load.round();
    if (how === "frozen") etcd.thaw();
    else await etcd.start();
    await waitForState(two, "ok");
    await waitForState(one, "ok");
    const answer = await one.api.post(serversOf(), { server: second.address });
    // A change that was refused with an unknown outcome may have been made.
    assert.ok([201, 409].includes(answer.status), answer.text);
    await waitForEqual([one, two]);
    await load.stop();
    assert.deepEqual([...load.errors], []);
  });
}

test("a gateway that was stopped catches up, and a new one receives everything", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  for (const name of ["app", "old", "other"])
    await one.api.expect(201, "PUT", sluice(name), { servers: [{ server: someAddress(1) }] });
  await waitForEqual([one, two]);
  await two.stop();
  await one.api.expect(204, "DELETE", sluice("old"));
  await one.api.expect(201, "PUT", sluice("new"), { servers: [{ server: someAddress(2) }] });
  await one.api.expect(200, "PATCH", sluice("app"), { method: "random" });
  await two.start();
  await waitForEqual([one, two]);
  const [three] = await startCluster(context, etcd, 1, { servers: [someAddress(9)] });
  const all = await waitForEqual([one, two, three]);
  assert.deepEqual(Object.keys(all), ["app", "new", "other"]);
  assert.equal(all.app.servers[0].server, someAddress(1), "a seed does not replace the shared upstream");
  await assertKept(three);
  await three.reload();
  await two.killWorker();
  await one.api.expect(201, "POST", serversOf("new"), { server: someAddress(3) });
  await waitForEqual([one, two, three]);
});

test("the deletion of the last upstream reaches a gateway that was stopped", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { servers: [{ server: someAddress(1) }] });
  await waitForEqual([one, two]);
  await two.stop();
  await one.api.expect(204, "DELETE", sluice());
  await two.start();
  await waitForState(two, "ok");
  assert.deepEqual(await waitForEqual([one, two]), {});
});

test("a restarted node is a new server at every gateway", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { servers: [] });
  await waitForEqual([one, two]);
  const body = { server: someAddress(1), ttl: "60s" };
  await one.api.expect(201, "PUT", nodeOf("n"), { ...body, incarnation: 1 });
  await waitForEqual([one, two]);
  await two.api.expect(200, "PUT", nodeOf("n"), { ...body, incarnation: 1 });
  await two.api.expect(201, "PUT", nodeOf("n"), { ...body, incarnation: 2 });
  await waitFor("the other knows", async () => {
    return (await one.api.expect(200, "GET", nodeOf("n"))).incarnation === "2";
  });
});

test("an etcd that lost its data empties no gateway, and the gateways restore the data", async (context) => {
  const etcd = await startEtcd(context);
  const [one, two] = await startCluster(context, etcd, 2);
  for (const name of ["app", "other"])
    await one.api.expect(201, "PUT", sluice(name), { servers: [{ server: someAddress(1) }] });
  const before = await waitForEqual([one, two]);
  await etcd.stop("SIGKILL");
  etcd.members[0].wipe();
  await etcd.start();
  await waitFor("a write is possible again", async () => {
    const { status } = await two.api.post(serversOf("other"), { server: someAddress(3) });
    return status === 201 || status === 409;
  });
  const after = await waitForEqual([one, two]);
  assert.deepEqual(Object.keys(after), Object.keys(before));
  assert.equal(after.other.servers.length, 2);
});

test("each gateway reads registries by itself", async (context) => {
  const etcd = await startEtcd(context);
  await etcd.set([{ server: someAddress(5) }, { server: someAddress(6) }]);
  const [one, two] = await startCluster(context, etcd, 2);
  await one.api.expect(201, "PUT", sluice(), { servers: [], discovery: etcd.discovery() });
  for (const { api } of [one, two]) {
    await waitFor("the registry's are there", async () => {
      const { status, body } = await api.get(serversOf());
      return status === 200 && body.length === 2;
    });
  }
  await one.api.expect(201, "PUT", nodeOf("mine"), { server: someAddress(7), ttl: "60s" });
  await two.api.expect(201, "POST", serversOf(), { server: someAddress(8) });
  const serversAt = async ({ api }) =>
    (await api.expect(200, "GET", serversOf())).map(({ server }) => server).toSorted();
  for (const gateway of [one, two]) {
    await waitFor(
      "those by hand and the node are at both",
      async () => (await serversAt(gateway)).length === 4,
    );
    assert.deepEqual(
      await serversAt(gateway),
      [5, 6, 7, 8].map((number) => someAddress(number)),
    );
  }
  const idsOf = async ({ api }) =>
    (await api.expect(200, "GET", serversOf())).map(({ id }) => id).toSorted((a, b) => a - b);
  assert.deepEqual(
    (await idsOf(one)).slice(0, 2),
    [0, 1],
    "shared servers have the same ids at both gateways",
  );
  assert.deepEqual(await idsOf(two), await idsOf(one));
});
