/**
 * Every operation of the description with every role, with and without the upstream that it is about. The
 * operations come from the description, so that a new one is tested, too.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describedOperations } from "../../scripts/routes.mjs";
import { readDescription } from "./support/description.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { as, entry, rights, roles, startWithTokens } from "./support/tokens.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

const operations = describedOperations(readDescription());
const HIDDEN = "hidden-upstream";
const HIDDEN_SERVER = "127.66.77.88:9";
const upstreams = {
  app: { servers: [{ server: "127.0.0.1:9" }] },
  [HIDDEN]: { servers: [{ server: HIDDEN_SERVER }] },
};
/** No upstream has this revision, so that no request changes one. */
const unchanged = { "If-Match": '"1000000"' };

/** @param {{ path: string }} operation @param {string} [name] of an upstream */
function pathOf({ path }, name = "app") {
  const values = { version: "9", name, id: "0", node: "none", worker: "0" };
  return `/api${path.replaceAll(/\{(\w+)\}/g, (_part, parameter) => values[parameter] ?? "1")}`;
}

/**
 * Sends a request without a body.
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {{ method: string, path: string }} operation
 * @param {Record<string, string>} headers
 * @param {string} [name] of an upstream
 */
function ask({ api }, operation, headers, name) {
  // A stream of events never ends.
  const method = operation.path.endsWith("/stream") ? "HEAD" : operation.method;
  return api.send(method, pathOf(operation, name), undefined, { ...unchanged, ...headers });
}

/** @param {string} role @param {string[]} needed */
const has = (role, needed) => needed.length === 0 || needed.some((each) => rights[role].includes(each));
const shownOf = ({ status, body }) => `${status} ${body?.error?.code ?? ""}`.trim();
const isStream = ({ path }) => path.endsWith("/stream");

test("every operation needs a role that the description names", () => {
  assert.ok(operations.length > 50);
  for (const { method, path, roles: needed } of operations) {
    const isPage = path === "/dashboard";
    assert.equal(needed.length === 0, isPage, `${method} ${path}`);
    for (const role of needed) assert.ok(roles.includes(role), `${method} ${path}: ${role}`);
  }
});

test("every operation is permitted to exactly the roles that have the right", async (context) => {
  const tokens = roles.map((role) => entry(role, role));
  const gateway = await startWithTokens(context, tokens, { upstreams });
  const before = await gateway.api.get("/api/sluice/1/upstreams", as("admin"));
  for (const operation of operations) {
    const what = `${operation.method} ${operation.path}`;
    for (const role of roles) {
      const answer = await ask(gateway, operation, as(role));
      if (has(role, operation.roles)) {
        assert.ok(![401, 403].includes(answer.status), `${what} as ${role}: ${shownOf(answer)}`);
        continue;
      }
      assert.equal(answer.status, 403, `${what} as ${role}`);
      if (isStream(operation)) continue;
      assertErrorBody(answer, 403, "RoleMissing");
      assert.match(
        answer.body.error.text,
        new RegExp(`needs the role ".*the token "${role}" has the role "${role}"$`),
      );
    }
  }
  const after = await gateway.api.get("/api/sluice/1/upstreams", as("admin"));
  assert.equal(after.text, before.text, "none of the requests has changed an upstream");
});

test("no operation is permitted without credentials, with a wrong token or with an expired one", async (context) => {
  const expired = entry("old", "admin", { expires: "2020-01-01T00:00:00Z" });
  const gateway = await startWithTokens(context, [expired], { upstreams });
  for (const operation of operations) {
    if (operation.roles.length === 0) continue;
    for (const headers of [{}, as("nobody"), as("old")]) {
      const answer = await ask(gateway, operation, headers);
      if (isStream(operation)) assert.equal(answer.status, 401);
      else assertErrorBody(answer, 401, "Unauthorized");
    }
  }
  const { body } = await gateway.api.get("/api/sluice/1/status", as("old"));
  assert.equal(body.error.text, 'the token "old" has expired at 2020-01-01T00:00:00.000Z');
});

