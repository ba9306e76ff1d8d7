/** Gateways with upstreams for every kind of metric, and their traffic. */
import assert from "node:assert/strict";
import { begin } from "../../gateway/support/clients.mjs";
import { startGateway } from "../../gateway/support/gateway.mjs";
import { ask, startLoad } from "../../gateway/support/load.mjs";
import { scrape } from "../../gateway/support/metrics.mjs";
import { serversOf, settledPeersOf, sluice, someAddress } from "../../gateway/support/upstreams.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** @typedef {import("../../gateway/support/gateway.mjs").Gateway} Gateway */
/** @typedef {import("../../gateway/support/backend.mjs").Backend & { address: string }} Backend */

const QUEUED = `
    location = /queued {
      access_by_lua_block { require("resty.sluice").access("queued") }
      proxy_pass http://queued;
    }`;
const QUEUED_UPSTREAM =
  'upstream queued { server 0.0.0.1; balancer_by_lua_block { require("resty.sluice").balance("queued") } }';

/** Fills the shared dict until less than a tenth of it is free. That would take many servers. */
const FILL = `
    location = /fill {
      content_by_lua_block {
        local dict, count = ngx.shared.sluice, 0
        while dict:free_space() / dict:capacity() >= 0.09 do
          count = count + 1
          assert(dict:safe_set("filler " .. count, string.rep("x", 4000)))
        end
      }
    }`;

/**
 * Starts a gateway with upstreams for every kind of metric.
 * @param {import("node:test").TestContext} context
 * @param {{ app: Backend[], queued: Backend, slow: Backend }} backends
 * @param {string} registry the path of a file with servers
 */
export async function startWatched(context, { app, queued, slow }, registry) {
  const gateway = await startGateway(context, {
    dict: "1m",
    http: QUEUED_UPSTREAM,
    traffic: QUEUED,
    api: FILL,
    upstreams: {
      app: {
        servers: app.map(({ address }, index) => ({ server: address, weight: index + 1, max_conns: 100 })),
        health_check: { interval: "200ms", uri: "/health", timeout: "30s" },
      },
      queued: { servers: [{ server: queued.address, max_conns: 1 }], queue: { size: 1, timeout: "60s" } },
      slow: { servers: [{ server: slow.address }] },
      dead: { servers: [{ server: someAddress(1), down: true }] },
      empty: {},
      panicking: {
        panic_threshold: 100,
        servers: [2, 3].map((number) => ({ server: someAddress(number), fail_timeout: "1h" })),
      },
      storm: {
        retries: { budget: { percent: 0, min_concurrent: 0 } },
        servers: [4, 5].map((number) => ({ server: someAddress(number), max_fails: 0 })),
      },
      lost: { discovery: { file: { path: "/nonexistent/servers.json" } } },
      found: { discovery: { file: { path: registry } } },
    },
  });
  gateway.log.allow(/connect\(\) failed|no live upstreams|no budget left|not saved|could not/);
  return gateway;
}

/**
 * Sends requests of all kinds to a gateway. Returns how many of them its upstream "app" had.
 * @param {import("node:test").TestContext} context
 * @param {Gateway} gateway
 * @param {Backend} queued
 */
export async function sendTraffic(context, gateway, queued) {
  const { port, api } = gateway;
  await startLoad(context, { port, connections: 4, total: 200 }).finished;
  await startLoad(context, { port, connections: 2, total: 60, path: "/?status=500&size=300" }).finished;
  await startLoad(context, { port, connections: 2, total: 20, path: "/?status=404" }).finished;
  for (let turn = 0; turn < 4; turn += 1) await ask(port, "/to/slow");
  for (let turn = 0; turn < 6; turn += 1) {
    assert.equal((await ask(port, "/to/panicking")).status, 502);
    assert.equal((await ask(port, "/to/storm")).status, 502);
  }
  for (let weight = 2; weight < 6; weight += 1)
    await api.expect(200, "PATCH", `${serversOf("dead")}/0`, { weight });
  for (let turn = 0; turn < 3; turn += 1) await api.expect(404, "DELETE", sluice("nope"));

  const first = begin(context, port, "/queued?hold=1");
  await waitFor("the server is full", () => queued.active === 1);
  const second = begin(context, port, "/queued");
  const value = async (/** @type {string} */ name) =>
    (await scrape(gateway)).value(`sluice_upstream_queue_${name}`, { upstream: "queued" });
  await waitFor("a request waits", async () => (await value("length")) === 1);
  assert.equal((await ask(port, "/queued")).status, 503);
  queued.release();
  assert.deepEqual([(await first.ending).status, (await second.ending).status], [200, 200]);
  for (const name of ["app", "queued", "slow", "storm", "panicking"]) await settledPeersOf(api, name);
}
