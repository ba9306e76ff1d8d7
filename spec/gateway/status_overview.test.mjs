/** The status of the gateway and of all upstreams in one answer, which any of four workers may give. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { randomFrom } from "./support/damages.mjs";
import { startGateway } from "./support/gateway.mjs";
import { askAll } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { OverviewClient, overviewOf, statusOf, summaryOf } from "./support/overview.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

test("each worker shows the sums over all workers and servers", async (context) => {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const upstreams = { app: { servers, method: "least_conn" }, other: {} };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  const { api } = gateway;
  const statuses = [200, 200, 200, 204, 302, 404, 404, 500];
  const paths = Array.from({ length: 400 }, (_, number) => `/?status=${statuses[number % statuses.length]}`);
  await askAll(gateway.port, paths);
  const { leave } = begin(context, gateway.port, "/?hang=1");
  await waitFor("the requests are counted", async () => {
    const { requests, active } = await summaryOf(api);
    return requests === 401 && active === 1;
  });
  for (let round = 0; round < 8; round += 1) {
    const { upstreams: summaries, upstream_count, workers, ...rest } = await overviewOf(api);
    assert.deepEqual([upstream_count, workers, summaries.map(({ name }) => name)], [2, 4, ["app", "other"]]);
    const [app, other] = summaries;
    const { times, ...counts } = app;
    assert.deepEqual(counts, {
      name: "app",
      revision: app.revision,
      method: "least_conn",
      servers: 3,
      states: { up: 3 },
      active: 1,
      requests: 401,
      responses: { "2xx": 200, "3xx": 50, "4xx": 100, "5xx": 50 },
      fails: 0,
    });
    const counted = times.counts.reduce((sum, count) => sum + count, 0);
    assert.ok(
      counted > 300 && counted <= 400,
      `${counted} times: up to 7 of each server and worker may be late`,
    );
    assert.deepEqual([other.states, other.responses, other.times], [{}, {}, undefined]);
    assert.deepEqual([rest.problems, rest.cluster, rest.time_bounds.length], [[], undefined, 28]);
  }
  leave();
  await waitFor("the request has ended", async () => (await summaryOf(api)).active === 0);
});

test("a client that asks for changes has what a whole answer has, whichever worker answers", async (context) => {
  const backends = await startBackends(context, 2);
  const names = Array.from({ length: 40 }, (_, number) => `app${number}`);
  const servers = backends.map(({ address }) => ({ server: address }));
  const upstreams = Object.fromEntries(names.map((name) => [name, { servers }]));
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  const { api } = gateway;
  const random = randomFrom(19);
  const client = new OverviewClient(api);
  const some = () => names[random(names.length)];
  /** @type {(() => Promise<unknown>)[]} */
  const changes = [
    () => askAll(gateway.port, [`/to/${some()}`, `/to/${some()}?status=404`]),
    () => api.expect(200, "PATCH", `${serversOf(some())}/0`, { down: random(2) === 0 }),
    () =>
      api.expect(200, "PATCH", sluice(some()), { method: random(2) === 0 ? "least_conn" : "round_robin" }),
    () => api.expect(204, "DELETE", `/api/9/http/upstreams/${some()}`),
    () =>
      api.expect(204, "POST", `${sluice(some())}/servers/1/report`, {
        state: random(2) === 0 ? "up" : "down",
      }),
    async () => {
      const request = begin(context, gateway.port, `/to/${some()}?hang=1`);
      await client.ask();
      request.leave();
    },
    async () => {
      await api.expect(204, "DELETE", sluice(names[0]));
      await client.ask();
      await api.expect(201, "PUT", sluice(names[0]), { servers });
    },
  ];
  for (let round = 0; round < 60; round += 1) {
    await changes[random(changes.length)]();
    await client.ask();
  }
  await waitFor("no request is in flight", async () =>
    (await overviewOf(api)).upstreams.every(({ active }) => active === 0),
  );
  await client.ask();
  const { upstreams: whole } = await overviewOf(api);
  assert.deepEqual([...client.upstreams.values()].toSorted(byName), whole.toSorted(byName));
});

