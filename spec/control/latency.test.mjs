/**
 * With `load`, a slow server receives only as many requests as it can process, whichever path the servers use
 * for reports.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startGateway } from "../gateway/support/gateway.mjs";
import { PROBE_ERRORS } from "../gateway/support/health.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startBusyServers } from "./support/busy_servers.mjs";
import { quantile, startOpenLoop } from "./support/open_loop.mjs";
import { explain } from "./support/scaled.mjs";

/**
 * Requests per second: the capacity of the servers, and the load of each upstream. A quarter of the load
 * exceeds the capacity of the slow server.
 */
const CAPACITY = 120;
const SLOW_CAPACITY = CAPACITY / 4;
const RATE = 150;
/** Periods over which latencies are compared, in milliseconds. */
const WINDOW = 5000;
const SHORT_WINDOW = 2000;

/** The ways in which the servers of each upstream report, the slow one first. */
const DOORS = {
  pushed: ["renewal", "node", "push", "push"],
  in_band: ["header", "header", "header", "header"],
  agents: ["agent", "agent", "agent", "agent"],
  checked: ["check", "check", "check", "check"],
};

/** The servers of an upstream. Agents share a port, so each has its own address. @param {string} upstream */
async function serversFor(upstream) {
  const port = await freePort();
  const agentPort = await freePort();
  /** @type {string[]} */
  const doors = DOORS[upstream];
  return doors.map((door, index) => {
    const host = `127.0.9.${index + 1}`;
    const capacity = index === 0 ? SLOW_CAPACITY : CAPACITY;
    const id = doors.slice(0, index).filter((other) => other === door).length;
    return { upstream, door, id, host, port, agentPort, capacity };
  });
}

/** @param {Awaited<ReturnType<typeof serversFor>>} servers */
function settingsOf(servers) {
  const [{ agentPort, door }] = servers;
  const seeded = servers.filter((server) => server.door !== "node" && server.door !== "renewal");
  /** @type {Record<string, object>} */
  const checks = {
    agent: { type: "tcp", interval: "200ms", agent: { port: agentPort } },
    check: { interval: "200ms", uri: "/health", report: "load" },
  };
  return {
    servers: seeded.map(({ host, port }) => ({ server: `${host}:${port}`, max_fails: 0 })),
    health_check: checks[door],
  };
}

test("with load a slow server's p99 is within twice that of the others, and without load it is not", async (context) => {
  const servers = await Promise.all(Object.keys(DOORS).map(serversFor));
  const upstreams = Object.fromEntries(servers.map((some) => [some[0].upstream, settingsOf(some)]));
  const gateway = await startGateway(context, { workers: 2, upstreams, http: "lua_socket_log_errors off;" });
  // The gateway starts before the servers.
  gateway.log.allow(PROBE_ERRORS);
  const { api, port } = gateway;
  await startBusyServers(context, gateway.apiPort, servers.flat());
  for (const name of Object.keys(DOORS))
    await waitFor("four servers", async () => (await explain(api, name)).servers.length === 4);
  const loops = servers.map(([slow]) => ({
    name: slow.upstream,
    slow: `${slow.host}:${slow.port}`,
    loop: startOpenLoop(context, { port, path: `/to/${slow.upstream}`, rate: RATE }),
  }));

  /**
   * Returns the median and the p99 of the slow server and the highest of the other servers, in milliseconds;
   * undefined: there are too few answers.
   */
  const figures = ({ loop, slow }, milliseconds) => {
    const latencies = loop.latencies(milliseconds);
    const own = latencies.get(slow) ?? [];
    const others = [...latencies].filter(([server]) => server !== slow).map(([, some]) => some);
    if (own.length < 20 || others.length < 3) return undefined;
    return [0.5, 0.99].map((part) => [
      quantile(own, part),
      Math.max(...others.map((some) => quantile(some, part))),
    ]);
  };
  /**
   * Waits until the slow server fulfils a condition in all upstreams. The median must fulfil it as well,
   * because all servers may be slow for a moment.
   */
  const waitForRatio = async (what, milliseconds, isSo) => {
    const waiting = loops.map(async (loop) => {
      const isNow = async () => {
        await sleep(100);
        const now = figures(loop, milliseconds);
        if (now === undefined || !now.every(([slow, others]) => isSo(slow / others))) return false;
        const [slow, others] = now[1];
        return `${slow.toFixed(0)} ms, of the others ${others.toFixed(0)} ms`;
      };
      const shown = await waitFor(`${loop.name}: ${what}`, isNow, 60_000);
      context.diagnostic(`${loop.name}: ${what}: p99 ${shown}`);
    });
    await Promise.all(waiting);
  };

  await sleep(2 * SHORT_WINDOW);
  await waitForRatio("without load it is more than twice as slow", SHORT_WINDOW, (ratio) => ratio > 2);
  for (const name of Object.keys(DOORS)) {
    for (const { weight, report } of (await explain(api, name)).servers) {
      // Reports in responses are read only when `load` uses them.
      assert.equal(report?.accepted > 2, name !== "in_band", name);
      assert.equal(weight.effective, 1);
    }
  }

  const load = { update: "200ms", blackout: "1s" };
  for (const name of Object.keys(DOORS)) await api.expect(200, "PATCH", sluice(name), { load });
  await sleep(WINDOW);
  // Without load the slow server may have refused requests. From now on no request fails.
  for (const { loop } of loops) loop.errors.clear();
  await waitForRatio("with load the slow server is within twice", WINDOW, (ratio) => ratio <= 2);
  for (const { name, slow, loop } of loops) {
    assert.deepEqual([...loop.errors], [], name);
    const all = (await explain(api, name)).servers;
    const weightOf = (/** @type {any} */ { weight }) => weight.effective;
    const [own] = all.filter(({ server }) => server === slow);
    const others = all.filter(({ server }) => server !== slow);
    assert.ok(weightOf(own) < 0.8 * Math.min(...others.map(weightOf)), `${name}: ${all.map(weightOf)}`);
    assert.match(own.weight.reason, /by its load/);
    assert.ok(
      all.every(({ report }) => report.accepted > 20 && report.refused === 0),
      name,
    );
  }
});
