/**
 * `least_time` uses response times: a server that fails fast or hangs receives few requests, and regains its
 * share when it recovers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { freePort } from "./support/ports.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** The number of servers in each test. The first one behaves differently from the others. */
const count = 4;
const fairShare = 1 / count;

/**
 * @param {import("node:test").TestContext} context
 * @param {object} least_time
 * @param {import("./support/backend.mjs").Behaviour[]} behaviours of the first server and of all others
 */
async function startTimed(context, least_time, [ofFirst, ofOthers]) {
  const backends = await startBackends(context, count);
  for (const backend of backends) backend.behaviour = backend === backends[0] ? ofFirst : ofOthers;
  const servers = backends.map(({ address }) => ({ server: address }));
  const upstreams = { app: { method: "least_time", least_time, servers } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  return { backends, servers, gateway };
}

/**
 * Returns the first server's share of the requests until `requests` more are answered.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {import("./support/load.mjs").Load} load
 * @param {number} requests
 */
async function shareOfFirst({ api }, load, requests) {
  const read = async () => {
    const { peers } = await api.expect(200, "GET", "/api/9/http/upstreams/app");
    return { first: peers[0].requests, all: peers.reduce((sum, peer) => sum + peer.requests, 0) };
  };
  const before = await read();
  const { answers } = load;
  await waitFor(`${requests} requests are answered`, () => load.answers >= answers + requests);
  const after = await read();
  return (after.first - before.first) / (after.all - before.all);
}

/**
 * Loads a new upstream, and returns the first server's share after the response times are known.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {object} least_time
 * @param {{ server: string }[]} servers
 */
async function measureShare(context, gateway, least_time, servers) {
  await gateway.api.expect(204, "DELETE", `${sluice()}?force=true`);
  await gateway.api.expect(201, "PUT", sluice(), { method: "least_time", least_time, servers });
  const load = startLoad(context, { port: gateway.port, connections: 16 });
  await shareOfFirst(gateway, load, 100);
  const share = await shareOfFirst(gateway, load, 300);
  await load.stop();
  return { share, errors: [...load.errors.keys()] };
}

/** Ways to fail fast. */
const failures = { "answers 500": { status: 500, delay: 1 }, resets: { reset: 1 }, refuses: undefined };

test("a server that fails fast does not attract requests", async (context) => {
  const others = { delay: 30 };
  const { backends, servers, gateway } = await startTimed(context, {}, [others, others]);
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection|Connection refused).*upstream/);
  const nobody = { server: `127.0.0.1:${await freePort()}` };
  for (const [how, behaviour] of Object.entries(failures)) {
    for (const measure of ["header", "last_byte"]) {
      await context.test(`${how}, by ${measure}`, async (context) => {
        backends[0].behaviour = behaviour ?? {};
        const first = behaviour === undefined ? nobody : servers[0];
        const all = [first, ...servers.slice(1)];
        const { share, errors } = await measureShare(context, gateway, { measure }, all);
        // Each failure adds about 240 ms to the server's expected time. After six failures its cost exceeds
        // any cost of the other servers.
        assert.ok(share <= 0.02, `its share is ${share}`);
        assert.deepEqual(errors, how === "answers 500" ? ["status 500"] : [], "a failure is retried");
      });
    }
  }
});

test("header and last_byte measure the time to the header and to the last byte", async (context) => {
  // The first server sends its header immediately and its body after 80 ms. The others answer after 40 ms.
  const { gateway, servers } = await startTimed(context, {}, [{ body_delay: 80 }, { delay: 40 }]);
  const header = await measureShare(context, gateway, { measure: "header" }, servers);
  // The first server counts as 20 ms, the others as 60 ms. It has 9 of 16 requests in flight and 39 % of the
  // answers.
  assert.ok(header.share > fairShare, `with header the share of the first server is ${header.share}`);
  const lastByte = await measureShare(context, gateway, { measure: "last_byte" }, servers);
  // The first server counts as 100 ms. It has 2 or 3 of 16 requests in flight and 8 % of the answers.
  assert.ok(lastByte.share < 0.15, `with last_byte the share of the first server is ${lastByte.share}`);
});

