/**
 * Outlier detection: the ejected servers, the time of ejections, and the number of simultaneous ejections.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { wasReset } from "./support/faults.mjs";
import { askInTurn, askUntilEjected, ejectionsOf, startWatched } from "./support/ejections.mjs";
import { startGateway } from "./support/gateway.mjs";
import { eventsOf } from "./support/health.mjs";
import { ask, startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { peersOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** How far the clock of a busy worker may be behind, in milliseconds. An ejection lasts 300. */
const CLOCK_LAG = 50;

for (const [percent, atMost] of [
  [10, 1],
  [50, 5],
]) {
  test(`when nine of ten servers answer 500 after a bad deploy, at most ${percent} % are ejected at a time`, async (context) => {
    const { gateway, backends } = await startWatched(context, 10, {
      consecutive_5xx: 5,
      base_ejection_time: "300ms",
      max_ejection_time: "600ms",
      max_ejection_percent: percent,
      interval: "200ms",
    });
    for (const backend of backends.slice(1)) backend.behaviour = { status: 500 };
    const load = startLoad(context, { port: gateway.port, connections: 16, pause: 15 });
    let seen = 0;
    const began = performance.now();
    // A busy machine may not see an ejection for some time.
    while (performance.now() < began + 2500 || (seen < atMost && performance.now() < began + 30_000)) {
      const peers = [...(await peersOf(gateway.api)).values()];
      seen = Math.max(seen, peers.filter(({ state }) => state === "unavail").length);
      await sleep(20);
    }
    await load.stop();

    const ejections = await ejectionsOf(gateway);
    // The servers that are ejected at the start of each ejection are counted by times and by the order of
    // events, because the clock of the ejecting worker may be behind that of one that has ended an ejection.
    const counts = ejections.map(({ from, number }, index) => {
      const isOut = ({ to, over }) => to > from + CLOCK_LAG && over > number;
      return ejections.slice(0, index + 1).filter(isOut).length;
    });
    assert.equal(Math.max(...counts), atMost, `${ejections.length} ejections: ${counts}`);
    // The end of an ejection is recorded at the first request, so at least this number is seen.
    assert.ok(seen >= atMost, `${seen} were seen to be ejected`);
    assert.ok(new Set(ejections.map(({ server }) => server)).size > atMost, "different servers are ejected");
    assert.ok(
      !ejections.some(({ server }) => server === backends[0].address),
      "the good server is never ejected",
    );
    assert.deepEqual([...load.errors.keys()], ["status 500"]);
    assert.ok((load.backends.get(backends[0].id) ?? 0) >= load.answers / 12, "the good server has its share");
  });
}

test("consecutive_5xx counts failures in a row over all workers, and a good response resets the count", async (context) => {
  const { gateway, backends } = await startWatched(context, 1, {
    consecutive_5xx: 4,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
    max_ejection_percent: 100,
  });
  const [backend] = backends;
  const statuses = [500, 503, 500, 200, 500, 501, 502, 404, 500, 500, 500];
  for (const status of statuses) await askInTurn(gateway, `/?status=${status}`);
  assert.deepEqual(await ejectionsOf(gateway), []);
  await askInTurn(gateway, "/?status=507");
  const [{ server, reason, seconds }] = await ejectionsOf(gateway);
  assert.deepEqual([server, reason, seconds], [backend.address, "4 responses of 5xx in a row", 3600]);
  const peer = (await peersOf(gateway.api)).get(backend.address);
  assert.deepEqual([peer.state, peer.unavail], ["unavail", 1]);
  assert.equal((await ask(gateway.port)).status, 200, "the only server still receives requests");
});

test("consecutive_gateway_failure counts 502, 503, 504 and missing answers, and another 5xx resets the count", async (context) => {
  const { gateway, backends } = await startWatched(context, 2, {
    consecutive_5xx: 0,
    consecutive_gateway_failure: 3,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
    max_ejection_percent: 50,
  });
  gateway.log.allow(wasReset);
  const [bad] = backends;
  const send = (/** @type {string} */ query) => {
    const before = bad.requests.length;
    return waitFor("the first server is asked", async () => {
      const good = backends[1].requests.length;
      await askInTurn(gateway, query, { method: "POST" });
      assert.ok(backends[1].requests.length <= good + 1);
      return bad.requests.length > before;
    });
  };
  // The other server answers every request with 200.
  const [answer] = backends[1].server.listeners("request");
  backends[1].server.removeAllListeners("request").on("request", (request, response) => {
    request.url = "/";
    answer.call(backends[1].server, request, response);
  });
  for (const query of ["status=502", "reset=1", "status=500", "status=503", "status=504", "status=200"])
    await send(`/?${query}`);
  assert.deepEqual(await ejectionsOf(gateway), []);
  for (const query of ["status=504", "reset=1", "status=502"]) await send(`/?${query}`);
  const [{ server, reason }] = await ejectionsOf(gateway);
  assert.deepEqual([server, reason], [bad.address, "3 gateway failures in a row"]);
});