/** @param {{ name: string }} a @param {{ name: string }} b */
const byName = (a, b) => (a.name < b.name ? -1 : 1);

test("upstreams that have not changed are soon absent from the changes of every worker", async (context) => {
  const [backend] = await startBackends(context, 1);
  const upstreams = Object.fromEntries(
    Array.from({ length: 20 }, (_, number) => [`app${number}`, { servers: [{ server: backend.address }] }]),
  );
  const gateway = await startGateway(context, { upstreams });
  const client = new OverviewClient(gateway.api);
  await client.ask();
  assert.equal(client.received, 20);
  let quiet = 0;
  await waitFor("forty answers in a row are empty", async () => {
    await client.ask();
    quiet = client.received === 0 ? quiet + 1 : 0;
    return quiet === 40;
  });
  await gateway.api.expect(200, "PATCH", `${serversOf("app7")}/0`, { weight: 2 });
  await client.ask();
  assert.deepEqual(
    client.answer.upstreams.map(({ name }) => name),
    ["app7"],
  );
  const future = await overviewOf(gateway.api, `?since=${client.answer.now + 1e6}`);
  assert.equal(future.upstreams.length, 20, "the base is from another boot of the machine");
});

test("the worst server is named with its reason and since when", async (context) => {
  const [well, sick] = await startBackends(context, 2);
  const health_check = { uri: "/health?secret=1", interval: "100ms" };
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: well.address }, { server: sick.address }], health_check } },
  });
  const { api } = gateway;
  await waitFor("both are checked", async () => {
    const status = await statusOf(api);
    return status.servers.every(({ check }) => check?.status === "passed");
  });
  assert.equal((await summaryOf(api)).worst, undefined);
  const before = Date.now();
  sick.behaviour = { status: 503 };
  await waitFor("the server is unhealthy", async () => (await summaryOf(api)).states.unhealthy === 1);
  const { worst, states } = await summaryOf(api);
  assert.deepEqual(states, { up: 1, unhealthy: 1 });
  const { since, ...rest } = worst;
  assert.deepEqual(rest, { id: 1, server: sick.address, state: "unhealthy", reason: "/health returned 503" });
  assert.ok(Date.parse(since) >= before - 1000 && Date.parse(since) <= Date.now(), since);
  sick.behaviour = { status: 500 };
  await waitFor(
    "the reason is that of the last check",
    async () => (await summaryOf(api)).worst.reason === "/health returned 500",
  );
  assert.equal((await summaryOf(api)).worst.since, since);
  const { servers: explained } = await api.expect(200, "GET", `${sluice()}/explain`);
  assert.deepEqual([explained[1].reason, explained[1].since], ["/health returned 500", since]);
  assert.equal(explained[0].since, undefined);

  await gateway.stop();
  await gateway.start();
  const kept = (await summaryOf(api)).worst;
  assert.equal(kept.state, "unhealthy");
  assert.ok(Math.abs(Date.parse(kept.since) - Date.parse(since)) < 1000, `${kept.since} and ${since}`);
  await waitFor(
    "the next check tells the reason again",
    async () => (await summaryOf(api)).worst.reason === "/health returned 500",
  );
  sick.behaviour = {};
  await waitFor("the server is up", async () => (await summaryOf(api)).worst === undefined);
  sick.behaviour = { status: 503 };
  await waitFor("the server is unhealthy", async () => (await summaryOf(api)).states.unhealthy === 1);
  await api.expect(200, "DELETE", `${serversOf()}/1`);
  await api.expect(201, "POST", serversOf(), { server: sick.address });
  assert.equal((await summaryOf(api)).worst, undefined, "a new server has no reason of an earlier one");
});
