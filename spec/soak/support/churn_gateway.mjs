/** A gateway with servers in processes of their own, for hours of changes, reloads, kills and failures. */
import { startGateway } from "../../gateway/support/gateway.mjs";
import { startServerProcess } from "../../gateway/support/server_process.mjs";
import { sluice, someAddress } from "../../gateway/support/upstreams.mjs";
import { measuringPage } from "./churn_measures.mjs";

const SERVERS = 6;
/** Upstreams that are always served, each by four of the servers. */
export const FIXED = ["round_robin", "least_conn", "least_time", "least_load", "random", "hash"];

/**
 * nginx logs failed servers, and requests for upstreams that do not exist at the moment. Locks of a killed
 * worker are released.
 */
const EXPECTED = [
  /connect\(\) failed|upstream timed out|upstream prematurely closed|recv\(\) failed|no live upstreams/,
  /while connecting to upstream|while reading response header from upstream|exited on signal 9|was locked by/,
];

/** @param {string[]} addresses */
function fixedUpstreams(addresses) {
  const bodies = FIXED.map((method, index) => [
    `fixed-${index}`,
    {
      method,
      ...(method === "hash" ? { hash: { key: "$request_uri" } } : {}),
      servers: [0, 1, 2, 3].map((step) => ({
        server: addresses[(index + step) % addresses.length],
        fail_timeout: "2s",
      })),
    },
  ]);
  return {
    app: { servers: addresses.map((server) => ({ server, fail_timeout: "2s" })) },
    ...Object.fromEntries(bodies),
  };
}

/**
 * Fills the list of the last 1,000 events, which would grow for hours otherwise.
 * @param {import("../../gateway/support/api.mjs").Api} api
 */
async function fillEvents(api) {
  const servers = Array.from({ length: 50 }, (_, index) => ({ server: someAddress(index) }));
  await api.expect(201, "PUT", sluice("filling"), { load: {}, servers });
  const isFull = async () => (await api.get("/api/sluice/1/events")).body.length === 1000;
  for (let turn = 0; turn < 40 && !(await isFull()); turn += 1) {
    const state = turn % 2 === 0 ? "drain" : "up";
    for (const id of servers.keys())
      await api.expect(204, "POST", `${sluice("filling")}/servers/${id}/report`, { utilization: 0.5, state });
  }
  if (!(await isFull())) throw new Error("the list of events is not full");
  await api.expect(204, "DELETE", sluice("filling"));
}

/**
 * @param {import("node:test").TestContext} context
 * @param {number} workers
 */
export async function startChurned(context, workers) {
  const servers = [];
  for (let number = 0; number < SERVERS; number += 1) servers.push(await startServerProcess(context));
  const addresses = servers.map(({ address }) => address);
  const upstreams = fixedUpstreams(addresses);
  const gateway = await startGateway(context, {
    workers,
    upstreams,
    dict: "16m",
    setup: { history: { changes: 200, max_size: "512k" } },
    http: "proxy_connect_timeout 2s; proxy_read_timeout 10s;",
    api: measuringPage,
  });
  gateway.log.allow(...EXPECTED);
  await fillEvents(gateway.api);
  return { gateway, servers, addresses, upstreams };
}