test("a token for some upstreams sees nothing of the others in any answer, and changes none of them", async (context) => {
  const tokens = roles.flatMap((role) => [
    entry(role, role),
    entry(`some-${role}`, role, { upstreams: ["app", "other-*"] }),
  ]);
  const gateway = await startWithTokens(context, tokens, { upstreams });
  // Events and changes about both upstreams.
  for (const name of ["app", HIDDEN]) {
    const path = `${serversOf(name)}/0`;
    for (const weight of [2, 3]) await gateway.api.expect(200, "PATCH", path, { weight }, as("admin"));
    const report = `${sluice(name)}/servers/0/report`;
    await gateway.api.expect(204, "POST", report, { state: "down" }, as("admin"));
  }
  const shows = [];
  for (const operation of operations) {
    const what = `${operation.method} ${operation.path}`;
    for (const role of roles.filter((each) => has(each, operation.roles))) {
      const token = as(`some-${role}`);
      if (operation.path.includes("{name}")) {
        const foreign = await ask(gateway, operation, token, HIDDEN);
        assertErrorBody(foreign, 403, "UpstreamNotAllowed");
        const missing = await ask(gateway, operation, token, "does-not-exist");
        assertErrorBody(missing, 403, "UpstreamNotAllowed");
        const own = await ask(gateway, operation, token);
        assert.ok(![401, 403].includes(own.status), `${what} as ${role}: ${shownOf(own)}`);
        continue;
      }
      const { status, text } = await ask(gateway, operation, token);
      assert.ok(status < 300 || status === 403 || operation.method !== "GET", `${what}: ${status} ${text}`);
      assert.ok(!text.includes(HIDDEN) && !text.includes(HIDDEN_SERVER), `${what} as ${role}: ${text}`);
      const whole = await ask(gateway, operation, as(role));
      if (whole.text.includes(HIDDEN)) shows.push(what);
      if (operation.method !== "GET")
        assert.ok(status === 403 || status >= 400, `${what} as ${role}: ${status}`);
    }
  }
  const lists = ["/{version}/http/upstreams", "/sluice/1/upstreams", "/sluice/1/status", "/sluice/1/events"];
  for (const path of [...lists, "/metrics"])
    assert.ok(shows.includes(`GET ${path}`), `${path} shows the upstream to others`);
  const events = await gateway.api.expect(200, "GET", "/api/sluice/1/events", undefined, as("some-read"));
  assert.deepEqual([...new Set(events.map(({ upstream }) => upstream))], ["app"]);
  const narrowed = await gateway.api.get(`/api/metrics?upstream=app,${HIDDEN}`, as("some-read"));
  assertErrorBody(narrowed, 403, "UpstreamNotAllowed");
  const status = await gateway.api.get(`/api/sluice/1/status?upstream=${HIDDEN}`, as("some-read"));
  assert.deepEqual([status.body.upstreams, status.body.upstream_count], [[], 1]);
});

test("tricks in the path do not lead to another upstream", async (context) => {
  const gateway = await startWithTokens(context, [entry("app", "admin", { upstreams: ["app*"] })], {
    upstreams,
  });
  const { api } = gateway;
  for (const name of [
    HIDDEN,
    "%68idden-upstream",
    `app%2f..%2f${HIDDEN}`,
    `app/../${HIDDEN}`,
    `./${HIDDEN}`,
    `/${HIDDEN}`,
    `${HIDDEN}/`,
    `${HIDDEN}?app`,
    `${HIDDEN};app`,
  ]) {
    for (const [method, path] of [
      ["GET", `/api/sluice/1/upstreams/${name}`],
      ["GET", `//api//9/http//upstreams/${name}/servers`],
      ["DELETE", `/api/sluice/1/upstreams/${name}`],
    ]) {
      const { status, text } = await api.send(method, path, undefined, as("app"));
      assert.ok([403, 404, 405].includes(status), `${method} ${path}: ${status}`);
      assert.ok(!text.includes(HIDDEN_SERVER), text);
    }
  }
  assert.equal((await api.send("HEAD", sluice(HIDDEN), undefined, as("app"))).status, 403);
  for (const method of ["OPTIONS", "PROPFIND", "LOCK"]) {
    const { status } = await api.send(method, sluice(HIDDEN));
    assert.ok([401, 405].includes(status), `${method}: ${status}`);
  }
});

