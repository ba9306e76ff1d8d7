/**
 * Drain jobs: a server receives no new request, finishes its requests, and is removed when it is idle or at
 * the deadline.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBackends } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const drainOf = (id = 0, name = "app") => `${sluice(name)}/servers/${id}/drain`;

/** Longer than the interval of drain jobs, about one second. In milliseconds. */
const aWhile = 2500;

/** @param {import("./support/api.mjs").Api} api @param {string} [name] @returns {Promise<string[]>} */
async function addresses(api, name) {
  return (await api.expect(200, "GET", serversOf(name))).map(({ server }) => server);
}

/** @param {import("./support/api.mjs").Api} api @param {string} address @param {string} [name] */
function gone(api, address, name) {
  return waitFor(`${address} is gone`, async () => !(await addresses(api, name)).includes(address));
}

/**
 * Starts a gateway with the servers 0 and 1. The first has a request in flight.
 * @param {import("node:test").TestContext} context
 * @param {{ delay?: number, settings?: object }} [options]
 */
async function startBusy(context, { delay = 1500, settings = {} } = {}) {
  const [busy, other] = await startBackends(context, 2);
  const gateway = await startGateway(context, {
    upstreams: { app: { ...settings, servers: [{ server: busy.address }] } },
  });
  const held = ask(gateway.port, `/?delay=${delay}`);
  await waitFor("a request is in flight", () => busy.active === 1);
  await gateway.api.expect(201, "POST", serversOf(), { server: other.address });
  return { gateway, api: gateway.api, busy, other, held };
}

/** Sends `count` requests, and returns the servers that answer. @param {number} port @param {number} count */
async function whoAnswers(port, count) {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(port)));
  return new Set(answers.map(({ text }) => text));
}

test("a drained server receives no new request, shows its requests in flight, and is removed when it is idle", async (context) => {
  const { gateway, api, busy, other, held } = await startBusy(context, { delay: 5000 });
  const answer = await api.post(drainOf());
  assert.deepEqual([answer.status, answer.body], [202, { id: 0, server: busy.address, active: 1 }]);
  assert.equal((await api.get(sluice())).headers.etag, answer.headers.etag);
  assert.deepEqual(await api.expect(200, "GET", drainOf()), answer.body);
  const [shown] = await api.expect(200, "GET", serversOf());
  assert.deepEqual([shown.drain, "leave_by" in shown], [true, false]);
  assert.equal((await api.get("/api/9/http/upstreams/app")).body.peers[0].state, "draining");
  assert.deepEqual(await whoAnswers(gateway.port, 20), new Set([other.id]));
  assert.deepEqual(await addresses(api), [busy.address, other.address], "the server still has a request");

  const { status, text } = await held;
  assert.deepEqual([status, text], [200, busy.id]);
  await gone(api, busy.address);
  assert.equal((await api.get(drainOf())).body.state, "done");
  assert.equal(busy.requests.length, 1);
  assert.deepEqual(await whoAnswers(gateway.port, 8), new Set([other.id]));
  const lines = gateway.log.entries("notice").filter((line) => line.includes("drained server"));
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(
    lines[0],
    new RegExp(`upstream app: drained server ${busy.address} \\(id 0\\) is removed: it is idle`),
  );
});

test("a drained server keeps its sticky sessions", async (context) => {
  const settings = { sticky: { cookie: { name: "srv" } } };
  const { gateway, api, busy, other, held } = await startBusy(context, { delay: 2000, settings });
  let cookie = "";
  await waitFor("a client is bound to the server", async () => {
    const { headers, text } = await ask(gateway.port);
    if (text === busy.id) [cookie] = String(headers["set-cookie"]).split(";");
    return cookie !== "";
  });
  await api.expect(202, "POST", drainOf(), {});
  for (let turn = 0; turn < 8; turn += 1) {
    assert.equal((await ask(gateway.port, "/", { headers: { Cookie: cookie } })).text, busy.id);
    assert.equal((await ask(gateway.port)).text, other.id);
  }
  await held;
  await gone(api, busy.address);
  assert.equal((await ask(gateway.port, "/", { headers: { Cookie: cookie } })).text, other.id);
});

