/** Probes of `least_load` while servers, workers and answers are not as usual, and its metrics. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { scrape } from "./support/metrics.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/**
 * Starts a gateway under load that probes two servers.
 * @param {import("node:test").TestContext} context
 * @param {string} query of the probes, which makes their answers
 * @param {number} [more] servers of the upstream at which nobody listens, which are down
 */
async function start(context, query, more = 0) {
  const backends = await startBackends(context, 2);
  for (const backend of backends) backend.behaviour = { delay: 5 };
  const least_load = {
    report: { in_flight: "$upstream_http_x_in_flight" },
    probe: { uri: `/load?${query}`, per_request: 1, timeout: "500ms" },
  };
  const servers = backends.map(({ address }) => ({ server: address }));
  const down = Array.from({ length: more }, (_, index) => ({
    server: `127.9.${index >> 8}.${index & 255}:9`,
    down: true,
  }));
  const upstreams = { app: { method: "least_load", least_load, servers: [...servers, ...down] } };
  const gateway = await startGateway(context, { upstreams, listen: "reuseport" });
  gateway.log.allow(/lua tcp socket read timed out|reset by peer/);
  const load = startLoad(context, { port: gateway.port, connections: 8 });
  return { backends, gateway, load };
}

/** The probes at a server. @param {import("./support/backend.mjs").Backend} backend */
function probesAt({ requests }) {
  return requests.filter(({ url }) => url?.startsWith("/load")).length;
}

/**
 * Waits until the reports of so many servers count.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {number} count
 */
async function waitForReports(gateway, count) {
  await waitFor(`the reports of ${count} servers count`, async () => {
    const { servers } = await gateway.api.expect(200, "GET", `${sluice()}/explain`);
    return servers.filter((/** @type {any} */ one) => one.load.elsewhere > 300).length === count;
  });
}

test("a report beside a body of megabytes counts, and requests go on", async (context) => {
  const { gateway, load } = await start(context, "in_flight=700&size=5000000");
  await waitForReports(gateway, 2);
  const { answers } = load;
  await waitFor("requests go on", () => load.answers >= answers + 300);
  await load.stop();
});

test("a server that is deleted during a probe is asked no more, and the other one is", async (context) => {
  const { backends, gateway, load } = await start(context, "in_flight=700&delay=200");
  const [deleted, kept] = backends;
  await waitFor("both were asked", () => backends.every((backend) => probesAt(backend) > 0));
  const { servers } = await gateway.api.expect(200, "GET", sluice());
  const { id } = servers.find((/** @type {any} */ one) => one.server === deleted.address);
  await gateway.api.expect(200, "DELETE", `/api/9/http/upstreams/app/servers/${id}`);
  const [before, others] = [probesAt(deleted), probesAt(kept)];
  await waitFor("the other one is asked again", () => probesAt(kept) >= others + 20);
  // Each worker may have begun one probe before the deletion.
  assert.ok(probesAt(deleted) <= before + gateway.workerCount);
  await waitForReports(gateway, 1);
  await load.stop();
});

test("new workers go on with the probes after a reload during probes", async (context) => {
  const { backends, gateway, load } = await start(context, "in_flight=700&delay=200");
  await waitFor("both were asked", () => backends.every((backend) => probesAt(backend) > 0));
  await load.stop();
  await gateway.reload();
  const before = backends.map(probesAt);
  const later = startLoad(context, { port: gateway.port, connections: 8 });
  await waitFor("both are asked again", () =>
    backends.every((backend, index) => probesAt(backend) >= before[index] + 10),
  );
  await later.stop();
  await waitForReports(gateway, 2);
});

test("two servers among 2,000 that are down are both asked", async (context) => {
  const { backends, gateway, load } = await start(context, "in_flight=700", 1998);
  await waitFor("both were asked", () => backends.every((backend) => probesAt(backend) >= 5));
  await waitForReports(gateway, 2);
  await load.stop();
});

test("the metrics show the requests of others and the expected time, in seconds", async (context) => {
  const { gateway, load } = await start(context, "in_flight=700");
  await waitForReports(gateway, 2);
  // A worker notes it now and then. The first note is of a time without reports.
  await waitFor("servers are hot with some requests", async () => {
    const metrics = await scrape(gateway);
    return (metrics.value("sluice_upstream_hot_requests", {}) ?? 0) > 0;
  });
  await load.stop();
  const metrics = await scrape(gateway);
  for (const { value } of metrics.all("sluice_upstream_server_requests_elsewhere", {}))
    assert.ok(value > 100 && value <= 700, `${value} requests`);
  const times = metrics.all("sluice_upstream_server_expected_seconds", {});
  assert.equal(times.length, 2);
  for (const { value } of times) assert.ok(value > 0.001 && value < 60, `${value} s`);
});
