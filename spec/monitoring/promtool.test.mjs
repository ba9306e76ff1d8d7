/** Prometheus' own tool accepts the metrics, the rules and their tests. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { settledPeersOf, someAddress } from "../gateway/support/upstreams.mjs";
import { exampleFolder } from "./support/prometheus.mjs";

/** @param {string[]} args @param {string} [input] */
function promtool(args, input) {
  const { status, stdout, stderr } = spawnSync("promtool", args, {
    cwd: exampleFolder,
    input,
    encoding: "utf8",
  });
  assert.equal(status, 0, `promtool ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}

test("promtool accepts the example's configuration and rules, and their tests pass", () => {
  promtool(["check", "config", "prometheus.yml"]);
  promtool(["check", "rules", "rules.yml"]);
  promtool(["test", "rules", "rules_test.yml"]);
});

test("promtool finds nothing to improve in the metrics", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address }));
  const upstreams = {
    app: { servers, queue: { size: 5 }, autoscale: { max: 3 }, load: {} },
    hashed: { method: "hash", hash: { key: "$arg_key" }, servers: [{ server: someAddress(1) }] },
    found: { discovery: { file: { path: "/nonexistent/servers.json" } } },
    "a+b~c@d:e": {},
  };
  for (const metrics of [{ codes: true }, { per_server: false }]) {
    const gateway = await startGateway(context, {
      upstreams,
      setup: { api: { metrics } },
      traffic: 'access_by_lua_block { require("resty.sluice").access("app") }',
    });
    for (const status of [200, 404, 500]) await ask(gateway.port, `/?status=${status}`);
    await settledPeersOf(gateway.api);
    const { text } = await gateway.api.get("/api/metrics");
    assert.equal(promtool(["check", "metrics"], text), "");
  }
});
