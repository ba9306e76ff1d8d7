/** Debian's prometheus-nginx-exporter can read the API like that of NGINX Plus. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend, startBackends } from "./support/backend.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { becomes } from "./support/health.mjs";
import { startLoad } from "./support/load.mjs";
import { freePort } from "./support/ports.mjs";
import { signal, startGroup } from "./support/processes.mjs";
import { peersOf, settledPeersOf, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/**
 * Starts the exporter. Returns a function that scrapes it and returns the values of all series by name with
 * labels.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/gateway.mjs").Gateway} gateway
 */
async function startExporter(context, gateway) {
  const port = await freePort();
  const exporter = startGroup("prometheus-nginx-exporter", [
    "-nginx.plus",
    `-nginx.scrape-uri=http://127.0.0.1:${gateway.apiPort}/api`,
    `-web.listen-address=127.0.0.1:${port}`,
  ]);
  let complaint = "";
  exporter.stderr?.setEncoding("utf8").on("data", (text) => (complaint += text));
  exporter.on("error", (cause) => (complaint += cause.message));
  atEnd(context, () => exporter.pid && signal(-exporter.pid, "SIGKILL"));

  const scrape = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    assert.equal(response.status, 200, await response.clone().text());
    const lines = (await response.text()).split("\n").filter((line) => /^nginx/.test(line));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
    );
  };
  await waitFor("the exporter serves", () => scrape().catch(() => false)).catch(() => {
    throw new Error(`the exporter does not serve: ${complaint}`);
  });
  return scrape;
}

test("the exporter reads the right figures of every server", async (context) => {
  const backends = await startBackends(context, 3);
  const unix = await startBackend(context, { path: `/tmp/sluice-exporter-${process.pid}.sock` });
  const all = [...backends, unix];
  const servers = all.map(({ address }, index) => ({ server: address, weight: index + 1 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers }, empty: {} } });
  const { api } = gateway;
  const scrape = await startExporter(context, gateway);
  assert.equal((await scrape()).get("nginxplus_up"), 1, "before any request");

  const one = startLoad(context, { port: gateway.port, connections: 8, total: 400 });
  await one.finished;
  const two = startLoad(context, {
    port: gateway.port,
    connections: 8,
    total: 200,
    path: "/?status=404&size=500",
  });
  await two.finished;
  await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
  await api.expect(200, "PATCH", `${serversOf()}/1`, { down: true });

  const peers = await settledPeersOf(api);
  const series = await scrape();
  assert.equal(series.get("nginxplus_up"), 1);
  const states = [2, 3, 1, 1];
  for (const [index, backend] of all.entries()) {
    const { address, requests } = backend;
    const value = (name, label = "") =>
      series.get(`nginxplus_upstream_server_${name}{${label}server="${address}",upstream="app"}`);
    const { read, written } = backend.bytes();
    const found = requests.filter(({ status }) => status === 200).length;
    assert.equal(value("requests"), requests.length, address);
    assert.equal(value("responses", 'code="2xx",'), found, address);
    assert.equal(value("responses", 'code="4xx",'), requests.length - found, address);
    assert.deepEqual([value("sent"), value("received")], [read, written], address);
    assert.deepEqual([value("active"), value("fails"), value("unavail")], [0, 0, 0], address);
    assert.equal(value("state"), states[index], address);
    assert.equal(value("response_time"), peers.get(address).response_time, address);
  }
  assert.equal(
    all.reduce((sum, { requests }) => sum + requests.length, 0),
    600,
  );
  for (const name of [
    "connections_accepted",
    "connections_active",
    "http_requests_total",
    "http_requests_current",
  ]) {
    assert.ok((series.get(`nginxplus_${name}`) ?? -1) >= 0, name);
  }
});

test("the exporter reads health", async (context) => {
  const [well, ill] = await startBackends(context, 2);
  ill.behaviour = { status: 503 };
  const servers = [well, ill].map(({ address }) => ({ server: address }));
  const health_check = { uri: "/health", interval: "200ms" };
  const gateway = await startGateway(context, { upstreams: { app: { servers, health_check } } });
  const scrape = await startExporter(context, gateway);
  await becomes(gateway.api, ill.address, "unhealthy");
  await waitFor(
    "the other was checked",
    async () => (await peersOf(gateway.api)).get(well.address).health_checks.checks,
  );
  const series = await scrape();
  assert.equal(series.get("nginxplus_up"), 1);
  const value = (name, { address }) =>
    series.get(`nginxplus_upstream_server_${name}{server="${address}",upstream="app"}`);
  assert.deepEqual([value("state", well), value("state", ill)], [1, 6]);
  assert.deepEqual([value("health_checks_unhealthy", well), value("health_checks_unhealthy", ill)], [0, 1]);
  assert.equal(value("health_checks_checks", ill), value("health_checks_fails", ill));
  assert.equal(value("health_checks_fails", well), 0);
});

test("the exporter works while upstreams are created and deleted", async (context) => {
  const gateway = await startGateway(context, { upstreams: {} });
  const { api } = gateway;
  const scrape = await startExporter(context, gateway);
  for (let turn = 0; turn < 5; turn += 1) {
    await api.expect(201, "PUT", sluice(`u${turn}`), {
      servers: [{ server: "127.0.0.1:9" }, { server: "[::1]:9" }],
    });
    assert.equal((await scrape()).get("nginxplus_up"), 1);
    await api.expect(204, "DELETE", sluice(`u${turn}`));
    assert.equal((await scrape()).get("nginxplus_up"), 1);
  }
});
