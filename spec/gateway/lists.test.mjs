/** The lists of the NGINX Plus API, the counters of nginx itself, and empty objects for everything else. */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { signal } from "./support/processes.mjs";
import { assertOnlyIntegers } from "./support/status_types.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

const root = ["nginx", "processes", "connections", "slabs", "http", "resolvers", "ssl", "workers"];
const http = [
  "requests",
  "server_zones",
  "location_zones",
  "caches",
  "limit_conns",
  "limit_reqs",
  "keyvals",
  "upstreams",
];
const emptyMaps = [
  "ssl",
  "slabs",
  "resolvers",
  "http/server_zones",
  "http/location_zones",
  "http/caches",
  "http/limit_conns",
  "http/limit_reqs",
];

/** @param {import("./support/api.mjs").Api} api @param {string} path */
const read = (api, path) => api.expect(200, "GET", `/api/9/${path}`);

/** Waits until every worker has begun its work. @param {import("./support/gateway.mjs").Gateway} gateway */
async function allAreListed(gateway) {
  await waitFor("every worker is listed", async () => {
    const pids = (await read(gateway.api, "workers")).map(({ pid }) => pid);
    return gateway.workers().every((pid) => pids.includes(pid));
  });
}

test("the lists name the available resources, and each of them answers", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const { api } = gateway;
  const top = await read(api, "");
  const below = await read(api, "http");
  assert.ok(
    top.every((name) => root.includes(name)),
    `${top}`,
  );
  for (const name of ["nginx", "processes", "connections", "http", "workers"])
    assert.ok(top.includes(name), name);
  assert.ok(!top.includes("stream"), "clients do not ask for a resource that is not in the list");
  assert.ok(
    below.every((name) => http.includes(name)),
    `${below}`,
  );
  for (const name of ["requests", "upstreams"]) assert.ok(below.includes(name), name);

  for (const name of [...top, ...below.map((name) => `http/${name}`)]) {
    const answer = await api.get(`/api/9/${name}`);
    assert.equal(answer.status, 200, name);
    assert.match(answer.headers["content-type"] ?? "", /^application\/json\b/, name);
    assert.equal(typeof answer.body, "object", name);
    assertOnlyIntegers(answer.text);
  }
  for (const name of emptyMaps) assert.equal((await api.get(`/api/8/${name}`)).text.trim(), "{}", name);
});

test("every path of /stream answers 404, as the exporter expects", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  for (const path of ["", "/server_zones", "/upstreams", "/zone_sync", "/limit_conns"]) {
    assertErrorBody(await gateway.api.get(`/api/8/stream${path}`), 404, "PathNotFound");
  }
});

test("/nginx shows the version, the times and the processes", async (context) => {
  const started = Date.now();
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  const about = await read(api, "nginx");
  assert.match(about.version, /^\d+\.\d+\.\d+/);
  assert.equal(typeof about.build, "string");
  // nginx-plus-go-client reads the release as /-r(\d+)/, and requests a license since release 33.
  assert.equal(/-r(\d+)/.exec(about.build)?.[1], "32");
  assert.equal(about.address, "127.0.0.1");
  assert.equal(about.ppid, gateway.master);
  assert.ok(gateway.workers().includes(about.pid));
  for (const name of ["load_timestamp", "timestamp"]) {
    assert.match(about[name], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
  }
  const [loaded, now] = [Date.parse(about.load_timestamp), Date.parse(about.timestamp)];
  assert.ok(loaded >= started - 1100 && loaded <= now && now <= Date.now() + 1100);

  await gateway.reload();
  await waitFor("a worker of the new generation answers", async () => {
    const after = await read(api, "nginx");
    return after.generation === about.generation + 1 && Date.parse(after.load_timestamp) >= loaded;
  });
});

test("/processes counts the workers that died and were replaced", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  assert.deepEqual(await read(api, "processes"), { respawned: 0 });
  for (const deaths of [1, 2]) {
    // Only nginx's master would notice a worker that dies before it has started.
    await allAreListed(gateway);
    await gateway.killWorker();
    await waitFor("the death is counted", async () => (await read(api, "processes")).respawned === deaths);
  }
  await allAreListed(gateway);
  gateway.log.allow(/worker process \d+ exited on signal 9|shared memory zone "sluice" was locked by \d+$/);
  for (const pid of gateway.workers()) signal(pid, "SIGKILL");
  await waitFor("four at once are counted", async () => (await read(api, "processes")).respawned === 6);
  await allAreListed(gateway);
  await gateway.reload();
  assert.deepEqual(await read(api, "processes"), { respawned: 6 }, "a reload does not count as a death");
});

test("connections and requests are counted over all workers", async (context) => {
  const backend = await startBackend(context);
  const gateway = await startGateway(context, { servers: [backend.address], listen: "reuseport" });
  const { api } = gateway;
  const before = { connections: await read(api, "connections"), requests: await read(api, "http/requests") };
  assert.deepEqual(Object.keys(before.connections).toSorted(), ["accepted", "active", "dropped", "idle"]);
  assert.deepEqual(Object.keys(before.requests).toSorted(), ["current", "total"]);

  const load = startLoad(context, { port: gateway.port, connections: 8, total: 200 });
  await load.finished;
  const total = (await read(api, "http/requests")).total;
  // The count includes this request and the previous one.
  assert.ok(total >= before.requests.total + 201 && total <= before.requests.total + 203, `${total}`);

  const sockets = Array.from({ length: 10 }, () => createConnection(gateway.port, "127.0.0.1"));
  const answered = sockets.map((socket) => new Promise((resolve) => socket.once("data", resolve)));
  sockets.forEach((socket) => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await Promise.all(answered);
  await waitFor("the connections are idle", async () => (await read(api, "connections")).idle >= 10);
  const { accepted, active, dropped } = await read(api, "connections");
  assert.ok(accepted >= before.connections.accepted + 18, `accepted ${accepted}`);
  assert.ok(active >= 1, `active ${active}`);
  assert.equal(dropped, 0);
  sockets.forEach((socket) => socket.destroy());
});

test("/license answers and shows no license", async (context) => {
  const { api } = await startGateway(context, { servers: [] });
  assert.deepEqual(await read(api, "license"), { eval: false });
});

test("/workers has one entry for each worker", async (context) => {
  const gateway = await startGateway(context, { servers: [] });
  const { api } = gateway;
  const check = async () => {
    const workers = await read(api, "workers");
    assert.deepEqual(workers.map(({ id }) => id).toSorted(), [0, 1, 2, 3]);
    assert.deepEqual(new Set(workers.map(({ pid }) => pid)), new Set(gateway.workers()));
  };
  await allAreListed(gateway);
  await check();
  await gateway.killWorker();
  await allAreListed(gateway);
  await check();
});