test("inflight: a server that hangs receives no more requests even before its first request has ended", async (context) => {
  const fast = { delay: 30 };
  const { backends, gateway } = await startTimed(context, { inflight: true }, [fast, fast]);
  const [first] = backends;
  // With pauses the clients leave CPU time to the servers, which run in the same process.
  const clients = { port: gateway.port, connections: 8, pause: 20 };
  const loads = [startLoad(context, clients)];
  const letGo = () => {
    first.behaviour = fast;
    for (const { agent } of loads.flatMap(({ connections }) => connections)) agent.destroy();
  };
  // Hanging requests are released before a load waits for them.
  atEnd(context, letGo);
  assert.ok(
    (await shareOfFirst(gateway, loads[0], 200)) > fairShare / 2,
    "the server has its share while it answers",
  );
  first.behaviour = { hang: 1 };
  await waitFor("a request hangs", () => first.active > 0 && first.requests.at(-1)?.status === undefined);
  // A hanging request costs at least twice its age. Of 15 requests, another server has at most 6, and costs 6
  // times its response time. On a busy machine all servers are slow, so the age is compared with that time.
  const began = performance.now();
  await waitFor("the hanging requests cost more than the other servers ever do", async () => {
    const { peers } = await gateway.api.expect(200, "GET", "/api/9/http/upstreams/app");
    const slowest = Math.max(...peers.slice(1).map(({ response_time }) => response_time ?? 0));
    return performance.now() - began > Math.max(1500, 15 * slowest);
  });
  const { active } = first;
  const requests = first.requests.length;
  const more = startLoad(context, clients);
  loads.push(more);
  atEnd(context, letGo);
  assert.equal(await shareOfFirst(gateway, more, 300), 0);
  assert.deepEqual(
    [first.active, first.requests.length],
    [active, requests],
    "all hanging requests still hang",
  );
});

test("a server that becomes fast again regains its share after about 45 responses", async (context) => {
  const { backends, gateway } = await startTimed(context, {}, [{ delay: 200 }, { delay: 40 }]);
  const [first] = backends;
  const load = startLoad(context, { port: gateway.port, connections: 40 });
  // On a busy machine the other servers may seem slow at first, too.
  const isLeftAlone = async () => (await shareOfFirst(gateway, load, 400)) < fairShare / 4;
  await waitFor("the slow server has a small share", isLeftAlone, 20_000);
  first.behaviour = { delay: 40 };
  // The expected time approaches the measured one by 0.05 per response: from 200 ms it falls below 60 ms, the
  // end of the step of 40 ms, after 43 responses. A few slow responses are still in flight.
  const before = first.requests.length;
  await waitFor("the server has responded 55 times", () => first.requests.length > before + 55, 15_000);
  const share = await shareOfFirst(gateway, load, 400);
  await load.stop();
  assert.ok(share > fairShare * 0.6, `its share is ${share}`);
});

test("a server without requests gets another chance after each fail_timeout", async (context) => {
  const { backends, gateway } = await startTimed(context, {}, [{ delay: 200 }, { delay: 40 }]);
  const [first] = backends;
  // Five requests are in flight when the sixth is sent. One of the three other servers has at most one of
  // them and costs 120, not 220.
  const load = startLoad(context, { port: gateway.port, connections: 6 });
  await shareOfFirst(gateway, load, 100);
  assert.equal(await shareOfFirst(gateway, load, 200), 0);
  first.behaviour = { delay: 40 };
  const started = performance.now();
  const before = first.requests.length;
  // After 11 s its expected time is halved. After 22 more responses it equals that of the other servers. A
  // busy machine may make the server seem slower, and a second period is then necessary.
  await waitFor("the server has responded 30 times", () => first.requests.length > before + 30, 35_000);
  assert.ok(performance.now() - started > 5000, "the server received no requests before");
  const share = await shareOfFirst(gateway, load, 300);
  await load.stop();
  assert.ok(share > fairShare * 0.6, `its share is ${share}`);
});

test("with a fail_timeout of 0 a slow server receives 1 of 11 requests, as in nginx", async (context) => {
  const [slow, fast] = await startBackends(context, 2);
  slow.behaviour = { delay: 1000 };
  const servers = [slow, fast].map(({ address }) => ({ server: address, fail_timeout: "0s" }));
  const gateway = await startGateway(context, {
    upstreams: { app: { method: "least_time", servers } },
    workers: 1,
  });
  for (let number = 0; number < 11; number += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.deepEqual([slow.requests.length, fast.requests.length], [1, 10]);
});
