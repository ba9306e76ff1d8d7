/** `GET <prefix>/metrics`: formats, queries and access. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { OPENMETRICS, scrape } from "./support/metrics.mjs";
import { someAddress } from "./support/upstreams.mjs";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";

/** @typedef {import("./support/metrics.mjs").Metrics} Metrics */

test("Accept decides on the format, and HEAD has no body", async (context) => {
  const gateway = await startGateway(context, { servers: [someAddress(1)] });
  const { api } = gateway;
  const typeFor = async (accept) => (await api.get("/api/metrics", { accept })).headers["content-type"];
  const open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  assert.equal((await api.get("/api/metrics")).headers["content-type"], TEXT);
  assert.equal(await typeFor(OPENMETRICS), open);
  assert.equal(await typeFor(`text/plain;q=0.5,${OPENMETRICS};q=0.4`), TEXT);
  assert.equal(await typeFor(`text/plain;q=0.4,${OPENMETRICS};q=0.5`), open);
  assert.equal(await typeFor("application/json"), TEXT);

  const head = await api.send("HEAD", "/api/metrics", undefined, { accept: OPENMETRICS });
  assert.deepEqual([head.status, head.text, head.headers["content-type"]], [200, "", open]);
  const prometheus = await api.get("/api/metrics");
  const openmetrics = await api.get("/api/metrics", { accept: OPENMETRICS });
  assert.equal(openmetrics.text.slice(-6), "# EOF\n");
  assert.equal(prometheus.headers.vary, "Accept");
  assert.match(prometheus.text, /^# TYPE sluice_store_writes_total counter$/m);
  assert.match(openmetrics.text, /^# TYPE sluice_store_writes counter$/m);
  assert.match(openmetrics.text, /^# UNIT sluice_store_write_seconds seconds$/m);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    assertErrorBody(await api.send(method, "/api/metrics"), 405, "MethodDisabled");
});

test("any Accept and any query is answered, without an entry in the error log", async (context) => {
  const gateway = await startGateway(context, { servers: [someAddress(1)] });
  const { api } = gateway;
  const accepts = [
    ",;=",
    "a/b;q=x,*;q",
    ";".repeat(4000),
    '"'.repeat(100),
    "application/openmetrics-text;q=1e99",
  ];
  for (const accept of accepts) assert.equal((await api.get("/api/metrics", { accept })).status, 200, accept);
  const unknown = [
    "?upstream=",
    "?upstream",
    "?upstream=,",
    "?upstream=%00",
    "?upstream=%ff",
    "?upstream=app,x",
  ];
  for (const query of unknown)
    assertErrorBody(await api.get(`/api/metrics${query}`), 404, "UpstreamNotFound");
  for (const query of ["?", "?x=1", "?upstream=app&upstream=y", "?%", `?${"a=1&".repeat(200)}`])
    assert.equal((await api.get(`/api/metrics${query}`)).status, 200, query);
});

test("?upstream narrows the metrics to some upstreams, each shown once", async (context) => {
  const upstream = { servers: [{ server: someAddress(1) }] };
  const gateway = await startGateway(context, { upstreams: { a: upstream, b: upstream, "b:2": upstream } });
  const names = (/** @type {Metrics} */ metrics) =>
    new Set(metrics.samples.map(({ labels }) => labels.upstream));
  assert.deepEqual(names(await scrape(gateway, "?upstream=b")), new Set(["b"]));
  assert.deepEqual(names(await scrape(gateway, "?upstream=b:2,a,a")), new Set(["a", "b:2"]));
  assert.deepEqual(names(await scrape(gateway)), new Set(["a", "b", "b:2", undefined]));
});

test("metrics need the same access as other reads", async (context) => {
  const { api } = await startGateway(context, {
    servers: [someAddress(1)],
    setup: { api: { read_tokens: ["reader"], write_tokens: ["writer"] } },
  });
  assertErrorBody(await api.get("/api/metrics"), 401, "Unauthorized");
  for (const token of ["reader", "writer"])
    assert.equal((await api.get("/api/metrics", { Authorization: `Bearer ${token}` })).status, 200);
});
