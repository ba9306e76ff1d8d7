/** Tests of `diff`, `apply` and `export` against a real gateway. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { startBackend } from "../gateway/support/backend.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { acceptedUpstreams } from "./support/accepted.mjs";
import { userOf } from "./support/command.mjs";

const [one, two, three] = ["127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"];

/** @param {import("node:test").TestContext} context @param {Record<string, object>} [upstreams] */
async function begin(context, upstreams = { app: { servers: [{ server: one }, { server: two }] } }) {
  const gateway = await startGateway(context, { upstreams });
  return { gateway, api: gateway.api, user: userOf(context, gateway) };
}

const appOf = (...servers) => JSON.stringify({ upstreams: { app: { servers } } });

/** Returns the addresses of an upstream's servers. */
async function addressesOf(api, name = "app") {
  return (await api.expect(200, "GET", serversOf(name))).map(({ server }) => server);
}

test("diff says whether the gateway equals the files, and its exit status too", async (context) => {
  const { api, user } = await begin(context);
  const before = await api.configuration();
  user.write("app.json", appOf({ server: one }, { server: two }));
  assert.match(
    await user.sluice("diff", "-f", "app.json"),
    /^the gateway equals the files \(revision \d+\)\n$/,
  );

  const app = {
    method: "least_conn",
    servers: [
      { server: two, weight: 2 },
      { server: three, backup: true },
    ],
  };
  user.write("app.json", JSON.stringify({ upstreams: { app, shop: { servers: [{ server: one }] } } }));
  const { status, stdout, stderr } = await user.run(["diff", "-f", "app.json"]);
  assert.deepEqual([status, stderr], [2, ""]);
  assert.equal(
    stdout,
    `app: changed
    method round_robin → least_conn
  - ${one}
  + ${three}  backup true
  ~ ${two}  weight 1 → 2
shop: created
    method round_robin
  + ${one}
1 upstream would be created, 1 changed
`,
  );
  const json = JSON.parse((await user.run(["diff", "-f", "app.json", "-o", "json"])).stdout);
  assert.deepEqual([json.dry_run, json.upstreams.app.change], [true, "changed"]);
  assert.match((await user.run(["diff", "-f", "app.json", "-o", "yaml"])).stdout, /\ndry_run: true\n/);
  assert.equal(await api.configuration(), before, "diff changes nothing");
});

test("a refused file is reported with its file and line, by diff and by apply", async (context) => {
  const { api, user } = await begin(context);
  const before = await api.configuration();
  user.write(
    "bad.yaml",
    `upstreams:\n  app:\n    servers:\n      - server: ${one}\n        weight: 0\n  shop:\n    method: best\n`,
  );
  for (const args of [["diff"], ["apply", "--yes"], ["apply", "--dry-run"]]) {
    const { status, stdout, stderr } = await user.run([...args, "-f", "bad.yaml"]);
    assert.deepEqual([status, stdout], [1, ""]);
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.length, 2, stderr);
    assert.match(lines[0], /^sluice: bad\.yaml:5: app\.servers\[0\]\.weight: .*must be a whole number/);
    assert.match(lines[1], /^sluice: bad\.yaml:7: shop\.method: invalid "method": /);
  }
  assert.equal(await api.configuration(), before);
});

test("apply makes the gateway equal to the files, and the next request follows", async (context) => {
  const { gateway, api, user } = await begin(context, { app: {} });
  const backend = await startBackend(context);
  user.write("all/app.yaml", `upstreams:\n  app:\n    servers:\n      - server: ${backend.address}\n`);
  user.write("all/shop.yaml", `upstreams:\n  shop:\n    method: random\n    servers: []\n`);
  const shown = await user.sluice("apply", "-f", "all", "--wait", "--comment", "release 42");
  assert.match(shown, /^app: changed\n {2}\+ \S+\nshop: created\n/);
  assert.match(shown, /\n1 upstream created, 1 changed \(revision \d+\)\n(\d+) of \1 workers follow\n$/);
  assert.equal((await ask(gateway.port, "/")).text, backend.id);
  assert.equal((await api.expect(200, "GET", sluice("shop"))).method, "random");
  assert.match(await user.sluice("apply", "-f", "all"), /^nothing to change \(revision \d+\)\n$/);
  assert.match(await user.sluice("diff", "-f", "all"), /^the gateway equals/);
});

