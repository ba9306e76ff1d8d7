/**
 * A listing of many servers reads only the requested part, works most of its time, and lets other requests
 * run in between.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { startGateway } from "./support/gateway.mjs";
import { peersOf, serversOf, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const all = "/api/9/http/upstreams";
const UPSTREAMS = 100;
const SERVERS = 200;
const MILLION = 1e6;

/** Lua code that creates the upstreams at the start. */
const seeds = `
  local upstreams = {}
  for number = 1, ${UPSTREAMS} do
    local servers = {}
    for place = 1, ${SERVERS} do
      local address = string.format("10.0.%d.%d:8080", number, place)
      servers[place] = { server = address, weight = place % 2 + 1 }
    end
    upstreams["u" .. number] = { servers = servers }
  end
  require("resty.sluice").setup({ upstreams = upstreams })`;

/**
 * Returns the times for which a process has run and has waited for a processor, in milliseconds.
 * @param {number} pid
 */
function timesOf(pid) {
  const [running, waiting] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ").map(Number);
  return { running: running / MILLION, waiting: waiting / MILLION };
}

/**
 * Reads a listing, and returns the times of its worker in milliseconds. `idle`: the time of neither work nor
 * a wait for a processor.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} path
 */
async function cost(gateway, path) {
  const [pid] = gateway.workers();
  const before = timesOf(pid);
  const began = performance.now();
  const bytes = await new Promise((resolve, reject) => {
    const sent = get({ host: "127.0.0.1", port: gateway.apiPort, path, agent: false }, (response) => {
      let count = 0;
      response.on("data", (piece) => (count += piece.length));
      response.on("end", () => resolve(count));
    });
    sent.on("error", reject);
  });
  const elapsed = performance.now() - began;
  const after = timesOf(pid);
  const running = after.running - before.running;
  return { bytes, running, idle: elapsed - running - (after.waiting - before.waiting) };
}

/** Returns the best of several tries, because on a busy machine the worker also waits for the client. */
async function bestCost(gateway, path) {
  const costs = [];
  for (let turn = 0; turn < 8; turn += 1) costs.push(await cost(gateway, path));
  return costs.toSorted((a, b) => a.idle / a.running - b.idle / b.running)[0];
}

test("a listing of 20,000 servers pauses for at most half as long as it works", async (context) => {
  const gateway = await startGateway(context, { workers: 1, dict: "64m", stateDir: null, initLua: seeds });
  const { bytes, running, idle } = await bestCost(gateway, all);
  assert.ok(bytes > UPSTREAMS * SERVERS * 250, `${bytes} bytes`);
  assert.ok(idle < running / 2, `the worker was idle for ${idle} ms and worked for ${running} ms`);
  const { api } = gateway;
  const listed = await api.expect(200, "GET", all);
  assert.equal(Object.keys(listed).length, UPSTREAMS);
  assert.deepEqual(listed.u7, await api.expect(200, "GET", `${all}/u7`));
  assert.deepEqual(
    listed.u7.peers.map(({ id, server, weight }) => ({ id, server, weight })),
    (await api.expect(200, "GET", serversOf("u7"))).map(({ id, server, weight }) => ({ id, server, weight })),
  );

  // Fields of the upstream do not require its servers.
  let whole = 0;
  let zones = 0;
  for (let turn = 0; turn < 5; turn += 1) {
    whole += (await cost(gateway, all)).running;
    zones += (await cost(gateway, `${all}?fields=zone,zombies`)).running;
  }
  assert.ok(zones < whole / 6, `${zones} ms for two members, ${whole} ms for all`);
});

test("a worker serves others while it lists the servers of one large upstream", async (context) => {
  const servers = Array.from({ length: 8000 }, (_, number) => ({ server: someAddress(number) }));
  const gateway = await startGateway(context, { workers: 1, dict: "64m", upstreams: { app: { servers } } });
  const other = new Api({ port: gateway.apiPort, keepAlive: true });
  await waitFor("many others are answered meanwhile", async () => {
    let isListed = false;
    let answered = 0;
    const listing = gateway.api.get(`${all}/app`).then(() => (isListed = true));
    // The first request may run before the listing.
    while (!isListed) {
      await other.expect(200, "GET", "/api/9");
      if (!isListed) answered += 1;
    }
    await listing;
    return answered > 5;
  });
});

test("every path that shows the status of an upstream shows the same status", async (context) => {
  const servers = [
    { server: "unix:/tmp/a.sock", route: "r1" },
    { server: "[::1]:9", backup: true },
    { server: "127.0.0.1:9", down: true, max_conns: 3, weight: 7 },
  ];
  const upstreams = {
    app: { servers, queue: { size: 3, timeout: "1s" } },
    keyed: { method: "hash", hash: { key: "$uri" } },
  };
  const { api } = await startGateway(context, { upstreams });
  const whole = await api.expect(200, "GET", `${all}/app`);
  assert.deepEqual(await api.expect(200, "GET", all), {
    app: whole,
    keyed: await api.expect(200, "GET", `${all}/keyed`),
  });
  assert.deepEqual(
    [...(await peersOf(api)).keys()],
    servers.map(({ server }) => server),
  );
  for (const name of Object.keys(whole)) {
    assert.deepEqual(await api.expect(200, "GET", `${all}/app?fields=${name}`), { [name]: whole[name] });
    const listed = await api.expect(200, "GET", `${all}?fields=${name}`);
    assert.deepEqual(listed.app, { [name]: whole[name] });
  }
  const some = await api.get(`${all}/app?fields=zone,nothing,queue`);
  assert.deepEqual(Object.keys(some.body), ["zone", "queue"]);
  assert.deepEqual(await api.expect(200, "GET", `${all}/keyed?fields=without_key`), { without_key: 0 });
  assert.deepEqual(await api.expect(200, "GET", `${all}?fields=`), ["app", "keyed"]);
});
