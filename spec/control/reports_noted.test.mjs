/** Reports of every kind are recorded, and `explain` shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startAgent } from "./support/agent.mjs";
import { checkedAgain, reportTo, startReporting, startReportingServers } from "./support/reporting.mjs";
import { explain } from "./support/scaled.mjs";

/** @typedef {import("../gateway/support/api.mjs").Api} Api */

/**
 * Returns the recorded report of a server; undefined: there was none.
 * @param {Api} api
 * @param {number} id
 * @param {string} [name]
 */
async function reportOf(api, id, name = "app") {
  return (await explain(api, name)).servers.find((server) => server.id === id).report;
}

/**
 * Returns the recorded report without its time, which must be recent.
 * @param {Api} api
 * @param {number} id
 * @param {string} [name]
 */
async function numbersOf(api, id, name = "app") {
  const { time, ...numbers } = await reportOf(api, id, name);
  if (time !== undefined) assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
  return numbers;
}

test("pushed reports are recorded, omitted fields stay, and refused reports are counted", async (context) => {
  const { api, gateway } = await startReportingServers(context, 2);
  assert.equal(await reportOf(api, 0), undefined);
  const all = { utilization: 0.42, connections: 17, rps: 310.5, eps: 0.2 };
  await api.expect(204, "POST", reportTo(0), { ...all, state: "up", time: new Date().toISOString() });
  assert.deepEqual(await numbersOf(api, 0), { ...all, state: "up", accepted: 1, refused: 0 });
  await api.expect(204, "POST", reportTo(0), { utilization: 1.5 });
  assert.deepEqual(await numbersOf(api, 0), {
    ...all,
    utilization: 1.5,
    state: "up",
    accepted: 2,
    refused: 0,
  });
  await api.expect(400, "POST", reportTo(0), { utilization: -1 });
  await api.expect(400, "POST", reportTo(0), { utilization: 0.1, time: "2020-01-01T00:00:00.000Z" });
  await api.expect(404, "POST", reportTo(9), { utilization: 0.1 });
  await api.expect(415, "POST", reportTo(0), "no JSON");
  const noted = { ...all, utilization: 1.5, state: "up", accepted: 2, refused: 2 };
  assert.deepEqual(await numbersOf(api, 0), noted);
  assert.equal(await reportOf(api, 1), undefined, "the reports belong to the other server");
  await gateway.reload();
  assert.deepEqual(await numbersOf(api, 0), noted, "the report is kept in a reload");
});

test("a report in a registration is recorded for that server only", async (context) => {
  const { api } = await startReportingServers(context, 1);
  const body = { server: someAddress(1), ttl: "60s", incarnation: 1 };
  await api.expect(201, "PUT", nodeOf("n"), { ...body, report: { utilization: 0.3 } });
  await api.expect(200, "PUT", nodeOf("n"), { ...body, report: { connections: 5 } });
  await api.expect(204, "POST", `${nodeOf("n")}/report`, { rps: 7 });
  const numbers = { utilization: 0.3, connections: 5, rps: 7, state: "up", accepted: 3, refused: 0 };
  assert.deepEqual(await numbersOf(api, 1), numbers);
  await api.expect(201, "PUT", nodeOf("n"), { ...body, incarnation: 2 });
  assert.equal(await reportOf(api, 1), undefined, "a restarted node has not reported");
});

