/** All servers fail and return, and panic_threshold applies when most servers fail their checks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { noneIsLeft, wasRefused, wasReset } from "./support/faults.mjs";
import { startGateway } from "./support/gateway.mjs";
import { hasPassed } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { startServerProcess } from "./support/server_process.mjs";
import { peersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** Upper bound on the delay of an event by a busy machine, in milliseconds. */
const TOLERANCE = 3000;

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} state
 * @param {number} count
 */
function areIn({ api }, state, count) {
  return waitFor(`${count} servers are ${state}`, async () => {
    const peers = [...(await peersOf(api)).values()];
    return peers.filter((peer) => peer.state === state).length === count;
  });
}

/**
 * Sends requests until one succeeds, and returns the time that this took, in milliseconds.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function timeToSuccess({ port }) {
  const started = performance.now();
  await waitFor("a request succeeds", async () => (await ask(port)).status === 200);
  return performance.now() - started;
}

test("after four servers are killed and started again, traffic is back within one fail_timeout", async (context) => {
  const processes = [];
  for (let number = 0; number < 4; number += 1) processes.push(await startServerProcess(context));
  const servers = processes.map(({ address }) => ({ server: address, max_fails: 2, fail_timeout: "800ms" }));
  const gateway = await startGateway(context, { upstreams: { app: { servers } }, listen: "reuseport" });
  gateway.log.allow(wasRefused, wasReset, noneIsLeft);
  const load = startLoad(context, { port: gateway.port, connections: 8, pause: 10 });
  await load.round();
  assert.deepEqual([...load.errors], []);
  await Promise.all(processes.map((process) => process.kill()));
  await areIn(gateway, "unavail", 4);
  // The load continues, so that each server gets a trial as soon as possible.
  await sleep(1000);
  await Promise.all(processes.map((process) => process.start()));
  const milliseconds = await timeToSuccess(gateway);
  assert.ok(milliseconds < 800 + TOLERANCE, `traffic is back after ${milliseconds} ms`);
  await areIn(gateway, "up", 4);
  const errors = new Map(load.errors);
  await load.round();
  await load.round();
  assert.deepEqual(load.errors, errors, "there are no further errors");
  await load.stop();
  assert.deepEqual([...errors.keys()], ["status 502"]);
});

test("after four servers fail their checks and pass again, traffic is back within one interval", async (context) => {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }) => ({ server: address }));
  const health_check = { interval: "1s", timeout: "10s" };
  const gateway = await startGateway(context, { upstreams: { app: { servers, health_check } } });
  gateway.log.allow(noneIsLeft);
  await hasPassed(gateway.api);
  backends.forEach((backend) => (backend.behaviour = { status: 503 }));
  await areIn(gateway, "unhealthy", 4);
  assert.equal((await ask(gateway.port)).status, 502);
  backends.forEach((backend) => (backend.behaviour = {}));
  const milliseconds = await timeToSuccess(gateway);
  assert.ok(milliseconds < 1000 + TOLERANCE, `traffic is back after ${milliseconds} ms`);
  await areIn(gateway, "up", 4);
});

/**
 * Starts ten servers that answer, eight of which fail their checks.
 * @param {import("node:test").TestContext} context
 */
async function startTen(context, settings = {}) {
  const backends = await startBackends(context, 10);
  const failing = backends.slice(2);
  for (const { server } of failing) {
    const [answer] = server.listeners("request");
    const answerAll = (/** @type {any} */ request, /** @type {any} */ response) => {
      if (request.url !== "/check") return answer.call(server, request, response);
      return response.writeHead(503).end();
    };
    server.removeAllListeners("request").on("request", answerAll);
  }
  const servers = backends.map(({ address }) => ({ server: address }));
  const health_check = { uri: "/check", interval: "300ms", timeout: "10s" };
  const upstreams = { app: { servers, health_check, ...settings } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  await areIn(gateway, "unhealthy", 8);
  return { gateway, backends };
}

/**
 * Sends 400 requests, and returns the number of answers of each server.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function sharesOf(context, { port }) {
  const load = startLoad(context, { port, connections: 16, total: 400 });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  return load.backends;
}

test("panic_threshold: when 80 % of the servers fail their checks, all receive requests and are still shown as unhealthy", async (context) => {
  const { gateway, backends } = await startTen(context, { panic_threshold: 50 });
  const shares = await sharesOf(context, gateway);
  // Each server has 40 requests as if all were healthy, with a tolerance of some requests per worker.
  for (const { id } of backends) assert.ok(Math.abs((shares.get(id) ?? 0) - 40) <= 8, `${shares.get(id)}`);
  await areIn(gateway, "unhealthy", 8);
});

test("without panic_threshold, or below it, only the healthy servers receive requests", async (context) => {
  const { gateway, backends } = await startTen(context);
  const healthy = new Set([backends[0].id, backends[1].id]);
  assert.deepEqual(new Set((await sharesOf(context, gateway)).keys()), healthy);
  await gateway.api.expect(200, "PATCH", sluice(), { panic_threshold: 20 });
  assert.deepEqual(
    new Set((await sharesOf(context, gateway)).keys()),
    healthy,
    "20 % are no fewer than 20 %",
  );
  await gateway.api.expect(200, "PATCH", sluice(), { panic_threshold: 21 });
  assert.equal((await sharesOf(context, gateway)).size, 10);
});

test("panic ends as soon as enough servers pass", async (context) => {
  const backends = await startBackends(context, 4);
  const servers = backends.map(({ address }) => ({ server: address }));
  const health_check = { uri: "/", interval: "300ms", timeout: "10s" };
  const upstreams = { app: { servers, health_check, panic_threshold: 50 } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  const [first, second, third] = backends;
  for (const backend of [first, second, third]) backend.behaviour = { status: 404 };
  await areIn(gateway, "unhealthy", 3);
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway.port)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 404]));
  second.behaviour = {};
  await areIn(gateway, "unhealthy", 2);
  assert.equal((await sharesOf(context, gateway)).size, 2);
});