test("a drained server is removed at the deadline, and its requests are finished", async (context) => {
  const { gateway, api, busy, held } = await startBusy(context, { delay: 4500 });
  const began = Date.now();
  const job = await api.expect(202, "POST", drainOf(), { deadline: "1500ms" });
  assert.deepEqual(Object.keys(job), ["id", "server", "active", "deadline"]);
  assert.match(job.deadline, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const deadline = Date.parse(job.deadline);
  assert.ok(Math.abs(deadline - began - 1500) < 500, `${job.deadline} is 1.5 s after ${began}`);
  await gone(api, busy.address);
  const late = Date.now() - deadline;
  assert.ok(late >= 0 && late < aWhile, `the server was removed ${late} ms after the deadline`);
  assert.equal(busy.active, 1, "the request is still in flight");
  assert.equal((await api.get("/api/9/http/upstreams/app")).body.zombies, 1);
  assert.equal((await held).text, busy.id);
  const lines = gateway.log.entries("notice").filter((line) => line.includes("drained server"));
  assert.match(lines.join("\n"), /is removed: its deadline has passed; requests under way: 1/);
});

test("a drain job can get another deadline, and its writes can be conditional", async (context) => {
  const { api, busy, held } = await startBusy(context);
  const first = await api.expect(202, "POST", drainOf(), { deadline: "1h" });
  const { headers } = await api.get(drainOf());
  const second = await api.post(drainOf(), { deadline: "2h" }, { "If-Match": headers.etag });
  assert.equal(second.status, 202);
  assert.ok(second.body.deadline > first.deadline);
  for (const lost of [
    await api.post(drainOf(), {}, { "If-Match": headers.etag }),
    await api.delete(drainOf(), { "If-Match": headers.etag }),
  ]) {
    assertErrorBody(lost, 412, "PreconditionFailed");
  }
  assert.deepEqual(await api.expect(200, "GET", drainOf()), second.body);
  const idle = await api.post(drainOf());
  assert.equal("deadline" in idle.body, false);
  const again = await api.post(drainOf(), {});
  assert.equal(again.headers.etag, idle.headers.etag, "an unchanged job causes no write");
  await held;
  await gone(api, busy.address);
});

test("a drain job that is cancelled in any way removes nothing", async (context) => {
  const { gateway, api, busy, other, held } = await startBusy(context, { delay: 1500 });
  const whole = await api.expect(200, "GET", sluice());
  /** @type {[status: number, method: string, path: string, body: object | undefined][]} */
  const ways = [
    [200, "PATCH", `${serversOf()}/0`, { drain: false }],
    [200, "PATCH", `${serversOf()}/0`, { down: false }],
    [200, "PUT", sluice(), whole],
    [200, "PATCH", sluice(), { servers: whole.servers }],
    [204, "DELETE", drainOf(), undefined],
  ];
  for (const [status, method, path, body] of ways) {
    await api.expect(202, "POST", drainOf(), { deadline: "1h" });
    await api.expect(status, method, path, body);
    assertErrorBody(await api.get(drainOf()), 404, "DrainNotFound");
    assertErrorBody(await api.delete(drainOf()), 404, "DrainNotFound");
    assert.deepEqual(await api.expect(200, "GET", sluice()), whole);
    await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: true });
    assertErrorBody(
      await api.get(drainOf()),
      404,
      "DrainNotFound",
      "the parameter drain does not create a job",
    );
    await api.expect(200, "PATCH", `${serversOf()}/0`, { drain: false });
  }
  await held;
  await sleep(aWhile);
  assert.deepEqual(await addresses(api), [busy.address, other.address]);
  assert.deepEqual(await whoAnswers(gateway.port, 40), new Set([busy.id, other.id]));
});

test("a drain job survives changes that leave the server draining, but not a change of its address", async (context) => {
  const { api, busy, held } = await startBusy(context, { delay: 2000 });
  const job = await api.expect(202, "POST", drainOf(), { deadline: "1h" });
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 3 });
  await api.expect(200, "PATCH", sluice(), { method: "least_conn" });
  await api.expect(200, "PUT", sluice(), await api.expect(200, "GET", sluice()));
  await api.expect(201, "POST", serversOf(), { server: someAddress(1), backup: true });
  assert.deepEqual(await api.expect(200, "GET", drainOf()), job);
  await held;
  await gone(api, busy.address);

  await api.expect(202, "POST", drainOf(2), { deadline: "1h" });
  const { server } = await api.expect(200, "PATCH", `${serversOf()}/2`, { server: someAddress(2) });
  assert.equal(server, someAddress(2));
  assertErrorBody(await api.get(drainOf(2)), 404, "DrainNotFound");
});

test("a drain job survives a reload, and its requests are finished", async (context) => {
  const { gateway, api, busy, held } = await startBusy(context, { delay: 2500 });
  const job = await api.expect(202, "POST", drainOf(), { deadline: "1h" });
  await gateway.reload();
  assert.deepEqual(await api.expect(200, "GET", drainOf()), job);
  assert.equal((await held).text, busy.id);
  await gone(api, busy.address);
});

test("a drain job survives kill -9 of the workers and of all of nginx", async (context) => {
  for (const kill of ["workers", "all"]) {
    const { gateway, api, busy, other, held } = await startBusy(context, { delay: 8000 });
    const cutOff = assert.rejects(held);
    await api.expect(202, "POST", drainOf(), { deadline: "1h" });
    await sleep(aWhile);
    assert.deepEqual(await addresses(api), [busy.address, other.address], "the server has a request");
    if (kill === "workers") {
      for (const pid of gateway.workers()) await gateway.killWorker(pid);
    } else {
      await gateway.killAll();
      await gateway.start();
    }
    await cutOff;
    await gone(api, busy.address);
    assert.deepEqual(await whoAnswers(gateway.port, 8), new Set([other.id]));
    await gateway.stop();
    await gateway.start();
    assert.deepEqual(await addresses(api), [other.address], "the removal survives a restart");
  }
});

test("several drain jobs of one upstream, among many upstreams, all complete", async (context) => {
  const servers = [1, 2, 3].map((number) => ({ server: someAddress(number) }));
  const names = Array.from({ length: 300 }, (_, number) => `u${number}`);
  const upstreams = Object.fromEntries(names.map((name) => [name, { servers }]));
  const gateway = await startGateway(context, { upstreams });
  const { api } = gateway;
  for (const [id, name] of [
    [0, "u7"],
    [2, "u7"],
    [1, "u299"],
  ]) {
    await api.expect(202, "POST", drainOf(id, name), {});
  }
  for (const [number, name] of [
    [1, "u7"],
    [3, "u7"],
    [2, "u299"],
  ]) {
    await gone(api, someAddress(number), name);
  }
  assert.deepEqual(await addresses(api, "u7"), [someAddress(2)]);
  assert.deepEqual(await addresses(api, "u299"), [someAddress(1), someAddress(3)]);
  // Deleting an upstream deletes its jobs, even if the upstream is created again.
  await api.expect(202, "POST", drainOf(1, "u0"), {});
  await api.expect(204, "DELETE", sluice("u0"));
  await api.expect(201, "PUT", sluice("u0"), { servers });
  await sleep(aWhile);
  assert.equal((await addresses(api, "u0")).length, 3);
});
