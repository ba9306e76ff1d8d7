/** Upstreams whose outlier detection looks for anomalies, and what the API shows of their servers. */
import { startBackends } from "./backend.mjs";
import { startLoad } from "./load.mjs";
import { sluice } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** Milliseconds, for a machine that is busy. */
const PATIENCE = 60_000;
/**
 * Short intervals, a smallest weight with which a server is judged every few of them, and a limit of
 * latencies that pauses of a busy machine do not reach.
 */
const quick = {
  interval: "300ms",
  anomaly_request_volume: 20,
  anomaly_latency_percent: 500,
  min_weight_percent: 5,
};
/** That smallest weight. */
export const LEAST = 0.05;

/**
 * @typedef {import("./backend.mjs").Backend} Backend
 * @typedef {import("./gateway.mjs").Gateway} Gateway
 */

/**
 * Starts servers. Returns them with the options of a gateway in front of them.
 * @param {import("node:test").TestContext} context
 * @param {number} count of servers
 * @param {object} outlier_detection
 * @param {object} [settings] of the upstream
 */
export async function prepareJudged(context, count, outlier_detection, settings = {}) {
  const backends = await startBackends(context, count);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const app = { servers, outlier_detection: { ...quick, ...outlier_detection }, ...settings };
  return { backends, options: { upstreams: { app }, listen: "reuseport" } };
}

/**
 * Lets a server fail 30 % of its requests at once. Returns a function that ends this.
 * @param {Backend} backend
 * @param {number} [status]
 */
export function failSometimes(backend, status = 500) {
  const usual = backend.behaviour;
  let turn = 0;
  const fail = () => {
    turn += 1;
    backend.behaviour = turn % 10 < 3 ? { status } : usual;
  };
  backend.server.prependListener("request", fail);
  return () => {
    backend.server.off("request", fail);
    backend.behaviour = usual;
  };
}

/**
 * Sends more than enough requests to judge servers.
 * @param {import("node:test").TestContext} context
 * @param {{ port: number }} gateway
 * @param {Partial<import("./load.mjs").Options>} [options]
 */
export function sendTo(context, { port }, options = {}) {
  return startLoad(context, { port, connections: 24, pause: 3, ...options });
}

/**
 * Returns the servers as explain shows them.
 * @param {Gateway} gateway
 */
export async function explainedServers({ api }) {
  const { servers } = await api.expect(200, "GET", `${sluice()}/explain`);
  return servers;
}

/**
 * Returns the distinct parts of its weight that the first server has had, in order, until it has `part`.
 * @param {Gateway} gateway
 * @param {number} part
 */
export async function followPart(gateway, part) {
  /** @type {number[]} */
  const seen = [];
  const isThere = async () => {
    const [{ weight }] = await explainedServers(gateway);
    if (seen.at(-1) !== weight.outlier) seen.push(weight.outlier);
    return weight.outlier === part;
  };
  await waitFor(`the first server has ${part} of its weight`, isThere, PATIENCE);
  return seen;
}

/**
 * Returns the part of the next requests that the first server gets.
 * @param {Backend[]} backends
 */
export async function nextShare(backends) {
  const count = () => backends.reduce((sum, { requests }) => sum + requests.length, 0);
  const [all, its] = [count(), backends[0].requests.length];
  await waitFor("many requests", () => count() - all >= 1500, PATIENCE);
  return (backends[0].requests.length - its) / (count() - all);
}

/**
 * Waits for so many problems among the events, and returns all.
 * @param {Gateway} gateway
 * @param {number} count
 */
export function waitForProblems({ api }, count) {
  return waitFor(
    `${count} problems`,
    async () => {
      const events = await api.expect(200, "GET", "/api/sluice/1/events");
      const problems = events.filter(({ problem }) => problem !== undefined);
      return problems.length >= count && problems;
    },
    PATIENCE,
  );
}
