/** `"max_conns": "adaptive"`: the gateway finds how many requests each server can have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { scrape } from "./support/metrics.mjs";
import { watchPeaks } from "./support/peaks.mjs";
import { WAITING } from "./support/queues.mjs";
import { OpenLoad, startSlots } from "./support/slots.mjs";
import { serversOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const UPSTREAM = "/api/sluice/1/upstreams/app";
const FIRST_LIMIT = 20;

/** @param {import("./support/api.mjs").Api} api @returns {Promise<number[]>} the present limits */
async function limitsOf(api) {
  const { servers } = await api.expect(200, "GET", `${UPSTREAM}/status`);
  return servers.map((/** @type {{ max_conns: number }} */ { max_conns }) => max_conns);
}

/**
 * Loads a gateway in front of servers with slots.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {number} rate
 * @param {number} deadline
 */
function startOpenLoad(context, gateway, rate, deadline) {
  const load = new OpenLoad(gateway.port, rate, deadline);
  atEnd(context, () => load.stop());
  return load;
}

/** Time in which a rate is measured, in milliseconds, and the most of these times until it is as expected. */
const WINDOW = 4000;
const MOST_WINDOWS = 30;

/**
 * Measures until the figures of a window are as expected: other programs of a busy machine disturb some.
 * @param {OpenLoad} load
 * @param {(figures: import("./support/slots.mjs").Figures) => string | undefined} judge names what is wrong
 */
async function figuresOf(load, judge) {
  let problem;
  for (let window = 0; window < MOST_WINDOWS; window += 1) {
    load.reset();
    await sleep(WINDOW);
    const figures = load.figures();
    problem = judge(figures);
    if (problem === undefined) return figures;
  }
  return assert.fail(problem);
}

test("at twice the capacity, the servers do as much as at their capacity, and answers come in time", async (context) => {
  // Times are long, so that pauses of a busy machine are short beside them.
  const [slots, work, deadline] = [4, 200, 2000];
  const servers = [await startSlots(context, slots, work), await startSlots(context, slots, work)];
  const capacity = (servers.length * slots * 1000) / work;
  const gateway = await startGateway(context, {
    upstreams: {
      app: {
        method: "least_conn",
        queue: { size: 2, timeout: "200ms" },
        servers: servers.map(({ address }) => ({ server: address, max_conns: "adaptive" })),
      },
    },
    traffic: WAITING,
    listen: "reuseport",
    workers: 4,
  });

  const load = startOpenLoad(context, gateway, 2 * capacity, deadline);
  // With the first limit, a response takes a second.
  const figures = await figuresOf(load, ({ perSecond, p99, others, sent }) => {
    if (perSecond <= 0.6 * capacity) return `${perSecond} answers a second`;
    if (p99 >= deadline / 2) return `99 % within ${p99} ms`;
    if ((others["503"] ?? 0) === 0) return "a full queue is answered with 503";
    return (others.late ?? 0) < 0.02 * sent ? undefined : `${others.late} late answers`;
  });
  await load.stop();
  context.diagnostic(`capacity ${capacity} a second; with twice of it: ${JSON.stringify(figures)}`);
});

test("both APIs take and show an adaptive limit, and each view has the present one", async (context) => {
  const [backend] = await startBackends(context, 1);
  const { api } = await startGateway(context, {
    upstreams: { app: { servers: [{ server: backend.address, max_conns: "adaptive" }] } },
  });
  const configured = await api.expect(200, "GET", UPSTREAM);
  assert.equal(configured.servers[0].max_conns, "adaptive");
  assert.equal((await api.expect(200, "GET", `${serversOf()}/0`)).max_conns, FIRST_LIMIT);
  const { peers } = await api.expect(200, "GET", "/api/9/http/upstreams/app");
  assert.equal(peers[0].max_conns, FIRST_LIMIT);
  const status = await api.expect(200, "GET", `${UPSTREAM}/status`);
  assert.deepEqual(
    [status.servers[0].max_conns, status.servers[0].limit.max_conns],
    [FIRST_LIMIT, FIRST_LIMIT],
  );
  const explained = await api.expect(200, "GET", `${UPSTREAM}/explain`);
  assert.equal(explained.servers[0].limit.max_conns, FIRST_LIMIT);

  const changed = await api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns: 7 });
  assert.equal(changed.max_conns, 7);
  assert.equal((await api.expect(200, "GET", `${UPSTREAM}/explain`)).servers[0].limit, undefined);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns: "adaptive" });
  await api.expect(200, "PATCH", UPSTREAM, { adaptive_limit: { max: 5 } });
  assert.deepEqual(await limitsOf(api), [5]);
  assert.deepEqual((await api.expect(200, "GET", UPSTREAM)).adaptive_limit, {
    min: 1,
    max: 5,
    tolerance: 1.5,
  });
});

test("metrics have the limits of adaptive servers only", async (context) => {
  const [one, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    upstreams: {
      app: {
        servers: [
          { server: one.address, max_conns: "adaptive" },
          { server: other.address, max_conns: 9 },
        ],
      },
    },
  });
  const samples = (await scrape(gateway)).samples
    .filter(({ name }) => /^sluice_upstream_server_(adaptive_limit|max_conns)$/.test(name))
    .map(({ name, value }) => `${name} ${value}`);
  assert.deepEqual(samples.sort(), [
    "sluice_upstream_server_adaptive_limit 20",
    "sluice_upstream_server_max_conns 20",
    "sluice_upstream_server_max_conns 9",
  ]);
});

test("all workers keep to the present limit, and a change to a number and back holds at once", async (context) => {
  const [limited, backup] = await startBackends(context, 2);
  limited.behaviour = { delay: 20 };
  const gateway = await startGateway(context, {
    upstreams: {
      app: {
        adaptive_limit: { min: 4, max: 4 },
        servers: [
          { server: limited.address, max_conns: "adaptive" },
          { server: backup.address, backup: true },
        ],
      },
    },
    listen: "reuseport",
    workers: 4,
  });
  const load = startLoad(context, { port: gateway.port, connections: 60 });
  for (const [max_conns, wanted] of [
    ["adaptive", 4],
    [9, 9],
    ["adaptive", 4],
  ]) {
    await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { max_conns });
    await load.round();
    const peaks = watchPeaks([limited]);
    await waitFor(`the server has ${wanted} requests`, () => peaks.highest()[0] >= Number(wanted));
    for (let round = 0; round < 3; round += 1) await load.round();
    peaks.stop();
    assert.deepEqual(peaks.highest(), [wanted]);
  }
  await load.stop();
});

test("a limit survives a reload", async (context) => {
  const servers = [await startSlots(context, 2, 100)];
  const gateway = await startGateway(context, {
    upstreams: {
      app: { servers: servers.map(({ address }) => ({ server: address, max_conns: "adaptive" })) },
    },
  });
  gateway.log.allow(/no live upstreams while connecting to upstream/);
  const load = startOpenLoad(context, gateway, 60, 2000);
  await waitFor("the limit has fallen", async () => (await limitsOf(gateway.api))[0] <= 10, 60_000);
  await load.stop();
  const [before] = await limitsOf(gateway.api);
  await gateway.reload();
  const [after] = await limitsOf(gateway.api);
  assert.ok(after <= before + 5, `${before} before the reload, and ${after} after it`);
});
