/** Active health checks: the probed servers, the times of probes, and the number of probing workers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Api } from "./support/api.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { resultsOf, startProbed, startProber, timeToQuit } from "./support/probes.mjs";
import { signal } from "./support/processes.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const INTERVAL = 1000;
const health_check = { interval: "1s" };
/**
 * How late the gateway makes a probe at most, in milliseconds and as a part of the interval. It skips a probe
 * that would be later.
 */
const LATEST = 1000;
const LATEST_PART = 0.5;
/** How much later this process notes the arrival of a probe at most, in milliseconds, on a busy machine. */
const UNNOTICED = 400;
/** The limits of the times between probes with jitter, in milliseconds. */
const EARLY = 600;
const LATE = 900;

/** @param {import("node:test").TestContext} context @param {number} count */
async function startManyProbed(context, count) {
  const servers = [];
  for (let number = 0; number < count; number += 1) servers.push(await startProbed(context));
  return servers;
}

/**
 * Asserts that each server is probed once per interval. Each probe may be late, and the next one is on time
 * nevertheless, so the probes are compared with a schedule, and not each with the one before. A missing
 * probe, or one that is made twice, moves all later ones by an interval.
 * @param {{ address: string, arrivals: number[] }[]} servers
 * @param {number} [interval]
 */
function assertRhythm(servers, interval = INTERVAL) {
  const most = Math.min(LATEST, interval * LATEST_PART) + UNNOTICED;
  for (const { address, arrivals } of servers) {
    const delays = arrivals.map((at, index) => at - arrivals[0] - index * interval);
    const spread = Math.max(...delays) - Math.min(...delays);
    assert.ok(spread < most, `${address}: a probe is missing, early or late: ${delays.map(Math.round)}`);
  }
}

test("four workers probe each server once per interval, through a reload and the kill -9 of a worker", async (context) => {
  // A probe that is late by more than half an interval is skipped. A new worker needs some of that to start.
  const interval = 2000;
  const servers = await startManyProbed(context, 12);
  const gateway = await startProber(
    context,
    { interval: "2s" },
    servers.map(({ address }) => address),
  );
  const began = performance.now();
  const probedAgain = (/** @type {number} */ times) => {
    const wanted = servers.map(({ arrivals }) => arrivals.length + times);
    return waitFor(`each server is probed ${times} times`, () =>
      servers.every(({ arrivals }, index) => arrivals.length >= wanted[index]),
    );
  };
  await probedAgain(2);
  await gateway.reload();
  await probedAgain(2);
  await gateway.killWorker();
  await probedAgain(3);
  assertRhythm(servers, interval);
  const intervals = (performance.now() - began) / interval;
  for (const { address, arrivals } of servers) {
    const shown = `${address}: ${arrivals.length} probes in ${intervals} intervals`;
    assert.ok(arrivals.length >= intervals - 2 && arrivals.length <= intervals + 2, shown);
  }
});

test("at the start the checks of an upstream are spread over the interval", async (context) => {
  const servers = await startManyProbed(context, 10);
  await startProber(
    context,
    { interval: "2s" },
    servers.map(({ address }) => address),
  );
  await waitFor("each server has been probed", () => servers.every(({ arrivals }) => arrivals.length > 0));
  const times = servers.map(({ arrivals }) => arrivals[0]).sort((one, other) => one - other);
  const span = times[times.length - 1] - times[0];
  assert.ok(span > 1500 && span < 2300, `the first probes came within ${span} ms`);
  for (const [index, time] of times.slice(1).entries()) {
    assert.ok(time - times[index] < 500, `there was no probe for ${time - times[index]} ms`);
  }
});

test("jitter delays each probe by a random time", async (context) => {
  const servers = await startManyProbed(context, 4);
  await startProber(
    context,
    { interval: "1s", jitter: "600ms" },
    servers.map(({ address }) => address),
  );
  await waitFor("each has been probed four times", () =>
    servers.every(({ arrivals }) => arrivals.length > 3),
  );
  const gaps = servers.flatMap((server) => server.gaps());
  for (const gap of gaps) assert.ok(gap > INTERVAL - EARLY && gap < INTERVAL + 600 + LATE, `${gap} ms`);
  assert.ok(Math.max(...gaps) - Math.min(...gaps) > 100, `the intervals are ${gaps}`);
});

test("an added server is probed at once, and a deleted one never again", async (context) => {
  const [first, second] = await startManyProbed(context, 2);
  const gateway = await startProber(context, { interval: "1h" }, [first.address]);
  const { id } = await gateway.api.expect(201, "POST", serversOf(), { server: second.address });
  await waitFor("the added server is probed at once", () => second.arrivals.length > 0);
  await gateway.api.expect(200, "PATCH", sluice(), { health_check });
  await waitFor(
    "both servers are probed often",
    () => second.arrivals.length > 2 && first.arrivals.length > 2,
  );
  await gateway.api.expect(200, "DELETE", `${serversOf()}/${id}`);
  const probes = second.arrivals.length;
  const others = first.arrivals.length;
  await waitFor("the other is probed as before", () => first.arrivals.length >= others + 3);
  assert.equal(second.arrivals.length, probes);
});

