/**
 * Many concurrent writers: every acknowledged write takes effect exactly once. With `fsync`, writes that wait
 * for the disk are a group.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";

useWorkers(4);

const connections = 16;

/**
 * Runs one writer per connection.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {(api: Api, number: number) => Promise<void>} write
 */
async function inParallel(gateway, write) {
  const apis = Array.from({ length: connections }, () => new Api({ port: gateway.apiPort, keepAlive: true }));
  await Promise.all(apis.map(write));
  apis.forEach((api) => api.close());
}

/** @param {import("./support/api.mjs").Answer} answer */
const revisionOf = (answer) => Number(/^"(\d+)"$/.exec(answer.headers.etag ?? "")?.[1]);

/** @param {number[]} numbers @param {string} what */
function assertWithoutGap(numbers, what) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const first = sorted[0];
  assert.deepEqual(
    sorted,
    Array.from(sorted, (_, index) => first + index),
    what,
  );
}

for (const fsync of [false, true]) {
  const how = fsync ? ", with fsync" : "";
  const options = { upstreams: { app: {} }, setup: { fsync } };

  test(`1,000 servers that are added concurrently over 16 connections all exist afterwards${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    const before = revisionOf(await gateway.api.get(sluice()));
    const added = new Map();
    const revisions = [];
    let next = 0;
    await inParallel(gateway, async (api) => {
      while (next < 1000) {
        const server = someAddress((next += 1));
        const answer = await api.post(serversOf(), { server });
        assert.equal(answer.status, 201, answer.text);
        added.set(server, answer.body.id);
        revisions.push(revisionOf(answer));
      }
    });
    assert.equal(added.size, 1000);
    assert.equal(new Set(added.values()).size, 1000, "ids are unique");
    assertWithoutGap([before, ...revisions], "revisions");

    const there = await gateway.api.expect(200, "GET", serversOf());
    assert.deepEqual(new Map(there.map(({ server, id }) => [server, id])), added);
  });

  test(`concurrent changes of servers and of other upstreams all take effect${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    const expected = new Map();
    const revisions = [];
    await inParallel(gateway, async (api, writer) => {
      const upstream = `own-${writer}`;
      /** @param {Promise<import("./support/api.mjs").Answer>} promise @param {number} status */
      const acknowledged = async (promise, status) => {
        const answer = await promise;
        assert.equal(answer.status, status, answer.text);
        if (status !== 204) revisions.push(revisionOf(answer));
        return answer.body;
      };
      await acknowledged(api.put(sluice(upstream), { servers: [] }), 201);
      for (let turn = 0; turn < 12; turn += 1) {
        const server = someAddress(writer * 100 + turn);
        const { id } = await acknowledged(api.post(serversOf(), { server }), 201);
        const weight = 2 + turn;
        await acknowledged(api.patch(`${serversOf()}/${id}`, { weight }), 200);
        await acknowledged(api.post(serversOf(upstream), { server }), 201);
        if (turn % 3 === 0) await acknowledged(api.delete(`${serversOf()}/${id}`), 200);
        else expected.set(server, weight);
      }
    });
    const there = await gateway.api.expect(200, "GET", serversOf());
    assert.deepEqual(
      there.map(({ server, weight }) => [server, weight]).toSorted(),
      [...expected].toSorted(),
    );
    const all = await gateway.api.expect(200, "GET", "/api/sluice/1/upstreams");
    assert.equal(Object.keys(all).length, 1 + connections);
    assert.ok(Object.entries(all).every(([name, { servers }]) => name === "app" || servers.length === 12));
    assertWithoutGap(revisions, "revisions");
  });

  test(`exactly one of several writers with the same If-Match succeeds${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    for (let turn = 1; turn <= 10; turn += 1) {
      const { etag } = (await gateway.api.get(sluice())).headers;
      const statuses = [];
      await inParallel(gateway, async (api, writer) => {
        const servers = [{ server: someAddress(writer), weight: turn }];
        statuses.push((await api.put(sluice(), { servers }, { "If-Match": etag })).status);
      });
      assert.deepEqual(statuses.toSorted(), [200, ...Array(connections - 1).fill(412)]);
    }
  });

  test(`exactly one of several writers that add the same server succeeds${how}`, async (context) => {
    const gateway = await startGateway(context, options);
    for (let turn = 0; turn < 10; turn += 1) {
      const statuses = [];
      await inParallel(gateway, async (api) => {
        statuses.push((await api.post(serversOf(), { server: someAddress(turn) })).status);
      });
      assert.deepEqual(statuses.toSorted(), [201, ...Array(connections - 1).fill(409)]);
    }
    assert.equal((await gateway.api.get(serversOf())).body.length, 10);
  });
}
