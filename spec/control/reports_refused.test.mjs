/** Invalid reports: each is refused with an error that names the field, and changes nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { allEvents, stateOf } from "../gateway/support/health.mjs";
import { nodeOf } from "../gateway/support/nodes.mjs";
import { peersOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { assertIsUsed, reportTo, startReportingServers } from "./support/reporting.mjs";

const format = "UpstreamConfFormatError";
const aFuture = new Date(Date.now() + 3_600_000).toISOString();
const aPast = "2026-01-01T00:00:00.000Z";

/**
 * Invalid reports, with the status, the code and a pattern of the text.
 * @type {[unknown, number, string, RegExp][]}
 */
const bad = [
  [{}, 400, format, /invalid "(report\.)?utilization": must be given/],
  [{ time: aPast }, 400, format, /invalid "(report\.)?utilization": must be given/],
  [{ utilisation: 0.5 }, 400, format, /unknown parameter "(report\.)?utilisation"/],
  [{ state: "down", load: 1 }, 400, format, /unknown parameter "(report\.)?load"/],
  [{ state: "down", incarnation: "1" }, 400, format, /unknown parameter "(report\.)?incarnation"/],
  [{ state: "DOWN" }, 400, format, /invalid "(report\.)?state": must be one of "up", "drain", "down"/],
  [{ state: ["down"] }, 400, format, /invalid "(report\.)?state":/],
  [{ state: "down", time: "yesterday" }, 400, format, /invalid "(report\.)?time": must be a time such as/],
  [{ state: "down", time: 1767225600 }, 400, format, /invalid "(report\.)?time": must be a time such as/],
  [{ state: "down", time: "2026-02-30T00:00:00Z" }, 400, format, /invalid "(report\.)?time": must be a time/],
];
for (const name of ["utilization", "connections", "rps", "eps"]) {
  const says = new RegExp(`invalid "(report\\.)?${name}": must be a number from 0 to 1000000000000`);
  for (const value of [-1, -0.001, 1e13, 1e300, "0.5", "NaN", "", null, true, [], [0.5], {}, { a: 1 }])
    bad.push([{ state: "down", [name]: value }, 400, format, says]);
}
/** Bodies that are not JSON objects. @type {[string, RegExp][]} */
const unreadable = [
  ["", /JSON/],
  ["{", /JSON/],
  ["[]", /not an object/],
  ["[0.5]", /not an object/],
  ['[{"utilization":0.5}]', /not an object/],
  ["0.5", /not an object/],
  ["null", /not an object/],
  ['"down"', /not an object/],
  ['{"state":"down","utilization":NaN}', /JSON/],
  ['{"state":"down","utilization":nan}', /JSON/],
  ['{"state":"down","utilization":Infinity}', /JSON/],
  ['{"state":"down","utilization":0x10}', /JSON/],
  ["TEXT cpu_utilization=0.5", /JSON/],
  ["state=down", /JSON/],
];

/** @param {import("node:test").TestContext} context */
async function startWithNode(context) {
  const running = await startReportingServers(context, 2);
  const { api, backends, gateway } = running;
  const registration = { server: someAddress(1), ttl: "60s", weight: 1 };
  await api.expect(201, "PUT", nodeOf("n"), { ...registration, report: { state: "drain" } });
  const told = [await api.configuration(), await allEvents(api)];
  return {
    ...running,
    registration,
    assertUnchanged: async () => {
      assert.deepEqual([await api.configuration(), await allEvents(api)], told);
      assert.equal(await stateOf(api, registration.server), "draining");
      for (const { address } of backends) assert.equal(await stateOf(api, address), "up");
      gateway.assertCleanLog();
    },
  };
}

test("an invalid report is refused at each path that accepts reports", async (context) => {
  const { api, backends, clients, registration, assertUnchanged } = await startWithNode(context);
  const { expires } = await api.expect(200, "GET", nodeOf("n"));
  for (const path of [reportTo(0), `${nodeOf("n")}/report`, reportTo(2)]) {
    for (const [body, status, code, says] of bad) {
      const answer = await api.post(path, body);
      assertErrorBody(answer, status, code);
      assert.match(answer.body.error.text, says);
    }
    const infinite = await api.post(path, '{"state":"down","utilization":1e999}');
    assert.ok([400, 415].includes(infinite.status), infinite.text);
    for (const [body, says] of unreadable) {
      const answer = await api.post(path, body);
      assertErrorBody(answer, 415, "JsonError");
      assert.match(answer.body.error.text, says);
    }
    assertErrorBody(await api.post(path, " ".repeat(1_048_577)), 413, "BodyTooLarge");
    await assertUnchanged();
  }
  for (const [report, status, code, says] of bad) {
    const answer = await api.put(nodeOf("n"), { ...registration, report });
    assertErrorBody(answer, status, code);
    assert.match(answer.body.error.text, says);
  }
  for (const report of [null, true, 0.5, "down", [0.5], [{ utilization: 0.5 }]]) {
    const answer = await api.put(nodeOf("n"), { ...registration, report });
    assertErrorBody(answer, 400, format);
    assert.match(answer.body.error.text, /invalid "report": must be an object/);
  }
  const other = await api.put(nodeOf("n"), { ...registration, weight: 5, report: { state: "gone" } });
  assertErrorBody(other, 400, format);
  await assertUnchanged();
  assert.equal(
    (await api.expect(200, "GET", nodeOf("n"))).expires,
    expires,
    "a refused registration does not renew the node",
  );
  for (const backend of backends) await assertIsUsed(clients, backend);
});

