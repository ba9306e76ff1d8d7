import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { ensureTestTools } from "../scripts/setup.mjs";
import { openClient } from "./client.mjs";
import * as configurations from "./configurations.mjs";
import { newFolder, newGateway, startBackend } from "./gateway.mjs";
import { freePort, start, stop } from "./processes.mjs";
import { quantile } from "./statistics.mjs";

/** @typedef {import("./client.mjs").Client} Client */
/** @typedef {configurations.Place} Place */

/**
 * The time until a server in a registry gets requests.
 *
 * @typedef {object} DiscoveryRow
 * @property {string} label
 * @property {number} changes
 * @property {number} median milliseconds
 * @property {number} p99
 * @property {number} max
 */

const WORKERS = 4;
/** Number of permanent servers; one more is added and removed repeatedly. */
const SERVERS = 2;
const PREFIX = "/upstreams/app/";

/** @param {string} text */
function base64(text) {
  return Buffer.from(text).toString("base64");
}

/** Starts a single etcd. */
async function startEtcd() {
  const [port, peerPort] = [await freePort(), await freePort()];
  const [url, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const own = ["--data-dir", join(newFolder(), "data"), "--log-level", "error", "--logger", "zap"];
  const clients = ["--listen-client-urls", url, "--advertise-client-urls", url];
  const peers = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
  const child = start("backend", [
    "etcd",
    ...own,
    ...clients,
    ...peers,
    "--initial-cluster",
    `default=${peer}`,
  ]);
  const client = await openClient(port);
  for (;;) {
    const { status } = await client.request("POST", "/v3/kv/range", { key: base64("a") });
    if (status === 200) return { url, client, stop: () => stop(child) };
  }
}

/** @param {Client} etcd @param {string} address */
async function put(etcd, address) {
  await etcd.expect(200, "POST", "/v3/kv/put", { key: base64(PREFIX + address), value: base64(address) });
}

/** @param {Client} etcd @param {string} address */
async function remove(etcd, address) {
  await etcd.expect(200, "POST", "/v3/kv/deleterange", { key: base64(PREFIX + address) });
}

/** Starts an application server that notes the time of its first request. */
async function startNewcomer() {
  const server = createServer((_request, response) => {
    newcomer.arrived ??= performance.now();
    response.end("ok");
  });
  server.keepAliveTimeout = 600_000;
  server.listen(await freePort(), "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const newcomer = {
    address: `127.0.0.1:${port}`,
    /** @type {number | undefined} */
    arrived: undefined,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return newcomer;
}

/**
 * Waits until the upstream has `count` servers.
 * @param {Client} api
 * @param {number} count
 */
async function waitForServers(api, count) {
  for (;;) {
    const { body } = await api.expect(200, "GET", "/api/9/http/upstreams/app/servers");
    if (JSON.parse(body).length === count) return;
  }
}

/**
 * Measures the time from etcd's acknowledgement of a new server to the first request at that server.
 * @param {{ discoveries: number }} options
 * @returns {Promise<DiscoveryRow>}
 */
export async function measureDiscovery({ discoveries }) {
  console.error("discovery");
  ensureTestTools(["etcd"]);
  const backend = await startBackend(SERVERS);
  const newcomer = await startNewcomer();
  const etcd = await startEtcd();
  for (const address of backend.addresses) await put(etcd.client, address);
  const upstream = { discovery: { etcd: { endpoints: [etcd.url], prefix: PREFIX } } };
  const configuration = (/** @type {Place} */ place) =>
    configurations.sluice({ ...place, sharedDict: "8m", workers: WORKERS }, { app: upstream });
  const gateway = await newGateway("nginx", configuration, backend.addresses, 16);
  gateway.launch();
  const api = await openClient(gateway.place.apiPort);
  await waitForServers(api, SERVERS);
  const traffic = await openClient(gateway.place.port);
  const times = [];
  for (let turn = 0; turn < discoveries; turn += 1) {
    await put(etcd.client, newcomer.address);
    const acknowledged = performance.now();
    while (newcomer.arrived === undefined) await traffic.expect(200, "GET", "/");
    times.push(Math.max(0, newcomer.arrived - acknowledged));
    await remove(etcd.client, newcomer.address);
    await waitForServers(api, SERVERS);
    // Earlier requests have ended now.
    await traffic.expect(200, "GET", "/");
    newcomer.arrived = undefined;
  }
  for (const client of [api, traffic, etcd.client]) client.close();
  gateway.checkLog();
  await gateway.stop();
  await etcd.stop();
  await backend.stop();
  newcomer.stop();
  return {
    label: "etcd",
    changes: discoveries,
    median: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: Math.max(...times),
  };
}
