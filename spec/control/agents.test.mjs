/** HAProxy's `agent-check`: an agent beside a server reports the server's state and load. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import {
  PROBE_ERRORS,
  allEvents,
  becomes,
  eventsOf,
  recordedEvents,
  stateOf,
} from "../gateway/support/health.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { timeToQuit } from "../gateway/support/probes.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { startAgent } from "./support/agent.mjs";
import {
  assertGetsNothing,
  assertIsUsed,
  assertReported,
  checkedAgain,
  drainingUpstreams,
  assertKept,
  reportTo,
  SHOWN,
  shows,
  startReporting,
} from "./support/reporting.mjs";

const quiet = { http: "lua_socket_log_errors off;" };

/**
 * Starts a gateway with two servers, the first of which has an agent at its address.
 * @param {import("node:test").TestContext} context
 * @param {object} check options of `health_check` that differ from the default of the test
 * @param {string} [send]
 */
async function startWithAgent(context, check = {}, send = "") {
  const agent = await startAgent(context);
  agent.question = send;
  const backend = await startBackend(context);
  const other = await startBackend(context, { host: "127.0.0.2" });
  const servers = [{ server: backend.address }, { server: other.address }];
  const question = send === "" ? {} : { send };
  const health_check = {
    uri: "/health",
    interval: "100ms",
    // The servers answer: a check that a busy machine delays must not fail.
    timeout: "10s",
    agent: { port: agent.port, ...question },
    ...check,
  };
  const running = await startReporting(context, { app: { health_check, servers } }, quiet);
  // The other server's address has no listener.
  running.gateway.log.allow(PROBE_ERRORS);
  return { ...running, agent, backend, other };
}

/**
 * Answers of the agent in order, each with the state that it reports.
 * @type {[answer: string, state: "up" | "drain" | "down"][]}
 */
const answers = [
  ["drain\n", "drain"],
  ["up\r\n", "up"],
  ["down # the disk is full\n", "down"],
  ["ready 75%", "up"],
  ["MAINT\r", "down"],
  ["up,50%,maxconn:30\nand more lines\n", "up"],
  ["stopped", "down"],
  ["100% drain up\r\n", "drain"],
  ["fail\n", "down"],
  ["up\n", "up"],
];

for (const [name, check, send] of [
  ["", {}, ""],
  [" when it is asked", {}, "state of app?\n"],
  [" beside a check of the type tcp", { type: "tcp", uri: undefined }, ""],
]) {
  test(`an agent${name} can report that its server drains, is down, and is up again`, async (context) => {
    const running = await startWithAgent(context, check, send);
    const { agent, backend, other, gateway, api } = running;
    let before = "up";
    for (const [answer, state] of answers) {
      agent.closes = !answer.endsWith("\n");
      agent.answer = answer;
      await shows(gateway, backend, state);
      await assertReported(running, backend, state, before);
      before = SHOWN[state];
    }
    assert.equal((await eventsOf(api, backend.address)).length, answers.length);
    assert.deepEqual(
      await eventsOf(api, other.address),
      [],
      "the state of a server without an agent depends only on its checks",
    );
  });
}

test('a server that reports weight 0 drains until it reports another weight, or "up"', async (context) => {
  const running = await startWithAgent(context);
  const { agent, backend, gateway, clients, api } = running;
  /** @type {[answer: string, shown: string, reason: string][]} */
  const said = [
    ["0%\n", "draining", "its agent gives it no weight"],
    ["50%\n", "up", "its agent gives it weight again"],
    ["up weight:0\n", "draining", "its agent gives it no weight"],
    ["weight:1\n", "up", "its agent gives it weight again"],
    ["weight:0%\n", "draining", "its agent gives it no weight"],
    ["up\n", "up", 'it reports "up"'],
  ];
  let events = (await eventsOf(api, backend.address)).length;
  for (const [answer, shown, reason] of said) {
    agent.answer = answer;
    await becomes(api, backend.address, shown);
    events += 1;
    assert.equal((await recordedEvents(api, backend.address, events)).at(-1)?.reason, reason, answer);
    if (shown === "up") await assertIsUsed(clients, backend);
    else await assertGetsNothing(gateway, clients, backend);
  }
  // A state that was reported as a word ends only with another word.
  for (const state of ["drain", "down"]) {
    agent.answer = `${state}\n`;
    await becomes(api, backend.address, state === "down" ? "down" : "draining");
    const { length } = await eventsOf(api, backend.address);
    for (const answer of ["0%\n", "75%\n", "weight:256\n"]) {
      agent.answer = answer;
      await agent.asked();
    }
    assert.equal((await eventsOf(api, backend.address)).length, length);
  }
});

