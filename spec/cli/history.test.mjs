/** Tests of `history` and `rollback` against a real gateway. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../gateway/support/gateway.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { userOf } from "./support/command.mjs";

const [one, two] = ["127.0.0.1:9001", "127.0.0.1:9002"];

/** @param {import("node:test").TestContext} context */
async function begin(context) {
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: one }] }, other: {} },
  });
  const user = userOf(context, gateway);
  const change = async (weight, comment) => {
    user.write("app.json", JSON.stringify({ upstreams: { app: { servers: [{ server: one, weight }] } } }));
    const shown = await user.sluice("apply", "-f", "app.json", "--comment", comment);
    return Number(/\(revision (\d+)\)/.exec(shown)[1]);
  };
  return { gateway, api: gateway.api, user, change };
}

/** Returns the weight of the first server. @param {import("../gateway/support/api.mjs").Api} api */
const weightOf = async (api) => (await api.expect(200, "GET", serversOf()))[0].weight;

test("history lists the changes, the newest first, and shows one in full", async (context) => {
  const { api, user, change } = await begin(context);
  const revision = await change(2, "release 42");
  await api.expect(200, "PATCH", sluice("other"), { method: "random" });
  const lines = (await user.sluice("history")).trimEnd().split("\n");
  assert.match(lines[0], /^REVISION {2}TIME {17}AUTHOR +ORIGIN +UPSTREAMS +COMMENT$/);
  assert.match(lines[1], /^ +\d+ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}local +127\.0\.0\.1 +other$/);
  assert.match(lines[2], new RegExp(`^ +${revision} {2}.*local.* app +release 42$`));
  const only = await user.sluice("history", "--upstream", "app", "--limit", "1");
  assert.equal(only.trimEnd().split("\n").length, 2);
  assert.match(only, /release 42/);
  const shown = await user.sluice("history", String(revision));
  assert.match(shown, new RegExp(`^revision ${revision}\ntime: `));
  assert.match(shown, /\ncomment: release 42\n/);
  assert.match(shown, new RegExp(`\napp: changed\n {2}~ ${one} {2}weight 1 → 2\n$`));
  assert.equal(JSON.parse(await user.sluice("history", "-o", "json")).changes[1].comment, "release 42");
  assert.match(await user.fails("history", "x"), /invalid revision "x"/);
});

test("rollback restores upstreams as they were at a revision", async (context) => {
  const { api, user, change } = await begin(context);
  const good = await change(2, "good");
  await change(7, "bad");
  await api.expect(200, "PATCH", sluice("other"), { method: "random" });
  const dry = await user.sluice("rollback", String(good), "app", "--dry-run");
  assert.match(
    dry,
    new RegExp(
      `^app: changed\n {2}~ ${one} {2}weight 7 → 2\ndry run: 1 upstream would be changed; nothing was changed\n$`,
    ),
  );
  assert.equal(await weightOf(api), 7);
  const done = await user.sluice("rollback", String(good), "app", "--comment", "bad was bad", "--wait");
  assert.match(done, /\n1 upstream changed \(revision \d+\)\n(\d+) of \1 workers follow\n$/);
  assert.equal(await weightOf(api), 2);
  assert.equal((await api.expect(200, "GET", sluice("other"))).method, "random", "other upstreams stay");
  assert.match(await user.sluice("history", "--limit", "1"), /bad was bad/);
  assert.match(await user.sluice("rollback", String(good)), /^other: changed\n/);
  assert.match(await user.sluice("rollback", String(good)), /^nothing to change/);
  assert.match(await user.fails("rollback", "999999"), /999999/);
});

test("a rollback that removes servers asks, or needs --yes", async (context) => {
  const { api, user, change } = await begin(context);
  const good = await change(2, "good");
  await api.expect(201, "POST", serversOf(), { server: two });
  assert.match(
    (await user.run(["rollback", String(good), "app"])).stderr,
    /This removes 1 server: add --yes if that is intended\n$/,
  );
  const asking = user.startInTerminal("rollback", String(good), "app");
  await asking.shows(/This removes 1 server\. Go on\? \[y\/N\] /);
  asking.type("y\r");
  assert.equal(await asking.ended, 0);
  assert.equal((await api.expect(200, "GET", serversOf())).length, 1);
});
