/**
 * The same upstreams twice in one nginx: as upstreams of nginx's own, and as upstreams of Sluice. Requests
 * go to either, so that a spec can compare what becomes of them.
 */
import assert from "node:assert/strict";
import { startBackend } from "./backend.mjs";
import { begin } from "./clients.mjs";
import { startGateway } from "./gateway.mjs";
import { ask } from "./load.mjs";
import { waitFor } from "./wait.mjs";

/**
 * @typedef {object} Twin
 * @property {string} [directives] nginx's lines beside the servers
 * @property {object} [settings] the same for Sluice
 * @property {({ server: string } & Record<string, unknown>)[]} servers with the parameters of Sluice
 */

/** @typedef {import("./backend.mjs").Backend & { address: string }} Server */
/** @typedef {Awaited<ReturnType<typeof startTwins>>} Twins */

/** What nginx logs when servers fail on purpose. */
const FAILURES =
  /no live upstreams while connecting to upstream|prematurely closed connection|Connection reset by peer|Connection refused/;

/**
 * Starts servers that are called a, b, c, …
 * @param {import("node:test").TestContext} context
 * @param {number} count
 */
export async function startNamed(context, count) {
  const servers = [];
  for (const id of "abcdefgh".slice(0, count)) servers.push(await startBackend(context, { id }));
  return servers;
}

/** @param {Twin["servers"][number]} parameters */
function serverLine({ server, ...parameters }) {
  const words = Object.entries(parameters).map(([name, value]) =>
    value === true ? name : `${name}=${value}`,
  );
  return `server ${[server, ...words].join(" ")};`;
}

/** @param {[name: string, twin: Twin]} twin */
function nativeBlock([name, { directives = "", servers }]) {
  return `upstream native_${name} { zone native_${name} 256k; ${directives} ${servers.map(serverLine).join(" ")} }`;
}

/** @param {"native" | "sluice"} kind @param {string} group */
function location(kind, group) {
  const name = kind === "sluice" ? "sluice_upstream" : "native_upstream";
  return `location ~ ^/${kind}/(?<${name}>[^/]*)(?<rest>/.*)$ { proxy_pass http://${group}$rest$is_args$args; }`;
}

/**
 * Starts a gateway: `/native/<name>/…` leads to nginx's own upstream, `/sluice/<name>/…` to that of Sluice.
 * One worker, unless `options` say otherwise: then each sequence of servers is the same in each run.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, Twin>} twins
 * @param {import("./nginx_conf.mjs").Options} [options]
 */
export async function startTwins(context, twins, options = {}) {
  const upstreams = Object.fromEntries(
    Object.entries(twins).map(([name, { settings, servers }]) => [name, { ...settings, servers }]),
  );
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams,
    ...options,
    http: [
      "add_header X-Addresses $upstream_addr always;",
      ...Object.entries(twins).map(nativeBlock),
      options.http ?? "",
    ].join("\n"),
    traffic: [
      location("native", "native_$native_upstream"),
      location("sluice", "sluice_dynamic"),
      options.traffic ?? "",
    ].join("\n"),
  });
  gateway.log.allow(FAILURES);
  return gateway;
}

/**
 * Runs an action with the path of each kind of an upstream. Returns its results, which must be equal.
 * @template T
 * @param {string} name
 * @param {(path: string) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function bothKinds(name, action) {
  const theirs = await action(`/native/${name}`);
  const ours = await action(`/sluice/${name}`);
  assert.deepEqual(ours, theirs, `${name}: Sluice has another outcome than nginx`);
  return theirs;
}

/**
 * Sends requests one after another, and returns the names of the servers, or statuses of errors.
 * @param {{ port: number }} gateway
 * @param {string[]} paths
 * @param {{ headers?: Record<string, string> }} [options]
 */
export async function sequenceOf({ port }, paths, options) {
  const answers = [];
  for (const path of paths) {
    const { status, headers } = await ask(port, path, options);
    answers.push(headers["x-backend"] ?? String(status));
  }
  return answers.map(String);
}

/** @param {string} path @param {number} count @returns {string[]} */
export const repeated = (path, count) => Array(count).fill(path);

/** Counts each answer. @param {string[]} answers @returns {Record<string, number>} */
export function countsOf(answers) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const answer of [...answers].sort()) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

/**
 * Begins requests that servers hold, one after another: each is at a server, or was refused, when the next
 * one begins. Then all are answered. Returns the names of the servers, or statuses.
 * @param {import("node:test").TestContext} context
 * @param {{ port: number }} gateway
 * @param {Server[]} servers
 * @param {string[]} paths
 */
export async function holdInTurn(context, gateway, servers, paths) {
  const active = () => servers.reduce((sum, server) => sum + server.active, 0);
  await waitFor("no request is in flight", () => active() === 0);
  const endings = [];
  let refused = 0;
  for (const path of paths) {
    const { ending } = begin(context, gateway.port, path);
    endings.push(ending);
    void ending.then(({ status }) => (refused += status === 200 ? 0 : 1));
    await waitFor("the request is held or refused", () => active() + refused === endings.length);
  }
  for (const server of servers) server.release();
  const ends = await Promise.all(endings);
  await waitFor("no request is in flight", () => active() === 0);
  return ends.map(({ status, by }) => String(by ?? status));
}