test("reports in responses are recorded at most ten times per second, server and worker", async (context) => {
  const [backend] = await startBackends(context, 1);
  const servers = [{ server: backend.address }];
  const { api, gateway, clients } = await startReporting(context, { app: { load: {}, servers } });
  const [client] = clients;
  const headers = [
    ["TEXT cpu_utilization=0.3", { utilization: 0.3 }],
    [
      "TEXT cpu_utilization=0.3,application_utilization=0.9,rps=5,rps_fractional=5.5,eps=1",
      { utilization: 0.9, rps: 5.5, eps: 1 },
    ],
    ['JSON {"cpuUtilization": 0.25, "rps": "310"}', { utilization: 0.25, rps: 310 }],
  ];
  for (const [load_metrics, wanted] of headers) {
    backend.behaviour = { load_metrics };
    await waitFor(`${load_metrics} is noted`, async () => {
      await ask(gateway.port);
      const { utilization, rps } = (await reportOf(api, 0)) ?? {};
      return utilization === wanted.utilization && (wanted.rps === undefined || rps === wanted.rps);
    });
  }
  const before = await numbersOf(api, 0);
  backend.behaviour = { load_metrics: "TEXT cpu_utilization=NaN" };
  await waitFor("a bad one is counted", async () => {
    await ask(gateway.port);
    return (await reportOf(api, 0)).refused > 0;
  });
  assert.deepEqual({ ...(await numbersOf(api, 0)), refused: 0 }, before, "a refused report changes nothing");

  backend.behaviour = { load_metrics: "TEXT cpu_utilization=0.5" };
  const { accepted } = await reportOf(api, 0);
  const began = performance.now();
  for (let turn = 0; turn < 300; turn += 1) await client.get("/");
  const tenths = (performance.now() - began) / 100;
  const looks = (await reportOf(api, 0)).accepted - accepted;
  assert.ok(looks >= 1 && looks <= tenths + 2, `${looks} looks in ${tenths} tenths of a second`);
});

test("reports of agents and checks are recorded", async (context) => {
  const [backend] = await startBackends(context, 1);
  const agent = await startAgent(context);
  const servers = [{ server: backend.address }];
  const checked = { interval: "100ms", uri: "/health", report: "status.load" };
  const asked = { type: "tcp", interval: "100ms", agent: { port: agent.port } };
  const upstreams = {
    asked: { servers, load: {}, health_check: asked },
    checked: { servers, health_check: checked },
  };
  const gateway = await startGateway(context, { workers: 2, upstreams, http: "lua_socket_log_errors off;" });
  const { api } = gateway;
  for (const [line, utilization] of [
    ["ready 75%\n", 0.25],
    ["50%\r\n", 0.5],
    ["weight:64\n", 0.75],
    ["0%\n", 1],
    ["200%\n", 0],
  ]) {
    agent.answer = line;
    await waitFor(`${line.trim()} is noted`, async () => {
      return (await reportOf(api, 0, "asked"))?.utilization === utilization;
    });
  }
  const { refused } = await reportOf(api, 0, "asked");
  assert.equal(refused, 0);
  agent.answer = "nonsense\n";
  await waitFor("nonsense is counted", async () => (await reportOf(api, 0, "asked")).refused > 1);
  assert.equal((await reportOf(api, 0, "asked")).utilization, 0, "a refused report changes nothing");

  for (const [load, utilization] of [
    [0.42, 0.42],
    [{ utilization: 0.6, connections: 3 }, 0.6],
  ]) {
    backend.behaviour = { body: JSON.stringify({ status: { load } }) };
    await waitFor(
      "it is noted",
      async () => (await reportOf(api, 0, "checked"))?.utilization === utilization,
    );
  }
  assert.equal((await reportOf(api, 0, "checked")).connections, 3);
  backend.behaviour = { body: JSON.stringify({ status: { load: "much" } }) };
  await checkedAgain(backend);
  await waitFor("the invalid load is counted", async () => (await reportOf(api, 0, "checked")).refused > 0);
  assert.equal((await reportOf(api, 0, "checked")).utilization, 0.6);
  backend.behaviour = { body: "{}", load_metrics: "TEXT cpu_utilization=0.7" };
  await waitFor(
    "the header counts, too",
    async () => (await reportOf(api, 0, "checked")).utilization === 0.7,
  );
  assert.equal((await ask(gateway.port, "/to/checked")).status, 200);
});