test("a report that is not recent, or not newer than the previous one, is refused", async (context) => {
  const { api, registration, assertUnchanged } = await startWithNode(context);
  /** @param {number} seconds from now */
  const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
  const path = `${nodeOf("n")}/report`;
  const refused = [
    [aFuture, /invalid "time": must not be more than 60 s ahead/],
    [at(90), /invalid "time": must not be more than 60 s ahead/],
    [at(-200), /invalid "time": must not be more than 180 s ago/],
    [aPast, /invalid "time": must not be more than 180 s ago/],
    ["0001-01-01T00:00:00Z", /invalid "time": must not be more than 180 s ago/],
    ["9999-12-31T23:59:60Z", /invalid "time": must not be more than 60 s ahead/],
  ];
  for (const [time, says] of refused) {
    const answer = await api.post(path, { state: "down", time });
    assertErrorBody(answer, 400, format);
    assert.match(answer.body.error.text, says);
    // A registration succeeds even with an invalid report.
    await api.expect(200, "PUT", nodeOf("n"), { ...registration, report: { state: "down", time } });
  }
  await assertUnchanged();
  await api.expect(204, "POST", path, { utilization: 0.5, time: at(-100) });
  const now = at(0);
  for (const time of [at(-50), now, now]) await api.expect(204, "POST", path, { state: "drain", time });
  const older = await api.post(path, { state: "up", time: at(-40) });
  assertErrorBody(older, 400, format);
  assert.match(older.body.error.text, /invalid "time": must not be earlier than the time of the last report/);
  await assertUnchanged();
  await api.expect(204, "POST", path, { utilization: 0.5, time: at(30) });
  assertErrorBody(await api.post(path, { state: "up", time: now }), 400, format);
  await api.expect(204, "POST", path, { state: "up" });
  assert.equal(await stateOf(api, registration.server), "up", "a report without a time counts as of now");
});

test('a report may be as old as "load.expiry"', async (context) => {
  const { api, backends } = await startReportingServers(context, 1, { load: { expiry: "5s" } });
  const time = new Date(Date.now() - 20_000).toISOString();
  const answer = await api.post(reportTo(0), { state: "down", time });
  assert.match(answer.body.error.text, /invalid "time": must not be more than 5 s ago/);
  await api.expect(200, "PATCH", sluice(), { load: { expiry: "1h" } });
  await api.expect(204, "POST", reportTo(0), { state: "down", time });
  assert.equal(await stateOf(api, backends[0].address), "down");
});

test("a report for an unknown server, or with another method, is refused", async (context) => {
  const { api, assertUnchanged } = await startWithNode(context);
  const nobody = [
    [`${nodeOf("other")}/report`, 404, "NodeNotFound", /node "other" is not registered/],
    [`${nodeOf("n%0a")}/report`, 404, "NodeNotFound", /is not registered/],
    [`${nodeOf("n", "nobody")}/report`, 404, "UpstreamNotFound", /nobody/],
    [reportTo(0, "nobody"), 404, "UpstreamNotFound", /nobody/],
    [reportTo(77), 404, "UpstreamServerNotFound", /77/],
    [reportTo("x"), 400, "UpstreamBadServerId", /x/],
    [reportTo("-1"), 400, "UpstreamBadServerId", /-1/],
    [`${reportTo(0)}/more`, 404, "PathNotFound", /./],
  ];
  for (const [path, status, code, says] of nobody) {
    const answer = await api.post(path, { state: "down" });
    assertErrorBody(answer, status, code);
    assert.match(answer.body.error.text, says);
  }
  for (const path of [reportTo(0), `${nodeOf("n")}/report`]) {
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const answer = await api.send(method, path, method === "GET" ? undefined : { state: "down" });
      assertErrorBody(answer, 405, "MethodDisabled");
      assert.equal(answer.headers.allow, "POST");
    }
  }
  await assertUnchanged();
  assert.equal((await peersOf(api)).size, 3);
});
