/** `load.utilization` names the metric that is the utilization, whatever way the reports come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startAgent } from "./support/agent.mjs";
import { reportTo, startReportingServers } from "./support/reporting.mjs";

const METRIC = "named_metrics.kv_cache_usage";
const HEADER = "$upstream_http_x_in_flight";

/** @param {import("../gateway/support/gateway.mjs").Gateway} gateway */
async function explained({ api }) {
  const { servers } = await api.expect(200, "GET", `${sluice()}/explain`);
  return servers;
}

/**
 * Waits until the first server has the utilization 0.25, while requests are sent.
 * @param {import("../gateway/support/gateway.mjs").Gateway} gateway
 */
async function hasUtilization(gateway, utilization = 0.25) {
  await waitFor(`its utilization is ${utilization}`, async () => {
    await ask(gateway.port);
    const [{ report }] = await explained(gateway);
    return report?.utilization === utilization;
  });
}

/** The answers that report the utilization 0.25 beside others. @type {[string, string, object][]} */
const ANSWERS = [
  ["TEXT", METRIC, { load_metrics: `TEXT application_utilization=0.9,cpu_utilization=0.8,${METRIC}=0.25` }],
  ["JSON", METRIC, { load_metrics: 'JSON {"cpuUtilization":0.9,"namedMetrics":{"kv_cache_usage":0.25}}' }],
  [
    "the processor",
    "cpu_utilization",
    { load_metrics: "TEXT application_utilization=0.9,cpu_utilization=0.25" },
  ],
  ["a header", HEADER, { load_metrics: "TEXT cpu_utilization=0.9", in_flight: "0.25" }],
];

for (const [what, utilization, behaviour] of ANSWERS) {
  test(`responses: the utilization is ${utilization} by ${what}`, async (context) => {
    const { backends, gateway } = await startReportingServers(context, 1, { load: { utilization } });
    backends[0].behaviour = behaviour;
    await hasUtilization(gateway);
  });

  test(`health checks: the utilization is ${utilization} by ${what}`, async (context) => {
    const health_check = { uri: "/health", interval: "100ms" };
    const settings = { load: { utilization }, health_check };
    const { backends, gateway } = await startReportingServers(context, 1, settings);
    backends[0].behaviour = behaviour;
    await waitFor("its utilization is that of the metric", async () => {
      const [{ report }] = await explained(gateway);
      return report?.utilization === 0.25;
    });
  });
}

test("health checks follow a change of the name", async (context) => {
  const health_check = { uri: "/health", interval: "100ms" };
  const settings = { load: { utilization: "cpu_utilization" }, health_check };
  const { backends, gateway, api } = await startReportingServers(context, 1, settings);
  backends[0].behaviour = { load_metrics: `TEXT cpu_utilization=0.75,${METRIC}=0.25` };
  for (const [utilization, expected] of [
    ["cpu_utilization", 0.75],
    [METRIC, 0.25],
  ]) {
    await api.expect(200, "PATCH", sluice(), { load: { utilization } });
    await waitFor(`its utilization is ${expected}`, async () => {
      const [{ report }] = await explained(gateway);
      return report?.utilization === expected;
    });
  }
});

test("a report in JSON can have the metric, pushed, in a renewal or in a check's answer", async (context) => {
  const health_check = { uri: "/health", interval: "100ms", report: "load" };
  const settings = { load: { utilization: METRIC }, health_check };
  const { backends, gateway, api } = await startReportingServers(context, 1, settings);
  const metrics = (/** @type {number} */ kv_cache_usage) => ({ named_metrics: { kv_cache_usage } });
  await api.expect(204, "POST", reportTo(0), { utilization: 0.9, ...metrics(0.25) });
  const [{ report }] = await explained(gateway);
  assert.equal(report.utilization, 0.25);
  await api.expect(204, "POST", reportTo(0), metrics(0.5));
  await hasUtilization(gateway, 0.5);
  await api.expect(204, "POST", reportTo(0), { utilization: 0.75 });
  await hasUtilization(gateway, 0.75);
  backends[0].behaviour = { body: JSON.stringify({ load: { utilization: 0.9, ...metrics(0.125) } }) };
  await hasUtilization(gateway, 0.125);

  const node = { server: "10.0.0.9:80", ttl: "60s", report: { utilization: 0.9, ...metrics(0.625) } };
  for (const status of [201, 200]) await api.expect(status, "PUT", `${sluice()}/nodes/gpu-9`, node);
  const servers = await explained(gateway);
  assert.equal(servers[1].report.utilization, 0.625);
});

test("a pushed report with wrong metrics is refused and changes nothing", async (context) => {
  const { gateway, api } = await startReportingServers(context, 1, { load: { utilization: METRIC } });
  await api.expect(204, "POST", reportTo(0), { named_metrics: { kv_cache_usage: 0.25 } });
  const object = 'invalid "named_metrics": must be an object with 1 to 64 numbers';
  const number = 'invalid "named_metrics.kv_cache_usage": must be a number from 0 to 1000000000000';
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`m${index}`, index]));
  const wrong = [
    ...[{}, [], [0.5], 0.5, null, many].map((named_metrics) => [named_metrics, object]),
    ...["0.5", -1, null, {}].map((kv_cache_usage) => [{ kv_cache_usage }, number]),
  ];
  for (const [named_metrics, text] of wrong) {
    const { error } = await api.expect(400, "POST", reportTo(0), { utilization: 0.9, named_metrics });
    assert.equal(error.text, text);
  }
  const [{ report }] = await explained(gateway);
  assert.deepEqual([report.utilization, report.accepted, report.refused], [0.25, 1, wrong.length]);
});

test("an agent's percentage remains a utilization", async (context) => {
  const agent = await startAgent(context);
  agent.answer = "75%\n";
  const health_check = { uri: "/health", interval: "100ms", agent: { port: agent.port } };
  const settings = { load: { utilization: METRIC }, health_check };
  const { gateway } = await startReportingServers(context, 1, settings);
  await hasUtilization(gateway);
});

test("the explanation names the metric that no report has", async (context) => {
  const { backends, gateway } = await startReportingServers(context, 1, { load: { utilization: METRIC } });
  backends[0].behaviour = { load_metrics: "TEXT cpu_utilization=0.9,named_metrics.kv_cache_usge=0.5" };
  const [{ report, weight }] = await waitFor("a report is read", async () => {
    await ask(gateway.port);
    const servers = await explained(gateway);
    return servers[0].report?.accepted > 0 && servers;
  });
  assert.equal(report.utilization, undefined);
  assert.equal(weight.reason, `as configured: no report has had "${METRIC}"`);
});

test("weights follow the metric although the processors say the opposite", async (context) => {
  const load = { utilization: METRIC, blackout: "0s", update: "100ms" };
  const { backends, gateway } = await startReportingServers(context, 2, { load });
  // The first server has a third of the room of the second: its cache is three times as full.
  for (const [index, usage] of [0.6, 0.2].entries()) {
    const load_metrics = `TEXT cpu_utilization=${0.8 - usage},${METRIC}=${usage}`;
    backends[index].behaviour = { load_metrics, delay: 5 };
  }
  const traffic = startLoad(context, { port: gateway.port, connections: 4 });
  await waitFor("the weights differ", async () => {
    const [full, empty] = (await explained(gateway)).map(({ weight }) => weight.effective);
    return empty > 1.5 * full;
  });
  await traffic.stop();
});
