/**
 * Health checks, outlier detection, retries, queues and limits of servers are shown, kept, and changed as
 * requested.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { assertKept, serversOf, sluice } from "./support/upstreams.mjs";

const check = {
  type: "http",
  uri: "/",
  interval: "5s",
  jitter: "0s",
  timeout: "1s",
  fails: 1,
  passes: 1,
  mandatory: false,
  persistent: false,
  keepalive_time: "60s",
};
const wholeCheck = {
  type: "https",
  uri: "/health?full=1",
  port: 8443,
  interval: "1m 30s",
  jitter: "500ms",
  timeout: "02s",
  fails: 3,
  passes: 2,
  mandatory: true,
  persistent: true,
  match: {
    status: "200, 204 300-399",
    headers: { "content-type": "^text/(html|plain)\\b", server: "" },
    body: 'say "größe"\\s+\\d{2,}',
  },
  keepalive_time: "0",
};
const outliers = {
  consecutive_5xx: 5,
  consecutive_gateway_failure: 0,
  interval: "10s",
  base_ejection_time: "30s",
  max_ejection_time: "300s",
  max_ejection_percent: 10,
  success_rate_minimum_hosts: 0,
  success_rate_request_volume: 0,
  success_rate_stdev_factor: 0,
};
const rated = {
  success_rate_minimum_hosts: 3,
  success_rate_request_volume: 100,
  success_rate_stdev_factor: 1900,
};
const retries = { tries: 3, timeout: "10000ms", budget: { percent: 20, min_concurrent: 3 } };
const queue = { size: 100, timeout: "60s" };

/**
 * Some allowed settings, and the settings that the API shows for them.
 * @type {[name: string, set: object, shown: object][]}
 */
const cases = [
  ["check", { health_check: {} }, { health_check: check }],
  ["whole_check", { health_check: wholeCheck }, { health_check: wholeCheck }],
  [
    "rated",
    { outlier_detection: { consecutive_5xx: 0, success_rate_minimum_hosts: 3 } },
    { outlier_detection: { ...outliers, consecutive_5xx: 0, ...rated } },
  ],
  ["no_panic", { panic_threshold: 0 }, { panic_threshold: 0 }],
  ["retries", { retries: { tries: 3, timeout: "10000ms", budget: {} } }, { retries }],
  ["queue", { queue: { size: 100 } }, { queue }],
  [
    "nothing",
    { health_check: null, outlier_detection: null, panic_threshold: null, retries: null, queue: null },
    {},
  ],
  [
    "all",
    { queue, retries, panic_threshold: 10, outlier_detection: {}, health_check: wholeCheck },
    { health_check: wholeCheck, outlier_detection: outliers, panic_threshold: 10, retries, queue },
  ],
];
const limits = { max_conns: 10, max_fails: 0, fail_timeout: "1m 30s", slow_start: "10000ms" };
const servers = [{ server: "127.0.0.1:9", ...limits }, { server: "127.0.0.2:9" }];
const defaults = { max_conns: 0, max_fails: 1, fail_timeout: "10s", slow_start: "0s" };

/** @param {object} object */
const plain = (object) => JSON.parse(JSON.stringify(object));

/**
 * Starts a gateway whose servers do not exist, so that checks may fail.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/nginx_conf.mjs").Options} options
 */
async function startChecking(context, options) {
  const gateway = await startGateway(context, options);
  gateway.log.allow(/connect\(\) failed .*context: ngx\.timer/);
  return gateway;
}

test("the settings are shown with their defaults, and the shown object can be sent back", async (context) => {
  const { api } = await startChecking(context, { upstreams: {} });
  for (const [name, set, shown] of cases) {
    const put = await api.put(sluice(name), { ...set, servers });
    assert.equal(put.status, 201, put.text);
    const { method, servers: shownServers, ...settings } = put.body;
    assert.deepEqual([method, settings], ["round_robin", plain(shown)], name);
    assert.deepEqual(
      Object.keys(put.body),
      ["method", ...Object.keys(shown), "servers"],
      "the members are in this order",
    );
    for (const [index, expected] of [limits, defaults].entries()) {
      assert.deepEqual(shownServers[index], { ...shownServers[index], ...expected });
    }
    const got = await api.get(sluice(name));
    assert.equal(got.text, put.text);
    for (const again of [await api.put(sluice(name), got.body), await api.patch(sluice(name), got.body)]) {
      assert.deepEqual([again.status, again.text], [200, got.text]);
      assert.equal(again.headers.etag, put.headers.etag, "an unchanged object causes no write");
    }
    assert.equal((await api.put(sluice(name), { ...set, servers })).headers.etag, put.headers.etag);
  }
  const [peer] = (await api.get("/api/9/http/upstreams/all")).body.peers;
  assert.equal(peer.max_conns, 10);
});

