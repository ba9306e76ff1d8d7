/**
 * `GET <prefix>/metrics`: the metrics of upstreams and of servers. spec/monitoring/ has a real Prometheus
 * read them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { OPENMETRICS, scrape } from "./support/metrics.mjs";
import { peersOf, serversOf, settledPeersOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const SERVER = "sluice_upstream_server";

/** @typedef {import("./support/metrics.mjs").Metrics} Metrics */

/**
 * Asserts that the metrics of an upstream's servers are what the API says.
 * @param {Metrics} metrics
 * @param {Map<string, any>} peers
 */
function assertSame(metrics, peers, upstream = "app") {
  for (const [server, peer] of peers) {
    const labels = { upstream, server, id: String(peer.id) };
    const value = (/** @type {string} */ name, more = {}) =>
      metrics.value(`${SERVER}_${name}`, { ...labels, ...more });
    const { responses, health_checks } = peer;
    assert.equal(value("requests_total"), peer.requests, server);
    assert.equal(value("sent_bytes_total"), peer.sent, server);
    assert.equal(value("received_bytes_total"), peer.received, server);
    assert.equal(value("fails_total"), peer.fails, server);
    assert.equal(value("unavail_total"), peer.unavail, server);
    assert.equal(value("active"), peer.active, server);
    assert.equal(value("max_conns"), peer.max_conns, server);
    assert.equal(value("checks_total"), health_checks.checks, server);
    assert.equal(value("check_fails_total"), health_checks.fails, server);
    assert.equal(value("unhealthy_total"), health_checks.unhealthy, server);
    assert.equal(value("weight_factor", { factor: "configured" }), peer.weight, server);
    for (const name of ["1xx", "2xx", "3xx", "4xx", "5xx"])
      assert.equal(value("responses_total", { class: name }), responses[name], `${server} ${name}`);
    const states = metrics.all(`${SERVER}_state`, labels);
    assert.equal(states.length, 6);
    for (const { labels: its, value: number } of states)
      assert.equal(number, its.state === peer.state ? 1 : 0, `${server} ${its.state}`);
  }
  const sum = (/** @type {(peer: any) => number} */ of) =>
    [...peers.values()].reduce((total, peer) => total + of(peer), 0);
  const value = (/** @type {string} */ name, more = {}) =>
    metrics.value(`sluice_upstream_${name}`, { upstream, ...more });
  assert.equal(
    value("requests_total"),
    sum(({ requests }) => requests),
  );
  assert.equal(
    value("received_bytes_total"),
    sum(({ received }) => received),
  );
  assert.equal(
    value("responses_total", { class: "2xx" }),
    sum(({ responses }) => responses["2xx"]),
  );
  for (const state of new Set([...peers.values()].map((peer) => peer.state))) {
    const count = [...peers.values()].filter((peer) => peer.state === state).length;
    assert.equal(value("servers", { state }), count, state);
  }
}

test("the metrics of servers and upstreams are what the API says", async (context) => {
  const backends = await startBackends(context, 4);
  const [first, second, third] = backends;
  const servers = backends.map(({ address }, index) => ({
    server: address,
    weight: index + 1,
    max_conns: index * 100,
  }));
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [...servers, { server: someAddress(1), max_fails: 0 }] }, empty: {} },
  });
  gateway.log.allow(/connect\(\) failed/);
  await startLoad(context, { port: gateway.port, connections: 4, total: 300 }).finished;
  for (const status of [301, 404, 404, 500])
    for (let turn = 0; turn < 8; turn += 1) await ask(gateway.port, `/?status=${status}`);
  await gateway.api.expect(200, "PATCH", `${serversOf()}/1`, { drain: true });
  await gateway.api.expect(200, "PATCH", `${serversOf()}/2`, { down: true });
  const held = begin(context, gateway.port, "/?hold=1");
  await waitFor("a request is under way", () => backends.some(({ active }) => active === 1));

  const peers = await peersOf(gateway.api);
  const metrics = await scrape(gateway);
  assertSame(metrics, peers);
  assertSame(await scrape(gateway, "", OPENMETRICS), peers);
  assert.equal(metrics.sum(`${SERVER}_active`), 1);
  assert.equal(metrics.value("sluice_upstream_active", { upstream: "app" }), 1);
  assert.equal(metrics.value("sluice_upstream_requests_total", { upstream: "empty" }), 0);
  const unanswered = metrics.sum(`${SERVER}_unanswered_total`, { server: someAddress(1) });
  assert.ok(unanswered > 0);
  assert.equal(metrics.value("sluice_upstream_retries_total", { upstream: "app" }), unanswered);
  assert.deepEqual(
    [first, second, third].map(({ address }) => peers.get(address).state),
    ["up", "draining", "down"],
  );
  for (const backend of backends) backend.release();
  held.leave();
});

