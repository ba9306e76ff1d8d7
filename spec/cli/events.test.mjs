/** Tests of `sluice events`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../gateway/support/gateway.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { userOf } from "./support/command.mjs";

/** Reports a server's state. @param {import("../gateway/support/api.mjs").Api} api @param {string} state */
const report = (api, state) => api.expect(204, "POST", `${sluice()}/servers/0/report`, { state });

/** @param {import("node:test").TestContext} context */
async function begin(context) {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9001", "127.0.0.1:9002"] });
  return { gateway, api: gateway.api, user: userOf(context, gateway) };
}

test("events lists the last events, one line for each", async (context) => {
  const { api, user } = await begin(context);
  const { stderr } = await user.run(["events"]);
  assert.match(stderr, /no such event/);
  await report(api, "down");
  await report(api, "up");
  const lines = (await user.sluice("events")).trimEnd().split("\n");
  assert.equal(lines.length, 2);
  assert.match(
    lines[0],
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}app {2}127\.0\.0\.1:9001 {2}up → down {2}it reports "down"$/,
  );
  assert.equal((await user.sluice("events", "--last", "1")).trimEnd(), lines[1]);
  assert.equal(JSON.parse(await user.sluice("events", "-o", "json")).length, 2);
  const other = await user.run(["events", "--upstream", "other"]);
  assert.deepEqual([other.status, other.stdout], [0, ""]);
});

test("events --follow shows events and changes as they happen, and goes on after a reload", async (context) => {
  const { gateway, api, user } = await begin(context);
  await report(api, "down");
  const text = user.start("events", "--follow");
  const json = user.start("events", "--follow", "--kind", "change", "--last", "0", "-o", "json");
  await text.shows(/up → down/);
  await report(api, "up");
  await text.shows(/down → up/);
  // The second command has no line yet that tells when it follows.
  await json.shows(/^$/);
  await gateway.reload();
  for (let weight = 2; !/weight|changed/.test(json.output); weight += 1) {
    await api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
    await text.shows(new RegExp(`(changed \\(revision \\d+\\), servers: 1 changed\n[^]*){${weight - 1}}`));
    if (weight > 50) break;
  }
  const [first] = json.output.split("\n");
  const { event, upstream, change, changed } = JSON.parse(first);
  assert.deepEqual(
    { event, upstream, change, changed },
    { event: "change", upstream: "app", change: "changed", changed: 1 },
  );
  assert.doesNotMatch(text.output, /missing/);
});
