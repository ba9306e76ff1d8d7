/**
 * Reports in responses, by the header `endpoint-load-metrics`. They do not contain a state, but confirm the
 * current state.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { allEvents, stateOf } from "../gateway/support/health.mjs";
import { ask } from "../gateway/support/load.mjs";
import {
  assertIsUsed,
  assertKept,
  drainingUpstreams,
  reportTo,
  startReporting,
} from "./support/reporting.mjs";

/** Long enough for requests on a busy machine. */
const expiry = "3s";
const wide = { http: "proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k;" };

/** @type {Record<string, string>} */
const good = {
  text: "TEXT cpu_utilization=0.3",
  text_of_old: "TEXT cpu_utilization:0.3, rps_fractional:10",
  text_full:
    "TEXT application_utilization=0.9,eps=1,named_metrics.queue=7,utilization.disk=0.2,request_cost.db=3",
  json: 'JSON {"cpuUtilization": 0.3, "rpsFractional": 10}',
  json_names: 'JSON {"application_utilization":0.5,"named_metrics":{"queue":7}}',
  json_as_written: 'JSON {"cpuUtilization":0.3,"rps":"310","eps":null}',
  json_empty: "JSON {}",
  other_only: "TEXT mem_utilization=0.3",
};

/** @type {Record<string, string | string[]>} */
const bad = {
  none: [],
  empty: "",
  form: "cpu_utilization=0.3",
  bin: "BIN CTMzMzMzM9M/",
  unknown: "TEXT cpu_utilization=0.3,load=0.3",
  nan: "TEXT cpu_utilization=NaN",
  negative: "TEXT cpu_utilization=-0.3",
  infinite: "TEXT cpu_utilization=1e999",
  huge: "TEXT cpu_utilization=1e300",
  twice: "TEXT cpu_utilization=0.3,cpu_utilization=0.3",
  json_string: 'JSON {"cpuUtilization":"0.3"}',
  json_broken: 'JSON {"cpuUtilization":0.3',
  json_list: "JSON [0.3]",
  json_nan: 'JSON {"cpuUtilization":NaN}',
  json_huge: 'JSON {"cpuUtilization":1e999}',
  json_nested: `JSON ${'{"a":'.repeat(800)}1${"}".repeat(800)}`,
  long: `TEXT cpu_utilization=0.3,named_metrics.${"n".repeat(5000)}=1`,
};

test("a load in a response confirms the reported state, and an invalid load does not", async (context) => {
  const servers = await startBackends(context, 2);
  const [first, second] = servers;
  const headers = { ...good, ...bad };
  const settings = Object.fromEntries(Object.keys(headers).map((name) => [name, {}]));
  // autoscale also needs the loads, by default for whole minutes.
  const autoscale = { max: 2, dry_run: true };
  const { gateway, api } = await startReporting(
    context,
    drainingUpstreams([first, second], { ...settings, scaled: { autoscale } }, expiry),
    wide,
  );
  headers.scaled = good.text;
  const names = Object.keys(headers);
  for (const name of names) await api.expect(204, "POST", reportTo(0, name), { state: "drain" });
  const events = (await allEvents(api)).length;
  assert.equal(events, names.length);

  const began = performance.now();
  while (performance.now() - began < 3300) {
    for (const name of names) {
      first.behaviour = { load_metrics: headers[name] };
      const { status, text } = await ask(gateway.port, `/to/${name}?route=a`);
      assert.deepEqual([status, text], [200, first.id], name);
    }
  }
  // A timer ends expired states, so the confirmed states are tested first.
  for (const name of names.filter((each) => !Object.hasOwn(bad, each))) {
    first.behaviour = { load_metrics: headers[name] };
    await ask(gateway.port, `/to/${name}?route=a`);
    await assertKept(gateway, name, first, true, expiry);
  }
  for (const name of Object.keys(bad)) await assertKept(gateway, name, first, false, expiry);
});

test("a load header in the response to any attempt does not affect a request", async (context) => {
  const backends = await startBackends(context, 2);
  const servers = backends.map(({ address }) => ({ server: address, max_fails: 0 }));
  const { gateway, api, clients } = await startReporting(context, { app: { load: {}, servers } }, wide);
  gateway.log.allow(/(Connection reset by peer|prematurely closed connection).*upstream/);
  const [first, second] = backends;
  // The value of nginx's variable for two headers depends on the version.
  const two = ["TEXT cpu_utilization=0.3", "TEXT cpu_utilization=0.4"];
  for (const load_metrics of [...Object.values(good), ...Object.values(bad), two]) {
    first.behaviour = { load_metrics };
    second.behaviour = { load_metrics };
    for (const backend of backends) await assertIsUsed(clients, backend);
    first.behaviour = { load_metrics, reset: 1 };
    for (const client of clients) assert.equal((await client.get("/")).text, second.id);
    first.behaviour = { load_metrics, status: 500 };
    second.behaviour = { load_metrics, status: 500 };
    for (const client of clients) assert.equal((await client.get("/")).status, 500);
  }
  for (const { address } of backends) assert.equal(await stateOf(api, address), "up");
  assert.deepEqual(await allEvents(api), []);
});
