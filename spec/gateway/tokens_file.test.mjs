/** The file of named tokens: its changes, its faults, and what the API tells of it. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { basic, bearer } from "./support/access.mjs";
import { Api } from "./support/api.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { CHANGES } from "./support/changes.mjs";
import { follow } from "./support/event_stream.mjs";
import { makeGateway } from "./support/gateway.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { as, entry, secretOf, sha256, startWithTokens, writeTokens } from "./support/tokens.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const servers = ["127.0.0.1:9"];
const status = "/api/sluice/1/status";

/** Waits until all workers answer a token with a status. Each request may reach any worker. */
async function waitForStatus({ api }, headers, wanted) {
  await waitFor(`every worker answers ${wanted}`, async () => {
    for (let request = 0; request < 12; request += 1) {
      if ((await api.get(status, headers)).status !== wanted) return false;
    }
    return true;
  });
}

const problemsOf = async ({ api }, headers) => {
  const { problems } = await api.expect(200, "GET", status, undefined, headers);
  return problems.map(({ problem }) => problem);
};

test("a changed file applies without a reload", async (context) => {
  const gateway = await startWithTokens(context, [entry("one", "read")], { servers });
  const { api } = gateway;
  const workers = gateway.workers();
  assert.equal((await api.get(status, as("one"))).status, 200);
  assertErrorBody(await api.patch(`${serversOf()}/0`, { weight: 2 }, as("one")), 403, "RoleMissing");
  writeTokens(gateway, [entry("two", "write")]);
  await waitForStatus(gateway, as("two"), 200);
  await waitForStatus(gateway, as("one"), 401);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 }, as("two"));
  writeTokens(gateway, []);
  await waitForStatus(gateway, as("two"), 401);
  assert.deepEqual(gateway.workers(), workers);
  assert.doesNotMatch(gateway.log.text(), /secret-of-/);
});

test("a file that becomes invalid keeps the last tokens, with one warning and a problem in the status", async (context) => {
  const tokens = [entry("one", "admin")];
  const gateway = await startWithTokens(context, tokens, { servers });
  const warnings = () => gateway.log.text().match(/api\.tokens_file is invalid/g)?.length ?? 0;
  const secret = secretOf("leaked");
  for (const damage of [
    () => writeTokens(gateway, `[{"name":"x","token":"${secret}","role":"root"}]`),
    () => rmSync(join(gateway.folder, "tokens.json")),
  ]) {
    const before = warnings();
    damage();
    await waitFor("the problem is shown", async () =>
      (await problemsOf(gateway, as("one"))).includes("tokens_file_invalid"),
    );
    await waitForStatus(gateway, as("one"), 200);
    assert.equal(warnings(), before + 1, gateway.log.text());
    writeTokens(gateway, tokens);
    await waitFor("the problem is over", async () => (await problemsOf(gateway, as("one"))).length === 0);
    await waitForStatus(gateway, as("one"), 200);
  }
  assert.match(gateway.log.text(), /api\.tokens_file is valid again/);
  assert.ok(!gateway.log.text().includes(secret));
});

test("an invalid file stops the start with one clear line that quotes no secret", async (context) => {
  const gateway = await makeGateway(context, { servers, setup: { api: { tokens_file: "tokens.json" } } });
  await assertRefusesToStart(
    gateway,
    /invalid "api\.tokens_file": .*tokens\.json: could not read it: No such file/,
  );
  for (const [text, reason] of [
    ["", /it is not a JSON list/],
    ['[{"name":"a","token":"open-sesame","role":"king"}]', /invalid "tokens\[0\]\.role": must be one of/],
    [`[{"name":"a","sha256":"${sha256("x").slice(1)}","role":"read"}]`, /64 hexadecimal digits/],
  ]) {
    writeTokens(gateway, text);
    await assertRefusesToStart(gateway, reason);
    assert.doesNotMatch(gateway.log.text(), new RegExp(`open-sesame|${sha256("x").slice(1)}`));
  }
});

test("with a file of tokens, local clients need a token, too", async (context) => {
  const gateway = await startWithTokens(context, [entry("one", "admin")], { servers, apiUnix: true });
  assertErrorBody(await gateway.api.get(status), 401, "Unauthorized");
  assertErrorBody(await gateway.api.put(sluice("new"), { servers: [] }), 401, "Unauthorized");
  const local = new Api({ socketPath: join(gateway.folder, "api.sock"), headers: { Host: "localhost" } });
  assertErrorBody(await local.get(status), 401, "Unauthorized");
  assert.equal((await local.get(status, as("one"))).status, 200);
});

