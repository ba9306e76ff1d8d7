/** The status of an upstream and of each of its servers, with percentiles of their times. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { startGateway } from "./support/gateway.mjs";
import { askAll } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { overviewOf, settledStatusOf, statusOf } from "./support/overview.mjs";
import { peersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

test("each server has its counters, its weight and its share of the requests", async (context) => {
  const [first, second] = await startBackends(context, 2);
  const servers = [
    { server: first.address, weight: 3, max_conns: 500 },
    { server: second.address, backup: true },
  ];
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  const { api } = gateway;
  await askAll(
    gateway.port,
    Array.from({ length: 90 }, (_, number) => `/?status=${number % 3 ? 200 : 404}`),
  );
  const { servers: shown, size, states, responses } = await settledStatusOf(api, 90);
  assert.deepEqual([size, states, responses], [2, { up: 2 }, { "2xx": 60, "4xx": 30 }]);
  const peers = await peersOf(api);
  for (const [index, { address }] of [first, second].entries()) {
    const { id, server, origin, backup, requests, sent, received, fails, unanswered } = shown[index];
    const peer = peers.get(address);
    assert.deepEqual([id, server, origin, backup], [index, address, "hand", index === 1]);
    assert.deepEqual(
      [requests, sent, received, fails],
      [peer.requests, peer.sent, peer.received, peer.fails],
    );
    assert.equal(unanswered, 0);
  }
  const [primary, spare] = shown;
  assert.deepEqual([primary.weight.effective, primary.max_conns, primary.picks_percent], [3, 500, 100]);
  assert.deepEqual([primary.state, primary.since, primary.reason], ["up", undefined, "it is healthy"]);
  assert.deepEqual(
    [spare.requests, spare.picks, spare.response_time, spare.responses],
    [0, 0, undefined, {}],
  );
  const { servers: narrowed } = await api.expect(200, "GET", `${sluice()}/status?servers=1,7`);
  assert.deepEqual(
    narrowed.map(({ id }) => id),
    [1],
  );
});

test("servers show where they come from, what is set, and what they report", async (context) => {
  const backends = await startBackends(context, 7);
  const servers = backends.slice(0, 6).map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const before = Date.now();
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  await api.expect(200, "PATCH", `${serversOf()}/2`, { standby: true });
  await api.expect(204, "POST", `${sluice()}/servers/3/report`, { state: "drain", utilization: 0.25 });
  const { leave } = begin(context, gateway.port, "/?hang=1");
  await waitFor("a request is in flight", async () => (await statusOf(api)).active === 1);
  const busy = (await statusOf(api)).servers.find(({ active }) => active === 1);
  await api.expect(202, "POST", `${sluice()}/servers/${busy.id}/drain`, { deadline: "1h" });
  await api.expect(201, "PUT", `${sluice()}/nodes/one`, { server: backends[6].address, ttl: "1h" });
  const { servers: shown } = await statusOf(api);
  const told = shown.map(({ state, down, drain, standby, origin, node }) => [
    state,
    down,
    drain,
    standby,
    origin,
    node,
  ]);
  const draining = ["draining", undefined, true, undefined, "hand", undefined];
  const up = ["up", undefined, undefined, undefined, "hand", undefined];
  assert.deepEqual(told, [
    ["down", true, undefined, undefined, "hand", undefined],
    draining,
    ["down", undefined, undefined, true, "hand", undefined],
    ["draining", undefined, undefined, undefined, "hand", undefined],
    busy.id === 4 ? draining : up,
    busy.id === 5 ? draining : up,
    ["up", undefined, undefined, undefined, "register", "one"],
  ]);
  const { drain_job, drain_deadline, active } = shown[busy.id];
  assert.deepEqual([drain_job, active], [true, 1]);
  const left = Date.parse(drain_deadline) - before;
  assert.ok(left > 3_590_000 && left < 3_700_000, drain_deadline);
  const { report, report_age, since } = shown[3];
  assert.deepEqual([report.state, report.utilization], ["draining", 0.25]);
  assert.ok(report_age >= 0 && report_age < 600, String(report_age));
  assert.ok(Date.parse(since) >= before - 1000 && Date.parse(since) <= Date.now(), since);
  assert.deepEqual([shown[0].since, shown[1].since], [undefined, undefined]);
  leave();
});

test("percentiles are those of the times that were held, to within one bucket", async (context) => {
  const backends = await startBackends(context, 3);
  const delays = [30, 200, 700];
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  const { api } = gateway;
  for (const [index, backend] of backends.entries()) backend.behaviour = { delay: delays[index] };
  await askAll(
    gateway.port,
    Array.from({ length: 60 }, () => "/"),
  );
  const { servers: shown, time_bounds: bounds } = await settledStatusOf(api, 60);
  /** The index of the bucket of a time. @param {number} time */
  const bucketOf = (time) => bounds.findIndex((/** @type {number} */ bound) => time <= bound);
  for (const [index, delay] of delays.entries()) {
    const { header_time, response_time } = shown[index];
    for (const { count, p50, p90, p99, first, counts } of [header_time, response_time]) {
      const sum = counts.reduce((/** @type {number} */ total, /** @type {number} */ some) => total + some, 0);
      assert.equal(sum, count);
      assert.ok(count > 0 && count <= 60, `${count} of 60`);
      assert.ok(p50 <= p90 && p90 <= p99, `${p50} ${p90} ${p99}`);
      // A busy machine makes times longer, never shorter. A timer may be early by a millisecond.
      assert.ok(first >= bucketOf(delay - 1), `${delay} ms: the first bucket is ${first}`);
      assert.ok(p50 > bounds[bucketOf(delay - 1) - 1], `${delay} ms: p50 is ${p50}`);
    }
  }
  const slow = shown[2].response_time.p50;
  const quick = shown[0].response_time.p50;
  assert.ok(quick < slow, `${quick} and ${slow}`);
  const { upstreams } = await overviewOf(api);
  const all = upstreams[0].times.counts.reduce(
    (/** @type {number} */ sum, /** @type {number} */ n) => sum + n,
    0,
  );
  assert.equal(
    all,
    shown.reduce((sum, { response_time }) => sum + response_time.count, 0),
  );
});

