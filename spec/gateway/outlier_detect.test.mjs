/** Outlier detection that only reports: events, metrics and explain, while the shares stay as they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import {
  explainedServers,
  failSometimes,
  nextShare,
  prepareJudged,
  sendTo,
  waitForProblems,
} from "./support/outliers.mjs";

useWorkers(4);

test('the mode "detect" reports anomalies and ejections once, and changes no share', async (context) => {
  const { backends, options } = await prepareJudged(context, 5, {
    mode: "detect",
    consecutive_5xx: 3,
    base_ejection_time: "1h",
    max_ejection_time: "1h",
  });
  const gateway = await startGateway(context, options);
  const [bad] = backends;
  gateway.log.allow(/its weight stays|would be ejected/);
  const mend = failSometimes(bad);
  const load = sendTo(context, gateway);
  const problems = await waitForProblems(gateway, 2);
  const kinds = problems.map(({ problem }) => problem).toSorted();
  assert.deepEqual(kinds, ["ejection_reported", "outlier_detected"]);
  for (const { problem, server, reason } of problems) {
    assert.equal(server, bad.address);
    if (problem === "outlier_detected") assert.match(reason, / to the other servers: its weight stays$/);
    else assert.equal(reason, "3 responses of 5xx in a row: it would be ejected for 3600 s");
  }

  const share = await nextShare(backends);
  assert.ok(share > 0.18 && share < 0.22, `its share is ${share}`);
  const [first] = await explainedServers(gateway);
  assert.deepEqual([first.state, first.weight.effective, first.weight.outlier], ["up", 1, undefined]);
  assert.equal(first.outlier.anomaly, "errors");
  assert.match(first.reason, /^outlier detection reports it, because its error rate is above/);
  const { text } = await gateway.api.get("/api/metrics");
  const valueOf = (/** @type {string} */ name) => {
    const isIts = (/** @type {string} */ line) => line.startsWith(name) && line.includes(`"${bad.address}"`);
    return Number(text.split("\n").find(isIts)?.split(" ").at(-1));
  };
  assert.equal(valueOf("sluice_upstream_server_outlier{"), 1);
  assert.equal(valueOf("sluice_upstream_server_outliers_total{"), 2);
  assert.equal(valueOf("sluice_upstream_server_ejections_total{"), 0);

  mend();
  const all = await waitForProblems(gateway, 3);
  await load.stop();
  assert.deepEqual(
    [all.length, all[2].problem, all[2].reason],
    [3, "outlier_ended", "it is no longer an outlier"],
  );
});