test("histograms of times count the responses, and only servers with responses have them", async (context) => {
  const [quick, slow] = await startBackends(context, 2);
  slow.behaviour = { delay: 60 };
  const servers = [quick, slow].map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [...servers, { server: someAddress(1), down: true }] } },
  });
  for (let turn = 0; turn < 10; turn += 1) await ask(gateway.port, "/");
  const peers = await settledPeersOf(gateway.api);
  const metrics = await scrape(gateway);
  for (const kind of ["header", "response"]) {
    const name = `${SERVER}_${kind}_time_seconds`;
    assert.equal(metrics.all(`${name}_count`).length, 2, "servers without responses have no histogram");
    for (const { labels, value } of metrics.all(`${name}_count`)) {
      const { upstream, server, id } = labels;
      const buckets = metrics.all(`${name}_bucket`, { upstream, server, id });
      const bounds = buckets.map(({ labels: { le } }) => (le === "+Inf" ? Infinity : Number(le)));
      assert.deepEqual(
        bounds,
        [...bounds].sort((one, other) => one - other),
      );
      assert.ok(buckets.every(({ labels: { le } }) => le === "+Inf" || le.includes(".")));
      assert.equal(buckets.at(-1)?.value, value);
      buckets.reduce((before, { value: count }) => (assert.ok(count >= before), count), 0);
      // The responses since the last sample are missing.
      const { requests } = peers.get(server);
      assert.ok(value <= requests && value >= 1, `${value} of ${requests} responses`);
    }
    const at = (/** @type {string} */ server, /** @type {string} */ le) =>
      metrics.value(`${name}_bucket`, { server, le });
    assert.equal(at(slow.address, "0.05"), 0, "each response of the slow server took 60 ms");
    const sum = metrics.value(`${name}_sum`, { server: slow.address }) ?? 0;
    assert.ok(sum >= 0.06, `${sum} s`);
    const all = metrics.value(`sluice_upstream_${kind}_time_seconds_count`, { upstream: "app" });
    assert.equal(all, metrics.sum(`${name}_count`));
  }
});

test("the options decide on metrics of servers and of codes", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address }));
  const start = (/** @type {object} */ metrics) =>
    startGateway(context, { upstreams: { app: { servers } }, setup: { api: { metrics } } });
  const few = await start({ per_server: false });
  const many = await start({ codes: true });
  for (const gateway of [few, many]) {
    for (const status of [200, 200, 204, 404, 404, 503]) await ask(gateway.port, `/?status=${status}`);
    await settledPeersOf(gateway.api);
  }
  const sums = await scrape(few);
  assert.deepEqual(
    sums.samples.filter(({ name, labels }) => name.startsWith(`${SERVER}_`) || "server" in labels),
    [],
  );
  assert.equal(sums.value("sluice_upstream_requests_total", { upstream: "app" }), 6);
  assert.equal(sums.value("sluice_upstream_responses_total", { class: "4xx" }), 2);
  const timed = sums.value("sluice_upstream_response_time_seconds_count", { upstream: "app" }) ?? 0;
  assert.ok(timed >= 1 && timed <= 6, `the times of ${timed} responses are known`);

  const codes = await scrape(many);
  assert.deepEqual(codes.value("sluice_upstream_requests_total", { upstream: "app" }), 6);
  for (const [code, count] of Object.entries({ 200: 2, 204: 1, 404: 2, 503: 1 }))
    assert.equal(codes.sum(`${SERVER}_response_codes_total`, { code }), count, code);
  assert.equal((await scrape(few)).all(`${SERVER}_response_codes_total`).length, 0);
});