test("the header time ends before a slow body", async (context) => {
  const [backend] = await startBackends(context, 1);
  backend.behaviour = { body_delay: 500 };
  const gateway = await startGateway(context, { servers: [backend.address] });
  await askAll(gateway.port, ["/"]);
  const [{ header_time, response_time }] = (await settledStatusOf(gateway.api, 1)).servers;
  assert.ok(response_time.p50 > 300, `${response_time.p50}`);
  assert.ok(header_time.p50 < response_time.p50, `${header_time.p50} and ${response_time.p50}`);
});

test("a reset of the statistics resets the times, on every worker", async (context) => {
  const [backend] = await startBackends(context, 1);
  const upstreams = { app: { servers: [{ server: backend.address }] } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  const { api } = gateway;
  await askAll(
    gateway.port,
    Array.from({ length: 40 }, () => "/"),
  );
  await settledStatusOf(api, 40);
  await api.expect(204, "DELETE", "/api/9/http/upstreams/app");
  for (let round = 0; round < 8; round += 1) {
    const { servers, times, requests, responses } = await statusOf(api);
    assert.deepEqual([requests, responses, times, servers[0].response_time], [0, {}, undefined, undefined]);
  }
  backend.behaviour = { delay: 100 };
  await askAll(gateway.port, ["/", "/", "/", "/"]);
  await waitFor("the new times are shown", async () => {
    const { servers, time_bounds } = await statusOf(api);
    const { first, count } = servers[0].response_time ?? {};
    return count > 0 && first >= time_bounds.indexOf(100) - 1;
  });
});