test("apply --dry-run changes nothing", async (context) => {
  const { api, user } = await begin(context);
  const before = await api.configuration();
  user.write("app.json", appOf({ server: three }));
  const shown = await user.sluice("apply", "--dry-run", "-f", "app.json");
  assert.match(
    shown,
    /^app: changed\n {2}- 127.*\n {2}- 127.*\n {2}\+ 127.*\ndry run: 1 upstream would be changed; nothing was changed\n$/,
  );
  assert.equal(await api.configuration(), before);
});

test("without a terminal, apply removes servers and upstreams only with --yes", async (context) => {
  const { api, user } = await begin(context);
  const before = await api.configuration();
  user.write("app.json", appOf({ server: one }));
  const { status, stderr } = await user.run(["apply", "-f", "app.json"]);
  assert.equal(status, 1);
  assert.match(stderr, /^sluice: This removes 1 server: add --yes if that is intended\n$/);
  assert.equal(await api.configuration(), before);
  assert.match(await user.sluice("apply", "--yes", "-f", "app.json"), /\n1 upstream changed \(revision/);
  assert.deepEqual(await addressesOf(api), [one]);

  user.write("app.json", JSON.stringify({ upstreams: { app: null } }));
  assert.match(
    (await user.run(["apply", "-f", "app.json"])).stderr,
    /This removes 1 upstream and 1 server: add --yes/,
  );
  assert.match(await user.sluice("apply", "--yes", "-f", "app.json"), /^app: deleted\n/);
  await api.expect(404, "GET", sluice());
});

for (const [keys, applies] of [
  ["y\r", true],
  ["n\r", false],
]) {
  test(`in a terminal, apply asks before removals; ${JSON.stringify(keys)} ${applies ? "applies" : "does not"}`, async (context) => {
    const { api, user } = await begin(context);
    user.write("app.json", appOf({ server: one }));
    const asking = user.startInTerminal("apply", "-f", "app.json");
    await asking.shows(/app: changed[^]*This removes 1 server\. Go on\? \[y\/N\] /);
    asking.type(keys);
    assert.equal(await asking.ended, applies ? 0 : 1);
    assert.deepEqual(await addressesOf(api), applies ? [one] : [one, two]);
  });
}

test("a change that comes between the question and the answer is shown, and asked about again", async (context) => {
  const { api, user } = await begin(context);
  user.write("app.json", appOf({ server: one }));
  const asking = user.startInTerminal("apply", "-f", "app.json");
  await asking.shows(/This removes 1 server\. Go on\? \[y\/N\] /);
  await api.expect(201, "POST", serversOf(), { server: three });
  asking.type("y\r");
  await asking.shows(/- 127\.0\.0\.1:9003[^]*This removes 2 servers\. Go on\? \[y\/N\] /);
  assert.deepEqual(await addressesOf(api), [one, two, three], "nothing is changed yet");
  asking.type("y\r");
  assert.equal(await asking.ended, 0);
  assert.deepEqual(await addressesOf(api), [one]);
});

test("--prune deletes what no file has, but not what another owner has", async (context) => {
  const { api, user } = await begin(context, {});
  user.write("a.json", JSON.stringify({ upstreams: { a1: {}, a2: {} } }));
  user.write("b.json", JSON.stringify({ upstreams: { b1: {} } }));
  await user.sluice("apply", "-f", "a.json", "--owner", "team-a");
  await user.sluice("apply", "-f", "b.json", "--owner", "team-b");
  user.write("a.json", JSON.stringify({ upstreams: { a1: {} } }));
  assert.match((await user.run(["diff", "-f", "a.json", "--owner", "team-a"])).stdout, /equals/);
  const pruned = await user.sluice("apply", "-f", "a.json", "--owner", "team-a", "--prune", "--yes");
  assert.match(pruned, /^a2: deleted\n1 upstream deleted \(revision \d+\)\n$/);
  await api.expect(404, "GET", sluice("a2"));
  await api.expect(200, "GET", sluice("b1"));

  user.write("b.json", JSON.stringify({ upstreams: { b1: { method: "random" } } }));
  assert.match(await user.fails("apply", "-f", "b.json", "--owner", "team-a"), /b1.*team-b/);
  assert.match(await user.sluice("apply", "-f", "b.json", "--owner", "team-a", "--force"), /b1: changed/);
  assert.equal((await api.expect(200, "GET", sluice("b1"))).owner, "team-a");
});

test("--max-removal refuses to remove more than that part of the servers", async (context) => {
  const { api, user } = await begin(context);
  user.write("app.json", appOf());
  const refused = await user.fails("apply", "--yes", "-f", "app.json", "--max-removal", "50%");
  assert.match(refused, /app/);
  assert.equal((await addressesOf(api)).length, 2);
  await user.sluice("apply", "--yes", "-f", "app.json", "--max-removal", "100%");
  assert.deepEqual(await addressesOf(api), []);
});

test("what export writes, apply accepts, and then nothing differs", async (context) => {
  const { gateway, api, user } = await begin(context, {});
  // The health checks of these upstreams reach no server.
  gateway.log.allow(/connect\(\) failed/);
  const hasSecret = (upstream) => JSON.stringify(upstream).includes('"secret"');
  const hasDiscovery = (upstream) => Object.hasOwn(upstream, "discovery");
  const upstreams = acceptedUpstreams.filter((upstream) => !hasSecret(upstream) && !hasDiscovery(upstream));
  user.write(
    "all.json",
    JSON.stringify({ upstreams: Object.fromEntries(upstreams.map((each, index) => [`u${index}`, each])) }),
  );
  await user.sluice("apply", "-f", "all.json");
  const before = await api.configuration();
  user.write("export.yaml", await user.sluice("export"));
  user.write("export.json", await user.sluice("export", "-o", "json"));
  for (const file of ["export.yaml", "export.json"]) {
    assert.match(await user.sluice("validate", "-f", file), /^valid: 1 file/);
    assert.match(await user.sluice("diff", "-f", file, "--prune"), /^the gateway equals the files/);
  }
  assert.match(await user.sluice("export", "u2"), /^upstreams:\n {2}u2:\n/);
  assert.match(await user.fails("export", "none"), /there is no upstream "none"/);

  user.write("none.json", JSON.stringify({ upstreams: {} }));
  await user.sluice("apply", "-f", "none.json", "--prune", "--yes");
  assert.equal(await api.configuration(), "{}");
  await user.sluice("apply", "-f", "export.yaml");
  assert.equal(withoutIds(await api.configuration()), withoutIds(before));
});

/** Returns a configuration without the ids of servers. @param {string} text */
const withoutIds = (text) => text.replace(/"id":\d+,/g, "");

test("export hides secrets, and says so", async (context) => {
  const webhook = { url: "http://127.0.0.1:9/", secret: "0123456789abcdef" };
  const { user } = await begin(context, {
    app: { autoscale: { max: 3, webhook }, servers: [{ server: one }] },
  });
  const { status, stdout, stderr } = await user.run(["export"]);
  assert.equal(status, 0);
  assert.ok(!stdout.includes(webhook.secret));
  assert.match(stderr, /^sluice: secrets are written as "\*\*\*"/);
  user.write("app.yaml", stdout);
  assert.match(await user.sluice("diff", "-f", "app.yaml"), /^the gateway equals/);
});