test("a token is accepted as given, as a digest in either case, and as a password", async (context) => {
  const tokens = [
    { name: "plain", token: "open-sesame", role: "read" },
    { name: "upper", sha256: sha256("upper-secret").toUpperCase(), role: "read" },
  ];
  const { api } = await startWithTokens(context, tokens, { servers });
  for (const headers of [
    bearer("open-sesame"),
    bearer("upper-secret"),
    { Authorization: basic("any", "open-sesame") },
  ])
    assert.equal((await api.get(status, headers)).status, 200);
  for (const token of [
    "open-sesam",
    "open-sesame2",
    "OPEN-SESAME",
    sha256("upper-secret"),
    sha256("open-sesame"),
  ])
    assertErrorBody(await api.get(status, bearer(token)), 401, "Unauthorized");
});

test("a token that expires is refused from that time on, and its event stream ends", async (context) => {
  const expires = new Date(Date.now() + 4000).toISOString();
  const gateway = await startWithTokens(context, [entry("short", "admin", { expires })], { servers });
  const stream = await follow(context, gateway, "", as("short"));
  assert.equal((await gateway.api.get(status, as("short"))).status, 200);
  await waitFor(
    "the token has expired",
    async () => (await gateway.api.get(status, as("short"))).status === 401,
  );
  assert.ok(Date.now() >= Date.parse(expires));
  const { body } = await gateway.api.get(status, as("short"));
  assert.equal(body.error.text, `the token "short" has expired at ${expires}`);
  await waitFor("the stream ends", () => stream.hasEnded);
});

test("the event stream of a token ends when the token is removed or its rights change", async (context) => {
  const one = entry("one", "read");
  const gateway = await startWithTokens(context, [one, entry("two", "read")], { servers });
  const streams = [];
  for (const name of ["one", "two"]) streams.push(await follow(context, gateway, "", as(name)));
  writeTokens(gateway, [one, entry("two", "read", { upstreams: ["app"] })]);
  await waitFor("the stream of the changed token ends", () => streams[1].hasEnded);
  writeTokens(gateway, [entry("three", "read")]);
  await waitFor("the stream of the removed token ends", () => streams[0].hasEnded);
});

test("the event stream of a token for some upstreams has only messages about these", async (context) => {
  const tokens = [entry("all", "admin"), entry("some", "read", { upstreams: ["app"] })];
  const gateway = await startWithTokens(context, tokens, { upstreams: { app: {}, hidden: {} } });
  const stream = await follow(context, gateway, "", as("some"));
  for (const [index, name] of ["app", "hidden", "hidden", "app"].entries())
    await gateway.api.expect(201, "POST", serversOf(name), { server: `127.0.0.${index + 2}:9` }, as("all"));
  await waitFor("both changes arrive", () => stream.messages.length === 2);
  assert.deepEqual(
    stream.messages.map(({ data }) => data.upstream),
    ["app", "app"],
  );
});

test("the names of tokens are shown to the role admin, never their digests", async (context) => {
  const expires = "2099-01-01T00:00:00Z";
  const tokens = [
    entry("root", "admin"),
    entry("deploy", "write", { upstreams: ["app", "shop-*"], expires }),
    { name: "plain", token: "open-sesame", role: "read" },
  ];
  const { api } = await startWithTokens(context, tokens, { servers });
  const { body, text } = await api.get("/api/sluice/1/tokens", as("root"));
  assert.deepEqual(body, {
    tokens: [
      { name: "root", role: "admin" },
      { name: "deploy", role: "write", upstreams: ["app", "shop-*"], expires: "2099-01-01T00:00:00.000Z" },
      { name: "plain", role: "read" },
    ],
  });
  for (const secret of [secretOf("root"), sha256(secretOf("root")), "open-sesame", sha256("open-sesame")])
    assert.ok(!text.includes(secret));
  assertErrorBody(await api.get("/api/sluice/1/tokens", as("deploy")), 403, "RoleMissing");
});

test("a token for some upstreams makes no split with others, and is not told of splits that it does not see", async (context) => {
  const team = entry("team", "write", { upstreams: ["app", "mine"] });
  const { api } = await startWithTokens(context, [team, entry("all", "admin")], {
    upstreams: { app: {}, mine: {}, secret: {}, hidden: { split: { members: [{ upstream: "mine" }] } } },
  });
  const splitOf = (...names) => ({ split: { members: names.map((upstream) => ({ upstream })) } });
  const hides = (answer) => assertErrorBody(answer, 403, "UpstreamNotAllowed");
  for (const name of ["secret", "none"]) {
    hides(await api.send("PUT", sluice(), splitOf(name), as("team")));
    hides(await api.send("PATCH", sluice(), splitOf("mine", name), as("team")));
    hides(await api.send("POST", CHANGES, { upstreams: { app: splitOf(name) } }, as("team")));
  }
  const { error } = await api.expect(409, "DELETE", sluice("mine"), undefined, as("team"));
  assert.match(error.text, /upstream "mine" is a member of a split: /);
  assert.match(
    (await api.expect(409, "DELETE", sluice("mine"), undefined, as("all"))).error.text,
    /"hidden"/,
  );
  // A member that it had before may stay.
  await api.expect(200, "PUT", sluice(), splitOf("secret"), as("all"));
  await api.expect(200, "PATCH", sluice(), splitOf("secret", "mine"), as("team"));
});