test("a retried 429 does not count as a 5xx", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const outlier_detection = { consecutive_5xx: 2, max_ejection_percent: 50 };
  const upstreams = { app: { servers, outlier_detection } };
  const gateway = await startGateway(context, { upstreams, http: "proxy_next_upstream error http_429;" });
  const [full, other] = backends;
  full.behaviour = { status: 429 };
  // The delay lets several requests receive their 429 before one of them ends.
  other.behaviour = { delay: 50 };
  const load = startLoad(context, { port: gateway.port, connections: 16, total: 200 });
  await load.finished;
  assert.deepEqual([...load.errors], []);
  assert.ok(full.requests.length >= 80, `${full.requests.length} requests had a 429`);
  assert.deepEqual(await ejectionsOf(gateway), []);
});

test("each consecutive ejection lasts longer, up to a limit, and quiet intervals shorten the next one", async (context) => {
  const interval = 1500;
  const { gateway, backends } = await startWatched(context, 2, {
    consecutive_5xx: 2,
    base_ejection_time: "200ms",
    max_ejection_time: "500ms",
    max_ejection_percent: 50,
    interval: `${interval}ms`,
  });
  const [bad] = backends;
  bad.behaviour = { status: 500 };
  const ejections = await askUntilEjected(gateway, 4);
  assert.deepEqual(
    ejections.map(({ seconds }) => seconds),
    [0.2, 0.4, 0.5, 0.5],
  );
  for (const [index, { from }] of ejections.slice(1).entries())
    assert.ok(from >= ejections[index].to, "the server is ejected again after the end of the last ejection");
  // An ejected server receives no requests, so it has only the requests that lead to ejections.
  assert.ok(bad.requests.length <= 4 * 2 + 1, `the server had ${bad.requests.length} requests`);

  // Three of four consecutive ejections are forgotten after three intervals.
  bad.behaviour = {};
  await waitFor("the server answers", async () => (await ask(gateway.port)).text === bad.id);
  const [{ to }] = ejections.slice(-1);
  await waitFor("three intervals have gone by", () => Date.now() > to + 3 * interval + 20);
  bad.behaviour = { status: 500 };
  const [{ seconds, from }] = (await askUntilEjected(gateway, 5)).slice(4);
  assert.ok(from < to + 4 * interval, "the next ejection is within the fourth interval");
  assert.equal(seconds, 0.4);
  bad.behaviour = {};
  await waitFor("the server is up", async () => {
    await ask(gateway.port);
    return (await peersOf(gateway.api)).get(bad.address).state === "up";
  });
  const events = await gateway.api.expect(200, "GET", "/api/sluice/1/events");
  const last = events[events.length - 1];
  assert.deepEqual([last.old_state, last.new_state, last.reason], ["unavail", "up", "its ejection is over"]);
});

test("removing outlier_detection at run time ends all ejections", async (context) => {
  const { gateway, backends } = await startWatched(context, 2, {
    consecutive_5xx: 1,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
    max_ejection_percent: 50,
  });
  backends[0].behaviour = { status: 500 };
  await askUntilEjected(gateway, 1);
  backends[0].behaviour = {};
  await gateway.api.expect(200, "PATCH", sluice(), { outlier_detection: null });
  const reasons = async () =>
    (await eventsOf(gateway.api, backends[0].address)).slice(1).map(({ reason }) => reason);
  assert.deepEqual(await reasons(), ["its ejection is over"], "the event precedes all requests");
  await waitFor(
    "the server receives requests again",
    async () => (await ask(gateway.port)).text === backends[0].id,
  );
  const workers = new Set();
  await waitFor("every worker answers", async () => {
    return workers.add((await ask(gateway.port)).headers["x-worker"]).size === gateway.workerCount;
  });
  assert.deepEqual(await reasons(), ["its ejection is over"]);
});