test("changes of other servers or of a server's weight do not change the times of its probes", async (context) => {
  const server = await startProbed(context);
  const gateway = await startProber(context, { interval: "1s" }, [server.address]);
  for (let turn = 0; turn < 30; turn += 1) {
    const { id } = await gateway.api.expect(201, "POST", serversOf(), { server: someAddress(turn) });
    await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 + turn });
    await gateway.api.expect(200, "DELETE", `${serversOf()}/${id}`);
    await sleep(100);
  }
  assertRhythm([server]);
  assert.ok(server.arrivals.length >= 2);
});

test("a server with down is not probed until down is removed", async (context) => {
  const server = await startProbed(context);
  const gateway = await startProber(context, { interval: "1s" }, []);
  await gateway.api.expect(201, "POST", serversOf(), { server: server.address, down: true });
  await sleep(1.5 * INTERVAL);
  assert.equal(server.arrivals.length, 0);
  const [{ id }] = await gateway.api.expect(200, "GET", serversOf());
  await gateway.api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: false });
  await waitFor("the server is probed", () => server.arrivals.length > 0, 300);
});

test("adding and removing 1,000 servers leaves no probes behind", async (context) => {
  const server = await startProbed(context);
  const gateway = await startProber(context, { interval: "1s" }, [server.address]);
  const many = Array.from({ length: 1000 }, (_, number) => ({ server: someAddress(number) }));
  const last = many[999].server;
  await gateway.api.expect(200, "PUT", sluice(), {
    health_check,
    servers: [{ server: server.address }, ...many],
  });
  await waitFor("the last is probed", () => resultsOf(gateway, last).length > 0, 4000);
  await gateway.api.expect(200, "PUT", sluice(), { health_check, servers: [{ server: server.address }] });
  await sleep(300);
  const probed = gateway.log.text().match(/probe <app 127\.1\d\./g)?.length;
  await sleep(2.5 * INTERVAL);
  assert.equal(gateway.log.text().match(/probe <app 127\.1\d\./g)?.length, probed);
  assertRhythm([server]);
});

test("a deleted upstream is no longer probed, and a new one of the same name starts fresh", async (context) => {
  const server = await startProbed(context);
  const gateway = await startProber(context, { interval: "1s" }, [server.address]);
  await waitFor("the server is probed", () => server.arrivals.length > 0);
  await gateway.api.expect(204, "DELETE", sluice());
  const probes = server.arrivals.length;
  await sleep(1.5 * INTERVAL);
  assert.equal(server.arrivals.length, probes);
  await gateway.api.expect(201, "PUT", sluice(), { health_check, servers: [{ server: server.address }] });
  await waitFor("the server is probed again", () => server.arrivals.length > probes, 300);
});

test("a worker that was stopped catches up with hundreds of changes and does not probe in a burst", async (context) => {
  const servers = await startManyProbed(context, 20);
  const added = await startManyProbed(context, 2);
  const gateway = await startProber(
    context,
    { interval: "1s" },
    servers.map(({ address }) => address),
    { workers: 2 },
  );
  await waitFor("each server has been probed", () => servers.every(({ arrivals }) => arrivals.length > 0));
  // The kernel may assign new connections to the stopped worker, so this connection is opened before.
  const api = new Api({ port: gateway.apiPort, keepAlive: true });
  const { headers } = await api.get("/api/9/http/upstreams");
  const stopped = Number(gateway.workers().find((pid) => String(pid) !== headers["x-worker"]));
  signal(stopped, "SIGSTOP");
  for (let turn = 0; turn < 300; turn += 1) {
    await api.expect(201, "PUT", sluice(`other${turn}`), { servers: [] });
  }
  // Each worker probes one of two consecutive rows.
  for (const { address } of added) await api.expect(201, "POST", serversOf(), { server: address });
  await sleep(2.5 * INTERVAL);
  signal(stopped, "SIGCONT");
  api.close();
  const started = performance.now();
  await waitFor(
    "both added servers are probed",
    () => added.every(({ arrivals }) => arrivals.length > 0),
    300,
  );
  await sleep(INTERVAL);
  const late = servers.filter(({ arrivals }) => arrivals.some((at) => at > started && at < started + 100));
  assert.ok(late.length <= 12, `${late.length} of 20 servers are probed within 0.1 s`);
});

test("nginx quits at once while probes hang", async (context) => {
  const servers = [];
  for (let number = 0; number < 20; number += 1) servers.push(await startProbed(context, () => {}));
  const check = { interval: "1s", timeout: "30s" };
  const gateway = await startProber(
    context,
    check,
    servers.map(({ address }) => address),
  );
  await waitFor("each server has a probe", () => servers.every(({ arrivals }) => arrivals.length > 0));
  const milliseconds = await timeToQuit(gateway);
  assert.ok(milliseconds < 10_000, `the stop took ${milliseconds} ms`);
});