test("the settings survive a reload, a restart and a crash, whether they are from the API or from setup", async (context) => {
  const seeds = Object.fromEntries(cases.map(([name, set]) => [`seed_${name}`, { ...set, servers }]));
  const gateway = await startChecking(context, { upstreams: seeds });
  const { api } = gateway;
  for (const [name, set, shown] of cases) {
    const { servers: seeded, ...settings } = await api.expect(200, "GET", sluice(`seed_${name}`));
    assert.deepEqual(settings, plain({ method: "round_robin", ...shown }));
    assert.deepEqual(seeded[0], { ...seeded[0], ...limits });
    await api.expect(201, "PUT", sluice(name), { ...set, servers });
  }
  await assertKept(gateway);
});

test("PATCH replaces each block that it names as a whole, and null removes it", async (context) => {
  const { api } = await startChecking(context, { upstreams: { app: { servers } } });
  const change = async (body) => {
    const { servers: kept, method, ...settings } = await api.expect(200, "PATCH", sluice(), body);
    assert.deepEqual([kept.length, method], [2, "round_robin"]);
    return settings;
  };
  assert.deepEqual(await change({ health_check: wholeCheck }), { health_check: wholeCheck });
  assert.deepEqual(await change({ panic_threshold: 50 }), { health_check: wholeCheck, panic_threshold: 50 });
  const next = { health_check: check, panic_threshold: 50 };
  assert.deepEqual(await change({ health_check: {} }), next, "the other members of the block are removed");
  assert.deepEqual(await change({ retries: { tries: 2 }, queue }), { ...next, retries: { tries: 2 }, queue });
  assert.deepEqual(await change({ health_check: null, retries: null, panic_threshold: 0 }), {
    panic_threshold: 0,
    queue,
  });
  assert.deepEqual(await change({ panic_threshold: null, queue: null }), {});
  const settings = { health_check: {}, outlier_detection: {}, retries: {}, queue };
  await change(settings);
  assert.deepEqual(Object.keys(await api.expect(200, "PUT", sluice(), {})), ["method", "servers"]);
});

test("a change of a server keeps the settings, and a change of the settings keeps the servers", async (context) => {
  const gateway = await startChecking(context, { upstreams: {} });
  const { api } = gateway;
  const set = { health_check: wholeCheck, retries, queue, outlier_detection: outliers, servers };
  const first = await api.expect(201, "PUT", sluice(), set);
  for (const [status, method, path, body] of [
    [201, "POST", "", { server: "127.0.0.3:9", ...limits }],
    [200, "PATCH", "/0", { max_conns: 3, fail_timeout: "2s" }],
    [200, "DELETE", "/1", undefined],
  ]) {
    await api.expect(status, method, `${serversOf()}${path}`, body);
    const now = await api.expect(200, "GET", sluice());
    assert.deepEqual(now, { ...first, servers: now.servers });
  }
  const { servers: before } = await api.expect(200, "GET", sluice());
  await api.expect(200, "PATCH", sluice(), { health_check: null, queue: null });
  await gateway.stop();
  await gateway.start();
  const { servers: after, ...settings } = await api.expect(200, "GET", sluice());
  assert.deepEqual(after, before);
  assert.deepEqual(settings, { method: "round_robin", outlier_detection: outliers, retries });
  assert.deepEqual(
    after.map(({ max_conns, fail_timeout, slow_start }) => [max_conns, fail_timeout, slow_start]),
    [
      [3, "2s", "10000ms"],
      [10, "1m 30s", "10000ms"],
    ],
  );
});
