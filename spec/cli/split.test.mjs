/** Tests of the verbs that show and change splits, against a real gateway. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../gateway/support/gateway.mjs";
import { sluice } from "../gateway/support/upstreams.mjs";
import { userOf } from "./support/command.mjs";

const servers = [{ server: "127.0.0.1:9001" }];
const members = [
  { upstream: "app-v1", weight: 95 },
  { upstream: "app-v2", weight: 5, match: { $http_x_canary: "always" } },
];
const upstreams = {
  "app-v1": { servers },
  "app-v2": { servers: [] },
  app: { split: { by: "$cookie_user", members } },
};

test("split shows the members, and changes weights and nothing else", async (context) => {
  const gateway = await startGateway(context, { upstreams });
  const { api } = gateway;
  const user = userOf(context, gateway);
  const table = (...rows) => `${["MEMBER  WEIGHT  SHARE  STATE", ...rows].join("\n")}\n`;
  assert.equal(
    await user.sluice("split", "app"),
    table("app-v1      95  100%   available", "app-v2       5  0%     no server available"),
  );
  assert.equal(
    await user.sluice("split", "app", "app-v1=99.99", "app-v2=0.01"),
    table("app-v1   99.99  100%   available", "app-v2    0.01  0%     no server available"),
  );
  const { split } = await api.expect(200, "GET", sluice());
  const [first, second] = members;
  assert.deepEqual(split, {
    by: "$cookie_user",
    members: [
      { ...first, weight: 99.99 },
      { ...second, weight: 0.01 },
    ],
  });
  for (const [args, text] of [
    [["app", "app-v3=1"], /"app-v3" is no member of app, whose members are app-v1, app-v2/],
    [["app", "app-v2"], /"app-v2" is not <member>=<weight>/],
    [["app", "app-v2=-1"], /is not <member>=<weight>/],
    [["app", "app-v1=0", "app-v2=0"], /must have a weight above 0/],
    [["app-v1"], /app-v1 is no split/],
    [["app-v1", "x=1"], /app-v1 is no split/],
    [["none"], /"none" not found/],
  ]) {
    const { status, stderr } = await user.run(["split", ...args]);
    assert.equal(status, 1);
    assert.match(stderr, /** @type {RegExp} */ (text));
  }
  assert.deepEqual((await api.expect(200, "GET", sluice())).split, split);
});

test("get and explain show a split, and export, validate, diff and apply take it", async (context) => {
  const gateway = await startGateway(context, { upstreams });
  const user = userOf(context, gateway);
  assert.match(await user.sluice("get"), /\napp +split +1\/2 /);
  assert.match(await user.sluice("get", "app"), /^app: split, 2 members, revision \d+\nMEMBER/);
  assert.match(
    await user.sluice("explain", "app", "--key", "7"),
    /^split\nMEMBER[^]*\nnext: app-v1 \(by its key/,
  );
  const exported = await user.sluice("export");
  user.write("all.yaml", exported);
  await user.sluice("validate", "-f", "all.yaml");
  assert.equal((await user.run(["diff", "-f", "all.yaml"])).status, 0);
  user.write("all.yaml", exported.replace("weight: 5", "weight: 10"));
  assert.equal((await user.run(["diff", "-f", "all.yaml"])).status, 2);
  await user.sluice("apply", "-f", "all.yaml");
  assert.equal((await gateway.api.expect(200, "GET", sluice())).split.members[1].weight, 10);
  user.write("all.yaml", exported.replace("weight: 5", "weight: many"));
  assert.match((await user.run(["validate", "-f", "all.yaml"])).stderr, /split\.members\[1\]\.weight/);
});