test("labels of addresses are escaped", async (context) => {
  const path = `/tmp/sluice-"${process.pid}"\\n.sock`;
  const backend = await startBackend(context, { path });
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: backend.address }] } },
  });
  await ask(gateway.port, "/");
  await settledPeersOf(gateway.api);
  for (const accept of [undefined, OPENMETRICS]) {
    const metrics = await scrape(gateway, "", accept);
    assert.equal(metrics.value(`${SERVER}_requests_total`, { server: `unix:${path}` }), 1);
  }
});

/** Lua that interrupts each writer while the numbers of removed servers move to the upstream. */
const SLOW_WRITERS = `
  local lock = require("resty.sluice.store.memory.lock")
  local times = require("resty.sluice.store.memory.times")
  local clear_times = times.clear_times
  times.clear_times = function(...)
    ngx.update_time()
    local till = ngx.now() + 0.03
    while lock.is_writing() and ngx.now() < till do ngx.update_time() end
    return clear_times(...)
  end
`;

/**
 * Scrapes a gateway until the returned function is called, and asserts that no sum of its upstream falls.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
function watchSums(gateway) {
  const names = ["requests_total", "received_bytes_total", "response_time_seconds_count"];
  let before = new Map();
  let scrapes = 0;
  let watches = true;
  const watching = (async () => {
    while (watches) {
      const metrics = await scrape(gateway, "?upstream=app");
      const values = new Map(
        names.map((name) => [name, metrics.value(`sluice_upstream_${name}`, { upstream: "app" }) ?? 0]),
      );
      for (const [name, value] of values)
        assert.ok(value >= (before.get(name) ?? 0), `${name} fell from ${before.get(name)} to ${value}`);
      before = values;
      scrapes += 1;
    }
  })();
  return async () => {
    watches = false;
    await watching;
    assert.ok(scrapes > 5, `${scrapes} scrapes`);
  };
}

test("no sum of an upstream falls while servers are removed, added and reset under load", async (context) => {
  const backends = await startBackends(context, 3);
  const [stays, ...others] = backends.map(({ address }) => address);
  const gateway = await startGateway(context, { servers: [stays, ...others] });
  const { api } = gateway;
  const load = startLoad(context, { port: gateway.port, connections: 4, pause: 1 });
  const endWatch = watchSums(gateway);
  const at = (/** @type {string} */ address) => `${serversOf()}?server=${encodeURIComponent(address)}`;
  for (let turn = 0; turn < 30; turn += 1) {
    for (const address of others) await api.expect(200, "DELETE", at(address));
    for (const server of others) await api.expect(201, "POST", serversOf(), { server });
  }
  await endWatch();
  await load.stop();
  await settledPeersOf(api);
  // The last departed servers give up their rows at the next change.
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 });
  const metrics = await scrape(gateway);
  const sent = backends.reduce((sum, { requests }) => sum + requests.length, 0);
  assert.equal(metrics.value("sluice_upstream_requests_total", { upstream: "app" }), sent);
});

test("no sum of an upstream falls while a writer that removes servers is interrupted", async (context) => {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, beforeSetup: SLOW_WRITERS });
  startLoad(context, { port: gateway.port, connections: 4, pause: 5 });
  const endWatch = watchSums(gateway);
  for (let turn = 0; turn < 15; turn += 1) {
    await gateway.api.expect(200, "PATCH", sluice(), { servers: servers.slice(0, 1) });
    await gateway.api.expect(200, "PATCH", sluice(), { servers });
  }
  await endWatch();
});
