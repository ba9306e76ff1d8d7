import { setTimeout as sleep } from "node:timers/promises";
import { openClient } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newGateway, startBackend } from "./gateway.mjs";
import { schedule } from "./processes.mjs";
import { createUpstreams } from "./stored.mjs";

/** @typedef {configurations.Place} Place */

/**
 * @typedef {object} ProbeCost
 * @property {number} servers
 * @property {number} interval seconds
 * @property {number} perSecond checks
 * @property {number} failed
 * @property {number} percent of one core
 * @property {number} idlePercent the same without checks
 * @property {number} microseconds CPU time of one check
 */

const INTERVAL_SECONDS = 5;
const UPSTREAMS = 40;
const SERVERS_PER_UPSTREAM = 250;
/**
 * Lifetime of a connection. The measurement takes the same time, so that it includes opening the connections.
 */
const KEEPALIVE_SECONDS = 60;

const CHECK = { interval: `${INTERVAL_SECONDS}s`, keepalive_time: `${KEEPALIVE_SECONDS}s` };

/** Lua that counts the results of checks and shows the counts. @type {string} */
const counting = `
    local active = require("resty.sluice.health.active")
    local note_check, passed, failed = active.note_check, 0, 0
    function show_counts() ngx.print('{"passed":', passed, ',"failed":', failed, '}') end
    active.note_check = function(subject, config, has_passed, reason, now)
      if has_passed then passed = passed + 1 else failed = failed + 1 end
      note_check(subject, config, has_passed, reason, now)
    end`;

/** @param {Place} place */
function configuration(place) {
  return configurations
    .sluice({ ...place, addresses: [], sharedDict: "64m" }, {})
    .replace("init_by_lua_block {", `init_by_lua_block { ${counting}`)
    .replace(
      "location /memory",
      "location /counts { content_by_lua_block { show_counts() } } location /memory",
    );
}

/** @param {import("./gateway.mjs").Gateway} gateway */
async function counts(gateway) {
  const client = await openClient(gateway.place.apiPort);
  const { body } = await client.expect(200, "GET", "/counts");
  client.close();
  return JSON.parse(body);
}

/**
 * Counts a worker's checks and its CPU time during some seconds.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {number} seconds
 */
async function measure(gateway, seconds) {
  const before = { ...(await counts(gateway)), cpu: schedule(gateway.pid).cpu, at: performance.now() };
  await sleep(seconds * 1000);
  const after = { ...(await counts(gateway)), cpu: schedule(gateway.pid).cpu, at: performance.now() };
  return {
    passed: after.passed - before.passed,
    failed: after.failed - before.failed,
    cpu: after.cpu - before.cpu,
    seconds: (after.at - before.at) / 1000,
  };
}

/** @param {{ cpu: number, seconds: number }} measured */
function percentOf({ cpu, seconds }) {
  return (cpu / 1e6 / seconds) * 100;
}

/**
 * Measures the cost of active health checks for a worker: 10,000 servers, each every 5 s.
 * @returns {Promise<ProbeCost>}
 */
export async function measureProbes() {
  console.error("probes");
  const backend = await startBackend(SERVERS_PER_UPSTREAM);
  const gateway = await newGateway("nginx", configuration, [], 16);
  gateway.launch();
  await openClient(gateway.place.apiPort).then((client) => client.close());
  await gateway.findWorker();
  const idle = await measure(gateway, INTERVAL_SECONDS);
  await createUpstreams(gateway.place.apiPort, UPSTREAMS, backend.addresses, { health_check: CHECK });
  await sleep(INTERVAL_SECONDS * 1000);
  const probing = await measure(gateway, KEEPALIVE_SECONDS);
  await gateway.stop();
  await backend.stop();
  gateway.checkLog();
  const { cpu, failed, passed, seconds } = probing;
  return {
    servers: UPSTREAMS * SERVERS_PER_UPSTREAM,
    interval: INTERVAL_SECONDS,
    perSecond: passed / seconds,
    failed,
    percent: percentOf(probing),
    idlePercent: percentOf(idle),
    microseconds: cpu / passed,
  };
}