test("all servers are checked, whatever the number of hanging agents", async (context) => {
  const agent = await startAgent(context, "0.0.0.0");
  agent.answer = undefined;
  const backend = await startBackend(context, { host: "0.0.0.0" });
  const port = Number(backend.address.split(":")[1]);
  const count = 600;
  const servers = Array.from({ length: count }, (_, index) => {
    return { server: `127.1.${Math.floor(index / 200)}.${(index % 200) + 1}:${port}` };
  });
  const health_check = { uri: "/health", interval: "1s", timeout: "20s", agent: { port: agent.port } };
  const options = { workers: 1, upstreams: { app: { health_check, servers } }, ...quiet };
  await startGateway(context, options);
  // This exceeds the number of simultaneous questions and checks of a worker.
  await waitFor("many agents hang", () => agent.open > 200);
  await checkedAgain(backend, count * 3);
  assert.ok(agent.mostOpen < 300, `${agent.mostOpen} agents were asked at once`);
});

test("an agent that is missing, hangs or sends an invalid answer changes nothing", async (context) => {
  const running = await startWithAgent(context, { timeout: "1s" });
  const { agent, backend, gateway, clients, api } = running;
  const nonsense = [
    undefined,
    "",
    "\n",
    "# up\n",
    "hello\n",
    "up hello\n",
    "up 75\n",
    "-1%\n",
    "nan%\n",
    "weight:257\n",
    "maxconn:10\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup",
    "\0\xff\xfe up\n",
    "up ".repeat(1000),
    "x".repeat(100_000),
  ];
  for (const state of /** @type {const} */ (["up", "down"])) {
    agent.answer = `${state}\n`;
    await shows(gateway, backend, state);
    await agent.asked();
    const events = await allEvents(api);
    agent.closes = state === "up";
    for (const answer of nonsense) {
      agent.answer = answer;
      await agent.asked();
      assert.deepEqual(await allEvents(api), events, JSON.stringify(answer)?.slice(0, 40));
    }
    assert.equal(await stateOf(api, backend.address), SHOWN[state]);
    if (state === "up") await assertIsUsed(clients, backend);
    else await assertGetsNothing(gateway, clients, backend);
  }
  agent.leave();
  await checkedAgain(backend, 4);
  assert.equal(await stateOf(api, backend.address), "down");
  assert.equal((await allEvents(api)).length, 1);
});

test("an agent that hangs delays neither checks nor the end of nginx", async (context) => {
  const { agent, backend, gateway } = await startWithAgent(context, { timeout: "20s" });
  agent.answer = undefined;
  const before = agent.connections;
  await checkedAgain(backend, 15);
  const connections = agent.connections - before;
  assert.ok(connections <= 2, `${connections} connections during 15 checks`);
  assert.ok(agent.mostOpen <= 2);
  const milliseconds = await timeToQuit(gateway);
  assert.ok(milliseconds < 4000, `it took ${milliseconds} ms`);
});

test("a load from an agent confirms the reported state, and a missing agent does not", async (context) => {
  const expiry = "3s";
  const agent = await startAgent(context);
  agent.answer = "75%\n";
  const servers = [await startBackend(context), await startBackend(context, { host: "127.0.0.2" })];
  const ports = { there: agent.port, gone: await freePort() };
  const settings = Object.entries(ports).map(([name, port]) => {
    return [name, { health_check: { interval: "100ms", agent: { port } } }];
  });
  const upstreams = drainingUpstreams([servers[0], servers[1]], Object.fromEntries(settings), expiry);
  const { gateway, api } = await startReporting(context, upstreams, quiet);
  gateway.log.allow(PROBE_ERRORS);
  for (const name of Object.keys(ports)) await api.expect(204, "POST", reportTo(0, name), { state: "drain" });
  const began = performance.now();
  await waitFor("the reported state would have expired", () => performance.now() - began > 3300);
  for (const name of Object.keys(ports))
    await assertKept(gateway, name, servers[0], name === "there", expiry);
});