test("the role operate changes whether and how much a server serves, and nothing else", async (context) => {
  const gateway = await startWithTokens(context, [entry("op", "operate"), entry("root", "admin")], {
    upstreams,
  });
  const { api } = gateway;
  const path = `${serversOf()}/0`;
  for (const change of [
    { weight: 5 },
    { down: true },
    { down: false },
    { drain: true },
    { drain: false, weight: 1 },
    { standby: true },
    { standby: false },
  ])
    await api.expect(200, "PATCH", path, change, as("op"));
  for (const change of [
    { server: "127.0.0.2:9" },
    { max_conns: 3 },
    { max_fails: 2 },
    { fail_timeout: "1s" },
    { slow_start: "1s" },
    { route: "a" },
    { backup: false },
    { weight: 2, max_fails: 2 },
  ]) {
    const answer = await api.patch(path, change, as("op"));
    assertErrorBody(answer, 403, "RoleMissing");
    assert.match(answer.body.error.text, /needs the role "write"; the token "op" has the role "operate"/);
  }
  assertErrorBody(await api.patch(path, { nothing: 1 }, as("op")), 400, "UpstreamConfFormatError");
  await api.expect(202, "POST", `${sluice()}/servers/0/drain`, { deadline: "1h" }, as("op"));
  // The job may have removed the idle server already.
  const cancelled = await api.send("DELETE", `${sluice()}/servers/0/drain`, undefined, as("op"));
  assert.ok([204, 404].includes(cancelled.status), shownOf(cancelled));
  const { may_write: mayWrite, role } = await api.expect(
    200,
    "GET",
    "/api/sluice/1/status",
    undefined,
    as("op"),
  );
  assert.deepEqual([mayWrite, role], [true, "operate"]);
});

test("the role report registers, reports and leaves, only for its upstreams", async (context) => {
  const tokens = [entry("node", "report", { upstreams: ["app"] })];
  const { api } = await startWithTokens(context, tokens, { upstreams });
  const node = { server: "127.0.0.5:9", ttl: "10s" };
  await api.expect(201, "PUT", `${sluice()}/nodes/one`, node, as("node"));
  await api.expect(200, "PUT", `${sluice()}/nodes/one`, node, as("node"));
  await api.expect(200, "GET", `${sluice()}/nodes/one`, undefined, as("node"));
  await api.expect(200, "GET", `${sluice()}/nodes`, undefined, as("node"));
  await api.expect(204, "POST", `${sluice()}/nodes/one/report`, { utilization: 0.5 }, as("node"));
  await api.expect(204, "DELETE", `${sluice()}/nodes/one`, undefined, as("node"));
  assertErrorBody(await api.put(`${sluice(HIDDEN)}/nodes/one`, node, as("node")), 403, "UpstreamNotAllowed");
  assertErrorBody(await api.get(sluice(), as("node")), 403, "RoleMissing");
});

test("a write token has the role admin, and a read token the role read", async (context) => {
  const setup = { api: { write_tokens: ["w"], read_tokens: ["r"] } };
  const gateway = await startGateway(context, { upstreams, setup });
  const bearer = (token) => ({ Authorization: `Bearer ${token}` });
  for (const operation of operations) {
    const what = `${operation.method} ${operation.path}`;
    const writer = await ask(gateway, operation, bearer("w"));
    assert.ok(![401, 403].includes(writer.status), `${what}: ${shownOf(writer)}`);
    const reader = await ask(gateway, operation, bearer("r"));
    assert.equal(reader.status === 403, !has("read", operation.roles), `${what}: ${shownOf(reader)}`);
  }
});
